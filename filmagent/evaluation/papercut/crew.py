"""Films the benchmark's shots in several processes at once, each with a laboratory of its own.

One shot is one job: all that it needs of its film lies in the film's folder and in the records before it, so that any
process can make the next shot of any film. Knows no tables and writes no log.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Protocol

from filmagent.errors import GenerationError
from filmagent.evaluation.papercut.film import Laboratory, film_story
from filmagent.evaluation.papercut.records import ShotRecord
from filmagent.evaluation.papercut.rows import Row
from filmagent.evaluation.papercut.stories import HeldOutStory


class Opener(Hashable, Protocol):
    """Opens what films are made and measured with, once in every process; can be sent to one."""

    def open(self) -> tuple[Laboratory, Sequence[Row]]:
        """The laboratory and the rows of the table."""
        ...


@dataclass(frozen=True)
class Crew:
    """Processes that film."""

    opener: Opener
    workers: int


@dataclass(frozen=True)
class FilmJob:
    """A film that lacks shots."""

    row: str
    seed: int
    story: HeldOutStory
    folder: Path
    done: tuple[ShotRecord, ...]

    @property
    def lacks(self) -> range:
        """The shots that are not done."""
        return range(len(self.done), len(self.story.shots))


def film_together(
    crew: Crew, jobs: Iterable[FilmJob], on_begin: Callable[[FilmJob, int], None] = lambda job, shot: None
) -> Iterator[ShotRecord]:
    """Film all that is lacking; records come as shots are done, those of one film in order.

    Raises:
        GenerationError: a process was killed.
        FilmAgentError: what `film_story` raises, of any shot; shots in work are finished, and lost.
    """
    waiting = (job for job in jobs if job.lacks)
    pool = ProcessPoolExecutor(crew.workers, get_context("spawn"), _begin, (crew.workers,))
    running: dict[Future[ShotRecord], FilmJob] = {}

    def start(job: FilmJob) -> None:
        on_begin(job, len(job.done))
        running[pool.submit(_film_shot, crew.opener, job)] = job

    try:
        for _, job in zip(range(crew.workers), waiting, strict=False):
            start(job)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job, record = running.pop(future), future.result()
                yield record
                further = replace(job, done=(*job.done, record))
                following = further if further.lacks else next(waiting, None)
                if following is not None:
                    start(following)
    except BrokenProcessPool as error:
        raise GenerationError(
            "a process that films was killed, perhaps for want of memory: the same command goes on, "
            "with fewer --workers if need be"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(workers: int) -> None:
    """Share the cores out, leave an interrupt to the process that was asked, and end when that one is killed."""
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _opened(opener: Opener) -> tuple[Laboratory, Mapping[str, Row]]:
    laboratory, rows = opener.open()
    return laboratory, {row.name: row for row in rows}


def _film_shot(opener: Opener, job: FilmJob) -> ShotRecord:
    laboratory, rows = _opened(opener)
    return next(film_story(laboratory, rows[job.row], job.story, job.seed, job.folder, job.done))
