"""One pass over a film: its cuts (PySceneDetect), where it is black, where nothing moves, and its black bars.

All look at the same small frames, so their times cannot drift apart. Dissolves are not found: PySceneDetect's
adaptive detector looks for cuts. Knows pixels; nothing of captions or sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmagent.errors import ArtifactError, UsageError
from filmagent.generation.port import Image
from filmagent.scoring.stillness import StillnessLimits
from filmagent.training.curate.cutting import Flaw
from filmagent.training.sequences.footage import Footage, fit_within, read_footage
from filmagent.training.sequences.record import Box

LOOKED_AT = 256
"""Longer side in pixels of the frames that are looked at; PySceneDetect scales to about as many."""
DARK, DARK_SHARE = 0.10, 0.98
"""A frame is black when this share of its pixels is darker than this luma (0 to 1): ffmpeg's blackdetect defaults."""
STILL_SECONDS = 1.0
"""Stretches in which nothing moves are dropped from this length on."""
BAR_LIT = 0.02
"""A row or column at the edge is a black bar when at most this share of the frames show anything brighter in it."""
WHOLE_PICTURE = Box(left=0, top=0, right=1, bottom=1)
SHORTEST_SHOT = 0.5
"""Seconds between two cuts; what changes faster is a flash."""

INSTALL = "finding shots needs PySceneDetect: pip install 'filmagent[curate]' (or: pip install scenedetect-headless)"


@dataclass(frozen=True)
class Seen:
    """What one pass found, in frames of the film's rate."""

    frames: int
    cuts: tuple[int, ...]
    flaws: tuple[tuple[int, int, Flaw], ...]
    area: Box
    """What is left of the picture without its black bars."""


@dataclass
class _Bars:
    """Counts how often every row and column of the picture is lit."""

    frames: int = 0
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    columns: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def look(self, light: NDArray[np.float32]) -> None:
        """Take the luma (0 to 1) of one frame."""
        lit = light >= DARK
        self.rows, self.columns = self.rows + lit.any(axis=1), self.columns + lit.any(axis=0)
        self.frames += 1

    def area(self) -> Box:
        """Return the picture without bars. One row or column more is cut off beside a bar: its edge is blurred."""
        top, bottom = self._lit(self.rows)
        left, right = self._lit(self.columns)
        if right <= left or bottom <= top:
            return WHOLE_PICTURE
        return Box(left=left, top=top, right=right, bottom=bottom)

    def _lit(self, counts: NDArray[np.int64]) -> tuple[float, float]:
        lit = np.flatnonzero(counts > BAR_LIT * self.frames)
        if not len(lit) or len(lit) == len(counts):
            return 0.0, 1.0
        first, last = int(lit[0]), int(lit[-1])
        begin = 0 if first == 0 else first + 1
        end = len(counts) if last == len(counts) - 1 else last
        return begin / len(counts), end / len(counts)


@dataclass
class _Stretches:
    """Collects black and still stretches, frame by frame."""

    fps: int
    limits: StillnessLimits = field(default_factory=StillnessLimits)
    found: list[tuple[int, int, Flaw]] = field(default_factory=list)
    _reference: NDArray[np.float32] | None = None
    _still_since: int = 0
    _black_since: int | None = None

    def look(self, number: int, light: NDArray[np.float32]) -> None:
        """Take the luma (0 to 1) of one frame."""
        if float((light < DARK).mean()) >= DARK_SHARE:
            self._end_still(number)
            self._black_since = number if self._black_since is None else self._black_since
            return
        self._end_black(number)
        moved = self._reference is None or float(
            (np.abs(light - self._reference) > self.limits.moved).mean()) >= self.limits.frozen_area
        if moved:
            self._end_still(number)
            self._reference, self._still_since = light, number

    def end(self, number: int) -> tuple[tuple[int, int, Flaw], ...]:
        """Return the stretches, in order."""
        self._end_black(number)
        self._end_still(number)
        return tuple(self.found)

    def _end_black(self, number: int) -> None:
        if self._black_since is not None:
            self.found.append((self._black_since, number, "black"))
            self._black_since = None

    def _end_still(self, number: int) -> None:
        if self._reference is not None and number - self._still_since >= STILL_SECONDS * self.fps:
            self.found.append((self._still_since, number, "static"))
        self._reference = None


def check_detector() -> None:
    """Raise UsageError saying what to install when PySceneDetect is missing."""
    try:
        import scenedetect  # noqa: F401
    except ImportError as error:
        raise UsageError(INSTALL) from error


def look_through(path: Path, footage: Footage, on_frame: Callable[[int], None] = lambda number: None) -> Seen:
    """Decode a film once and return its cuts, flaws and bars.

    Args:
        path: of the film.
        footage: its header.
        on_frame: called with the number of frames seen.

    Raises:
        ArtifactError: the film cannot be decoded or has no frames.
        UsageError: PySceneDetect is not installed.
    """
    check_detector()
    from scenedetect import AdaptiveDetector, FrameTimecode

    fps = footage.rate
    detector: Any = AdaptiveDetector(min_scene_len=SHORTEST_SHOT)
    stretches, bars, cuts, number = _Stretches(fps), _Bars(), set[int](), 0
    for frame in read_footage(path, fit_within(footage.size, LOOKED_AT), fps):
        found = detector.process_frame(FrameTimecode(number, float(fps)), np.ascontiguousarray(frame[..., ::-1]))
        cuts.update(cut.frame_num for cut in found)
        light = _luma(frame)
        stretches.look(number, light)
        bars.look(light)
        number += 1
        on_frame(number)
    if number == 0:
        raise ArtifactError(f"{path.name!r} has no frames")
    cuts.update(cut.frame_num for cut in detector.post_process(FrameTimecode(number, float(fps))))
    shots = tuple(sorted(cut for cut in cuts if 0 < cut < number))
    return Seen(number, shots, stretches.end(number), bars.area())


def _luma(frame: Image) -> NDArray[np.float32]:
    """Return Rec. 709 luma, 0 to 1."""
    return frame.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32) / np.float32(255)
