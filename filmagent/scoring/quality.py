"""Whether a frame is good enough to be remembered, and whether a take is: the quality gate.

StoryMem asks HPSv3, a reward model of seven thousand million weights that no film on a laptop can carry. Whoever has
it wraps it as a `QualityScore` with StoryMem's threshold of 3.0; without it, `Clarity` measures the failures that
need no model: blank, washed-out and blurred frames. Clarity knows nothing of beauty, faces or hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from filmagent.schemas.story import Shot
from filmagent.scoring.pixels import check_video, luminance, sample_indices
from filmagent.scoring.port import Picture, ScoreSheet, ScoringContext, Video

HPSV3_THRESHOLD = 3.0
"""StoryMem keeps a frame when HPSv3, asked with an empty prompt, gives at least this (released programme)."""


class QualityScore(Protocol):
    """Gives one picture a number; higher is better."""

    @property
    def name(self) -> str:
        """Stable key, such as `clarity`."""
        ...

    def score(self, picture: Picture) -> float:
        """Score one picture. Raises ScoringError when the measurement breaks."""
        ...


@dataclass(frozen=True)
class QualityGate:
    """A score and the least that passes, on that score's own scale."""

    quality: QualityScore
    threshold: float

    def passes(self, score: float) -> bool:
        """Whether a score is good enough."""
        return score >= self.threshold


@dataclass(frozen=True)
class Clarity:
    """How much there is to see, and how sharply: the smaller of contrast and sharpness, 0 (nothing) to 1 (plenty)."""

    full_contrast: float = 0.12
    """Standard deviation of the luminance (0 to 1) from which contrast counts as full."""
    full_sharpness: float = 0.35
    """Steepest edges, as the share of the picture's own luminance range crossed from one pixel to the next, from which
    sharpness counts as full."""

    @property
    def name(self) -> str:
        """Stable key."""
        return "clarity"

    def score(self, picture: Picture) -> float:
        """Score one picture, 0 to 1."""
        light = luminance(picture[None])[0]
        low, high = np.percentile(light, (1, 99))
        contrast = float(light.std()) / self.full_contrast
        sharpness = _steepest(light) / max(float(high - low), 1 / 255) / self.full_sharpness
        return float(min(contrast, sharpness, 1.0))


CLARITY_GATE = QualityGate(Clarity(), threshold=0.5)
"""The gate of memory and critic where no reward model is at hand."""


@dataclass(frozen=True)
class QualityScorer:
    """Measures the frames of a take against the quality gate."""

    gate: QualityGate = CLARITY_GATE
    frames: int = 5
    """How many frames are looked at, spread evenly."""

    @property
    def name(self) -> str:
        """Stable key."""
        return "quality"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Median quality of the take; `low_quality` when it does not pass the gate."""
        check_video(frames)
        scores = [self.gate.quality.score(frames[index]) for index in sample_indices(len(frames), self.frames)]
        median = float(np.median(scores))
        return ScoreSheet({f"quality/{self.gate.quality.name}": median},
                          () if self.gate.passes(median) else ("low_quality",))


def _steepest(light: NDArray[np.float32]) -> float:
    """Luminance step between neighbours that only one pixel in a hundred exceeds, in either direction."""
    steps = [np.abs(np.diff(light, axis=axis)).ravel() for axis in (0, 1)]
    return float(np.percentile(np.concatenate(steps), 99))
