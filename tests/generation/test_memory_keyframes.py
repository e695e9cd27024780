"""StoryMem's keyframe rule, by tables of angles: a frame's embedding is a point on a circle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.memory.keyframes import (
    KeyframeRules,
    already_known,
    choose_keyframes,
    scoring_size,
)

RULES = KeyframeRules()
DIFFERENT = 30.0  # degrees: cosine 0.866
ALIKE = 20.0  # degrees: cosine 0.940


def circle(*degrees: float) -> np.ndarray:
    angles = np.radians(np.array(degrees))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(("degrees", "bad", "kept"), [
    ((0, 0, 0, 0), (), (0,)),
    ((0, 0, DIFFERENT, DIFFERENT), (), (0, 2)),
    ((0, 0, ALIKE, 2 * ALIKE), (), (0, 3)),  # each is compared with the last kept one, not with its neighbour
    ((0, 0, DIFFERENT, 2 * DIFFERENT), (), (0, 2, 3)),
    ((0, 90, 0, 0), (), (0,)),  # frame 1 is never compared
    ((0, 0, DIFFERENT, DIFFERENT), (2,), (0, 3)),  # a bad frame is passed over, the next is compared with frame 0
    ((0, 0, 0, 90, 90), (0, 1, 2), (3,)),
    ((0, 0, 90), (0, 1, 2), ()),
    ((0,), (), (0,)),
    ((), (), ()),
])
def test_which_frames_are_kept(degrees, bad, kept):
    assert choose_keyframes(circle(*degrees), lambda index: index not in bad, RULES).frames == kept


def test_comparison_starts_at_frame_two_whatever_the_first_keyframe_is():
    # The first keyframe is frame 1; frame 2 differs from it, although their places in the shot are neighbours.
    assert choose_keyframes(circle(0, 90, 0, 0), lambda index: index != 0, RULES).frames == (1, 2)
    # A first keyframe at frame 4 is compared again with what lies before it: only quality keeps frames 2 and 3 out.
    asked: list[int] = []

    def is_good(index: int) -> bool:
        asked.append(index)
        return index >= 4

    assert choose_keyframes(circle(0, 0, 0, 0, 90), is_good, RULES).frames == (4,)
    assert asked == [0, 1, 2, 3, 4]


def test_the_threshold_falls_until_three_are_left():
    # Cosines between neighbours: 0.891, then five times 0.875; four or more pass until the threshold is below 0.89.
    frames = circle(0, 0, 27, 56, 85, 114, 143)
    chosen = choose_keyframes(frames, lambda index: True, RULES)
    assert len(chosen.frames) <= 3
    steps = (0.9 - chosen.similarity) / 0.01
    assert steps == pytest.approx(round(steps)) and steps >= 1
    before = KeyframeRules(similarity=chosen.similarity + 0.01, most=100)
    assert len(choose_keyframes(frames, lambda index: True, before).frames) > 3


def test_quality_is_asked_once_and_only_of_frames_that_differ():
    asked: list[int] = []

    def is_good(index: int) -> bool:
        asked.append(index)
        return True

    choose_keyframes(circle(0, 0, 0, *(DIFFERENT * step for step in range(1, 8))), is_good, RULES)
    assert 1 not in asked and 2 not in asked
    assert len(asked) == len(set(asked))


@given(st.lists(st.floats(0, 360), min_size=1, max_size=25), st.sets(st.integers(0, 24)))
def test_whatever_the_frames_at_most_three_good_ones_are_kept(degrees, bad):
    frames = choose_keyframes(circle(*degrees), lambda index: index not in bad, RULES).frames
    assert len(frames) <= 3
    assert not bad & set(frames)
    assert bool(frames) == any(index not in bad for index in range(len(degrees)))


@pytest.mark.parametrize(("degrees", "known"), [(0, 0), (25, 0), (25.9, None), (80, 1), (45, None)])
def test_what_the_bank_shows_already_is_a_duplicate(degrees, known):
    assert already_known(circle(degrees)[0], circle(0, 90), RULES) == known


def test_the_limit_for_duplicates_is_exclusive_and_does_not_fall():
    bank = np.array([[1.0, 0.0]], np.float32)
    at_limit = np.array([np.float32(0.9), math.sqrt(1 - 0.9**2)], np.float32)
    assert already_known(at_limit, bank, KeyframeRules(duplicate=float(np.float32(0.9)))) is None
    assert already_known(at_limit, bank, KeyframeRules(similarity=0.5, duplicate=0.89)) == 0


def test_nothing_is_a_duplicate_of_an_empty_bank():
    assert already_known(circle(0)[0], circle()[:0], RULES) is None


@pytest.mark.parametrize(("size", "scaled"), [
    ((480, 832), (336, 588)), ((720, 1280), (336, 588)), ((704, 1280), (308, 588)), ((96, 160), (168, 252)),
    ((280, 280), (280, 280)),
])
def test_the_size_at_which_frames_are_measured(size, scaled):
    assert scoring_size(*size) == scaled


@given(st.integers(16, 4096), st.integers(16, 4096))
def test_the_measured_size_is_made_of_squares(height, width):
    scaled = scoring_size(height, width)
    assert all(side % 28 == 0 and side > 0 for side in scaled)
