"""Rows that are filmed with a memory that somebody trained: words that a person types -> rows of the table.

Reads headers of weights; loads none. Knows nothing of films and measures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from filmagent.errors import UsageError
from filmagent.evaluation.papercut.rows import Row
from filmagent.generation.memory.registry import check_memory_fits, create_policy, policy_names
from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.trained.bases import open_base
from filmagent.generation.trained.files import TrainedMemory, read_trained, weights_file
from filmagent.generation.trained.filming import film_with


@dataclass(frozen=True)
class TrainedRow:
    """What a person asks for."""

    name: str
    folder: Path
    """`OUT/weights` of `filmagent train memory --base papercut`."""
    memory: str | None = None
    """Name of the memory; None: the one that the weights were trained for."""

    @classmethod
    def parse(cls, words: str) -> TrainedRow:
        """Read `NAME=DIR` or `NAME=MEMORY:DIR`. Raises UsageError."""
        name, where = (part.strip() for part in words.partition("=")[::2])
        memory, colon, rest = where.partition(":")
        named = bool(colon) and memory in policy_names()
        folder = rest if named else where
        if not name or not folder:
            raise UsageError(f"--trained {words!r}: write NAME=DIR, or NAME=MEMORY:DIR for another memory than its own")
        return cls(name, Path(folder).expanduser(), memory if named else None)


def open_trained_row(asked: TrainedRow, papercut: Path | None = None) -> Row:
    """Make the row, generator included.

    Args:
        asked: what a person asks for.
        papercut: the base's weights; None: those of the package.

    Raises:
        ModelFilesError: there are no such weights, or they were trained on another base.
        UsageError: the memory leaves the choice to weights that do not choose.
    """
    told = read_trained(weights_file(asked.folder, "denoiser"))
    base = replace(open_base("papercut", told.policy), config=papercut_config(papercut))
    generator = film_with(asked.folder, base)
    memory = asked.memory or told.policy
    check_memory_fits(memory, generator.capabilities)
    return Row(
        asked.name,
        _says(told) if memory == told.policy else f"{_says(told)}; {memory} says what is shown",
        lambda features: create_policy(memory, features),
        generator=generator,
    )


def _says(told: TrainedMemory) -> str:
    budget = "" if told.shape is None else f", budget {told.shape.budget}"
    alone = "" if told.queries == "both" else f", {told.queries} queries alone"
    without = ", without reconstruction" if told.reconstruction == 0 else ""
    read = ", memory read once a shot" if told.cached else ""
    return f"{told.policy}{budget}{alone}{without}{read}, trained for {told.step} steps"
