"""Plain measurements on pixels that several scorers share. Knows no model, no subject and no threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmagent.errors import ScoringError
from filmagent.scoring.port import Video

REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Shares of red, green and blue in luminance (ITU-R BT.709)."""


def check_video(frames: Video) -> None:
    """Raise ScoringError unless this is RGB video with at least one frame and one pixel."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ScoringError(f"cannot measure {frames.dtype} of shape {frames.shape}: give uint8 RGB video "
                           "(frames, height, width, 3)")


def luminance(frames: Video) -> NDArray[np.float32]:
    """Return luminance from 0 (black) to 1 (white), shape (frames, height, width)."""
    check_video(frames)
    return np.asarray(frames.astype(np.float32) @ REC709 / 255, np.float32)


def mean_difference(first: Video, second: Video) -> float:
    """Return the mean absolute difference of two equally large videos or pictures, 0 (equal) to 1."""
    return float(np.abs(first.astype(np.int16) - second.astype(np.int16)).mean() / 255)


def sample_indices(total: int, count: int) -> tuple[int, ...]:
    """Return at most `count` indices spread over `total` frames: the middle of each of `count` equal parts."""
    if total <= count:
        return tuple(range(total))
    return tuple(int((index + 0.5) * total / count) for index in range(count))
