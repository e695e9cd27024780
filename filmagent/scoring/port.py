"""The scorer port: frames in, named numbers and symptoms out.

A scorer measures one thing of one take. It gives no verdict: the critic does. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story
from filmagent.schemas.take import Symptom

Picture = NDArray[np.uint8]
"""RGB picture, shape (height, width, 3)."""
Video = NDArray[np.uint8]
"""RGB video, shape (frames, height, width, 3)."""


@dataclass(frozen=True)
class SeenBefore:
    """A remembered picture, with who is in it (subject id -> how surely, 0 to 1)."""

    image: Picture
    subjects: Mapping[str, float] = field(default_factory=dict)
    place: str | None = None
    photograph: bool = False
    """Whether it is a reference photograph and not a keyframe of the film."""


@dataclass(frozen=True)
class ScoringContext:
    """What a take is measured against."""

    story: Story
    plan: ShotPlan
    prompt: str
    """The caption in the generator's own words."""
    memory: tuple[SeenBefore, ...] = ()
    """All keyframes kept so far that show subjects or the place of this shot."""
    seam: Video | None = None
    """The last frames of the take before, at least one at a join; None at a cut."""


@dataclass(frozen=True)
class ScoreSheet:
    """What one scorer measured: numbers by name, and the symptoms that they show."""

    values: Mapping[str, float] = field(default_factory=dict)
    symptoms: tuple[Symptom, ...] = ()


class Scorer(Protocol):
    """Measures one thing of a take."""

    @property
    def name(self) -> str:
        """Stable key, such as `flicker`."""
        ...

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Measure a take. Raises ScoringError when the measurement itself breaks."""
        ...
