"""Runs a function in several processes at once, and says how each of them ended. Knows nothing of what they do."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any


def run_processes(
    work: Callable[..., None], given: Sequence[tuple[Any, ...]], preload: Sequence[str], seconds: float
) -> list[int | None]:
    """Call `work` once with each of `given`, all at once; returns the exit codes, None for a process that hangs.

    All are forked from one process that has imported `preload`, which takes seconds, and has done nothing with it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    processes = [context.Process(target=work, args=arguments) for arguments in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(seconds)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    return codes
