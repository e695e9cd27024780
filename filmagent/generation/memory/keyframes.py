"""StoryMem's keyframe rule: which frames of a shot are worth remembering.

Pure decisions over embeddings; knows no model, no files and no subjects. Source: Zhang et al., "StoryMem:
Multi-shot Long Video Storytelling with Memory" (arXiv 2512.19539), section on memory extraction, with the released
programme's constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Unit = NDArray[np.float32]
"""Embeddings of length one, shape (frames, dimensions)."""


@dataclass(frozen=True)
class KeyframeRules:
    """StoryMem's constants."""

    similarity: float = 0.9
    """A frame is new when its cosine to the last keyframe is below this, to begin with."""
    step: float = 0.01
    """How much that threshold falls while a shot has too many keyframes."""
    most: int = 3
    """Keyframes of one shot."""
    duplicate: float = 0.9
    """A keyframe is known already when its cosine to one of the bank exceeds this; it never falls."""
    first_compared: int = 2
    """Index of the first frame that is compared, wherever the first keyframe lies: the released programme's rule."""


@dataclass(frozen=True)
class Keyframes:
    """The keyframes of one shot, before the bank is asked."""

    frames: tuple[int, ...]
    """Indices in order; the first may come again, because comparison starts at `first_compared`."""
    similarity: float
    """The threshold in the end."""


def choose_keyframes(embeddings: Unit, is_good: Callable[[int], bool], rules: KeyframeRules) -> Keyframes:
    """Choose the keyframes of one shot.

    The first is the first frame that is good enough. From frame 2 on, a frame is kept when it differs from the last
    kept one and is good enough; quality is asked only of frames that differ, and once each. While more than
    `rules.most` are kept, the threshold falls and the choice starts again.

    Args:
        embeddings: unit rows, one a frame, shape (frames, dimensions).
        is_good: whether the frame with this index passes the quality gate; may be expensive.
    """
    answers: dict[int, bool] = {}

    def good(index: int) -> bool:
        if index not in answers:
            answers[index] = is_good(index)
        return answers[index]

    first = next((index for index in range(len(embeddings)) if good(index)), None)
    if first is None:
        return Keyframes((), rules.similarity)
    cosines = embeddings @ embeddings.T
    threshold = rules.similarity
    while True:
        kept = [first]
        for index in range(rules.first_compared, len(embeddings)):
            if cosines[kept[-1], index] < threshold and good(index):
                kept.append(index)
        if len(kept) <= rules.most:
            return Keyframes(tuple(kept), threshold)
        threshold -= rules.step


def already_known(embedding: Unit, bank: Unit, rules: KeyframeRules) -> int | None:
    """Return the row of the bank that a keyframe repeats, or None when it shows something new.

    Args:
        embedding: unit vector, shape (dimensions,).
        bank: unit rows of everything remembered before this shot, shape (keyframes, dimensions).
    """
    if len(bank) == 0:
        return None
    cosines = bank @ embedding
    nearest = int(cosines.argmax())
    return nearest if cosines[nearest] > rules.duplicate else None


def scoring_size(height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) to which StoryMem scales frames before it measures them, in pixels.

    Both are multiples of 28, and the area lies between 48 and 256 squares of 28 x 28 pixels; the shape of the picture
    is kept as nearly as that allows. 480 x 832 becomes 336 x 588.
    """
    square, least, most = 28, 48 * 28 * 28, 256 * 28 * 28
    rounded = (max(square, round(height / square) * square), max(square, round(width / square) * square))
    area = rounded[0] * rounded[1]
    if area > most:
        shrink = (height * width / most) ** 0.5 * square
        return max(square, int(height / shrink) * square), max(square, int(width / shrink) * square)
    if area < least:
        grow = (least / (height * width)) ** 0.5 / square
        return math.ceil(height * grow) * square, math.ceil(width * grow) * square
    return rounded
