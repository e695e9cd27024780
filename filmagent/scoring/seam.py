"""Whether a continued take really continues: its first frame against the last one of the take before. Only pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from filmagent.errors import ScoringError
from filmagent.schemas.story import Shot
from filmagent.scoring.pixels import check_video, mean_difference
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video

HIGHEST_PSNR = 60.0
"""Given for equal frames, where the ratio is infinite, in decibels."""


@dataclass(frozen=True)
class SeamLimits:
    """What counts as a jump."""

    difference: float = 0.06
    """Mean absolute difference across the seam, 0 to 1, that is always allowed."""
    times_motion: float = 2.5
    """Beyond that, as many times the take's own usual change is allowed: the median of the larger half of its changes
    from frame to frame, since what is animated on twos stands still every second time."""
    colour_shift: float = 0.05
    """Change of the mean colour, 0 to 1, that is allowed."""


@dataclass(frozen=True)
class Seam:
    """Measures the join of a take with the one before. The overlap is dropped, so one frame of movement is normal."""

    limits: SeamLimits = field(default_factory=SeamLimits)

    @property
    def name(self) -> str:
        """Stable key."""
        return "seam"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give `seam/psnr` (decibels), `seam/difference` and `seam/colour_shift` (0 to 1); nothing at a cut."""
        if context.seam is None or len(context.seam) == 0:
            return ScoreSheet()
        check_video(frames)
        before, after = context.seam[-1], frames[0]
        if before.shape != after.shape:
            raise ScoringError(f"the seam frame has shape {before.shape}, the take {after.shape}: the takes of a join "
                               "must have one size")
        difference = mean_difference(before, after)
        shift = float(np.abs(before.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() / 255)
        motion = [mean_difference(one, other) for one, other in pairwise(frames)]
        allowed = self.limits.difference + self.limits.times_motion * float(np.quantile(motion or [0.0], 0.75))
        jumps = difference > allowed or shift > self.limits.colour_shift
        values = {"seam/psnr": _psnr(before, after), "seam/difference": difference, "seam/colour_shift": shift}
        return ScoreSheet(values, ("seam_jump",) if jumps else ())


def _psnr(first: Video, second: Video) -> float:
    """Peak signal-to-noise ratio in decibels, at most `HIGHEST_PSNR`."""
    error = float(np.square(first.astype(np.float64) - second.astype(np.float64)).mean())
    return HIGHEST_PSNR if error == 0 else min(HIGHEST_PSNR, 10 * np.log10(255**2 / error))
