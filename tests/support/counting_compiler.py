"""A backend of torch.compile that compiles nothing and counts: programs that were asked for, and their runs."""

from __future__ import annotations


class CountingCompiler:
    """Runs every graph as it was traced."""

    def __init__(self) -> None:
        self.programs = 0
        self.runs = 0

    def __call__(self, graph, inputs):
        self.programs += 1

        def run(*arguments):
            self.runs += 1
            return graph.forward(*arguments)

        return run
