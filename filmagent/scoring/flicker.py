"""Whether light or colour jumps from frame to frame. Knows only pixels.

Movement changes frames too, but steadily: one frame lies between its neighbours. Flicker goes there and back, so what
is measured is how far a frame's colours stand out from the mean of the frames before and after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filmagent.schemas.story import Shot
from filmagent.scoring.pixels import check_video
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video

GRID = 6
"""Colours are averaged over this many fields in each direction, so that small movements cancel out."""


@dataclass(frozen=True)
class Flicker:
    """Measures colour jumps that movement does not explain."""

    limit: float = 0.03
    """Symptom from here: colour, 0 to 1, by which the worst frame's typical field stands out from its neighbours."""

    @property
    def name(self) -> str:
        """Stable key."""
        return "flicker"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give `flicker/worst`: for the worst frame, the median field's jump, 0 to 1. Under three frames: 0."""
        check_video(frames)
        if len(frames) < 3:
            return ScoreSheet({"flicker/worst": 0.0})
        colours = _field_colours(frames)
        jumps = np.abs(colours[1:-1] - (colours[:-2] + colours[2:]) / 2).max(axis=-1)
        worst = float(np.median(jumps, axis=1).max())
        return ScoreSheet({"flicker/worst": worst}, ("flicker",) if worst >= self.limit else ())


def _field_colours(frames: Video) -> NDArray[np.float32]:
    """Return mean colours, 0 to 1, shape (frames, fields, 3)."""
    rows = np.array_split(frames.astype(np.float32) / 255, min(GRID, frames.shape[1]), axis=1)
    fields = [field for row in rows for field in np.array_split(row, min(GRID, frames.shape[2]), axis=2)]
    return np.stack([field.mean(axis=(1, 2)) for field in fields], axis=1)
