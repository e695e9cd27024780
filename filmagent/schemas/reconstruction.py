"""What a run's memory gave back of one subject: the picture drawn from it, and how well it agrees.

Knows ids, numbers, hashes and paths relative to the run folder; never pictures.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from filmagent.schemas.story import Model
from filmagent.schemas.take import MemoryUse


class BestView(Model):
    """The remembered picture that shows a subject best."""

    sha256: str
    path: str
    """Relative to the run folder."""
    shot: str | None
    """Id of the shot whose accepted take it comes from; None: a reference photograph."""
    surely: float
    """How surely the subject is in it, 0 to 1."""


class Reconstruction(Model):
    """One subject as the memory of a run knows it. The key is the hash of everything that made and measured it."""

    version: Literal[1] = 1
    key: str = Field(pattern=r"^[0-9a-f]{16,64}$")
    subject: str
    """Id of the subject."""
    name: str
    after: str | None
    """Id of the last shot whose take is remembered; None: only photographs are."""
    path: str
    """The picture, relative to the run folder."""
    sha256: str
    """Of the picture's file."""
    prompt: str
    """What was asked for, in the generator's words."""
    notes: tuple[str, ...] = ()
    """What could not be said or done as meant, and what was done instead."""
    seed: int
    width: int
    height: int
    generator: str
    policy: str
    """The memory policy that recalled."""
    memory: tuple[MemoryUse, ...] = ()
    """What was recalled, each with its reason."""
    best: BestView
    scores: dict[str, float] = Field(default_factory=dict)
    """`identity` and `shown`, 0 to 1; empty when nothing could be measured."""
    faults: tuple[str, ...] = ()
    """What the scores say against it; empty: it agrees, or was not measured."""
    machine: str = ""

    @property
    def forgotten(self) -> bool | None:
        """Whether the subject is being forgotten; None: that was not measured."""
        return bool(self.faults) if self.scores else None
