"""Whether anything is to be seen, and whether anything moves. Knows only pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from filmagent.schemas.story import Shot
from filmagent.schemas.take import Symptom
from filmagent.scoring.pixels import luminance
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video


@dataclass(frozen=True)
class StillnessLimits:
    """What counts as blank and as frozen."""

    blank_contrast: float = 0.02
    """A frame is blank when the standard deviation of its luminance (0 to 1) and of its colours is below this."""
    blank_share: float = 0.5
    """A take is blank when at least this share of its frames is."""
    moved: float = 0.03
    """A pixel has moved when its luminance (0 to 1) differs by more than this from the first frame's."""
    frozen_area: float = 0.001
    """A take is frozen when fewer than this share of its pixels ever move: a breathing sleeper moves 0.002 and more."""


@dataclass(frozen=True)
class Stillness:
    """Measures contrast and movement."""

    limits: StillnessLimits = field(default_factory=StillnessLimits)

    @property
    def name(self) -> str:
        """Stable key."""
        return "stillness"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give `stillness/contrast` (median over frames, 0 to 0.5) and `stillness/moving_area` (0 to 1).

        The moving area is the greatest share of pixels that differ from the first frame: the dynamic degree of a take
        whose camera stands still.
        """
        light = luminance(frames)
        contrast = np.maximum(light.std(axis=(1, 2)), frames.std(axis=(1, 2), dtype=np.float32).max(axis=1) / 255)
        moving = float((np.abs(light - light[0]) > self.limits.moved).mean(axis=(1, 2)).max())
        symptoms: list[Symptom] = []
        if float((contrast < self.limits.blank_contrast).mean()) >= self.limits.blank_share:
            symptoms.append("blank")
        if moving < self.limits.frozen_area:
            symptoms.append("frozen")
        return ScoreSheet({"stillness/contrast": float(np.median(contrast)), "stillness/moving_area": moving},
                          tuple(symptoms))
