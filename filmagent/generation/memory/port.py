"""The memory port: what is kept of accepted takes, and what the next shot is shown.

Knows keyframes, names and order; nothing of diffusion, graphs or critics. No torch here. A policy only decides:
the bank reads and writes the pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from filmagent.generation.port import Frames, Image
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story


@dataclass(frozen=True)
class Keyframe:
    """One remembered frame, with who and what it shows."""

    sha256: str
    """Of the stored picture file: the identity of the keyframe."""
    path: str
    """The picture, relative to the run folder."""
    shot: str | None
    """Id of the shot it comes from; None: a reference photograph."""
    take: str | None
    """Key of the accepted take it comes from; None: a reference photograph."""
    frame: int
    """Index within the take; 0 for a reference photograph."""
    subjects: Mapping[str, float] = field(default_factory=dict)
    """Subject id -> how surely it is in the picture, 0 to 1."""
    place: str | None = None
    """Id of the place it shows."""
    quality: float = 0.0
    reason: str = ""
    """Why it was kept."""


@dataclass(frozen=True)
class Kept:
    """A policy's decision to keep one frame of an accepted take."""

    frame: int
    subjects: Mapping[str, float]
    quality: float
    reason: str


@dataclass(frozen=True)
class Remembered:
    """What a policy keeps of one accepted take, and why it keeps no more."""

    kept: tuple[Kept, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recall:
    """A policy's decision to show one keyframe to the next shot."""

    keyframe: Keyframe
    reason: str
    experts: tuple[str, ...] = ()
    """Experts of a generator that chooses by itself to whom it is offered; empty: to all."""
    pinned: bool = False
    """It is shown whatever such a generator chooses."""


class BankView(Protocol):
    """What a policy sees of the bank: the keyframes before this shot, in the order of the film."""

    @property
    def keyframes(self) -> tuple[Keyframe, ...]:
        """Reference photographs first, then keyframes in the order of the film."""
        ...

    @property
    def pools(self) -> Mapping[str, tuple[str, ...]]:
        """Expert -> what it chose last, as pictures' hashes; empty when no generator of this film chose."""
        ...

    @property
    def pool_shot(self) -> str | None:
        """Id of the shot that `pools` was chosen for; None: there is none."""
        ...

    def image(self, keyframe: Keyframe) -> Image:
        """Read a keyframe's picture. Raises ArtifactError if the file is missing or altered."""
        ...


class MemoryPolicy(Protocol):
    """Decides what is kept and what is shown. Holds no film state: the bank does."""

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """What decides, besides take and bank, which frames are kept: revision of the model that measures, constants.

        Cheap: no model is loaded. Raises ArtifactError when a weights file cannot be read.
        """
        ...

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Choose the frames of an accepted take that are kept. Raises ScoringError, ArtifactError."""
        ...

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Choose at most `limit` keyframes for the next shot, oldest first (the last is nearest in time)."""
        ...
