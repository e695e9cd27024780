"""What a memory is trained on, as the training sees it: films of shots with words, frames on demand, subject targets.

Any source of films fits that gives these; nothing is decoded before it is asked for. Knows no file and no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from filmagent.generation.port import Frames, Image


class TrainingShot(Protocol):
    """One shot of a film."""

    @property
    def prompt(self) -> str:
        """What the base is told, in the words that its generator films with."""
        ...

    @property
    def revision(self) -> str:
        """What identifies its frames, size and rate included."""
        ...

    @property
    def frame_count(self) -> int:
        """How many frames it has, at the base's rate."""
        ...

    def frames(self, first: int, count: int) -> Frames:
        """Return frames (count, height, width, 3) of bytes at the training's size, from the one numbered `first`."""
        ...


class TrainingTarget(Protocol):
    """A picture of a subject that must be given back from memory alone."""

    @property
    def shot(self) -> int:
        """Index of the shot that it is from."""
        ...

    @property
    def caption(self) -> str:
        """Who it shows, and looking how."""
        ...

    def picture(self) -> Image:
        """Return it (height, width, 3) at the training's size."""
        ...


class TrainingFilm(Protocol):
    """Continuous shots of one film."""

    @property
    def name(self) -> str:
        """What a person knows it by."""
        ...

    @property
    def source(self) -> str:
        """Which film it is from: shots of another source show nobody of this one."""
        ...

    @property
    def shots(self) -> Sequence[TrainingShot]:
        """In the order of the film."""
        ...

    @property
    def targets(self) -> Sequence[TrainingTarget]:
        """May be empty."""
        ...


def films_revision(films: Sequence[TrainingFilm]) -> str:
    """Return 16 hex digits that identify films by names, words and lengths; no frame is read."""
    whole = hashlib.sha256()
    for film in films:
        whole.update(f"{film.name}\0".encode())
        for shot in film.shots:
            whole.update(f"{shot.frame_count} {shot.prompt}\0".encode())
        for target in film.targets:
            whole.update(f"{target.shot} {target.caption}\0".encode())
    return whole.hexdigest()[:16]
