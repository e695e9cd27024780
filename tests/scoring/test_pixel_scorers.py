"""Stillness, flicker, seam and quality on videos whose faults are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from filmagent.errors import ScoringError
from filmagent.scoring.flicker import Flicker
from filmagent.scoring.pixels import sample_indices
from filmagent.scoring.quality import CLARITY_GATE, HPSV3_THRESHOLD, Clarity, QualityGate, QualityScorer
from filmagent.scoring.seam import HIGHEST_PSNR, Seam
from filmagent.scoring.stillness import Stillness
from tests.scoring.videos import ONE, constant, context, moving, noise


def symptoms(scorer, frames, **more):
    return scorer.score(frames, ONE, context(**more)).symptoms


@given(st.integers(0, 255), st.integers(1, 6))
@settings(max_examples=15)
def test_one_colour_is_blank_and_frozen(value, frames):
    assert symptoms(Stillness(), constant(value, frames)) == ("blank", "frozen")


@given(st.integers(0, 20), st.integers(1, 4))
@settings(max_examples=15)
def test_movement_is_neither_blank_nor_frozen_nor_flicker(seed, step):
    video = moving(seed=seed, step=step)
    assert symptoms(Stillness(), video) == ()
    assert symptoms(Flicker(), video) == ()


def test_a_still_picture_is_frozen_but_not_blank():
    assert symptoms(Stillness(), np.stack([noise()] * 9)) == ("frozen",)


def test_grain_alone_is_no_movement():
    grain = np.random.default_rng(0).integers(-3, 4, (9, 48, 80, 3))
    assert "frozen" in symptoms(Stillness(), np.clip(noise()[None].astype(int) + grain, 0, 255).astype(np.uint8))


def test_colours_of_equal_luminance_are_not_blank():
    red, green = np.array((182, 0, 0)), np.array((0, 54, 0))
    picture = np.where((np.arange(80) // 8 % 2 == 0)[None, :, None], red, green).astype(np.uint8)
    assert "blank" not in symptoms(Stillness(), np.stack([picture.repeat(48, axis=0)] * 3))


@given(st.integers(12, 60))
@settings(max_examples=15)
def test_strobing_light_flickers(strength):
    video = moving().astype(int)
    video[::2] += strength
    assert symptoms(Flicker(), np.clip(video, 0, 255).astype(np.uint8)) == ("flicker",)


def test_one_foreign_frame_flickers_and_a_slow_change_of_light_does_not():
    video = moving()
    video[4] = noise(seed=9)
    assert symptoms(Flicker(), video) == ("flicker",)
    dusk = (moving() * np.linspace(1, 0.4, 9)[:, None, None, None]).astype(np.uint8)
    assert symptoms(Flicker(), dusk) == ()


def test_too_few_frames_cannot_flicker():
    assert symptoms(Flicker(), np.stack([noise(1), noise(2)])) == ()


def test_a_cut_has_no_seam():
    assert Seam().score(moving(), ONE, context()).values == {}


@given(st.integers(0, 20))
@settings(max_examples=15)
def test_a_take_that_goes_on_has_no_jump_and_a_foreign_one_has(seed):
    video = moving(frames=12, seed=seed)
    assert symptoms(Seam(), video[5:], seam=video[:5]) == ()
    assert symptoms(Seam(), moving(seed=seed + 1), seam=video[:5]) == ("seam_jump",)


@given(st.integers(0, 20))
@settings(max_examples=15)
def test_what_is_animated_on_twos_has_no_jump_where_it_goes_on(seed):
    video = np.stack([np.roll(noise(seed), 4 * index, axis=1) for index in range(12)]).repeat(2, axis=0)
    assert symptoms(Seam(), video[6:], seam=video[:6]) == ()


def test_a_colour_shift_is_a_jump_even_when_it_is_small():
    video = moving(frames=12)
    warmer = np.clip(video.astype(int) + np.array((16, 0, -16)), 0, 255).astype(np.uint8)
    assert symptoms(Seam(), warmer[5:], seam=video[:5]) == ("seam_jump",)


def test_equal_frames_have_the_highest_psnr():
    video = moving()
    assert Seam().score(video, ONE, context(seam=video[:1])).values["seam/psnr"] == HIGHEST_PSNR


def test_takes_of_two_sizes_cannot_be_joined():
    with pytest.raises(ScoringError, match="one size"):
        Seam().score(moving(), ONE, context(seam=moving()[:1, :24]))


@pytest.mark.parametrize("broken", [
    moving().astype(np.float32), moving()[0], moving()[:0], moving()[..., :1],
])
@pytest.mark.parametrize("scorer", [Stillness(), Flicker(), QualityScorer()])
def test_what_is_no_video_is_an_error_and_never_a_verdict(scorer, broken):
    with pytest.raises(ScoringError, match="uint8 RGB"):
        scorer.score(broken, ONE, context())


def blurred(radius: float) -> np.ndarray:
    return np.array(Image.fromarray(noise(height=96, width=160)).filter(ImageFilter.GaussianBlur(radius)))


def test_blur_lowers_clarity_step_by_step():
    scores = [Clarity().score(blurred(radius)) for radius in (0.01, 2, 4, 8)]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1.0
    assert CLARITY_GATE.passes(scores[0]) and not CLARITY_GATE.passes(scores[-1])


@given(st.integers(0, 255))
@settings(max_examples=15)
def test_a_blank_picture_is_never_clear(value):
    assert not CLARITY_GATE.passes(Clarity().score(constant(value)[0]))


def test_a_blurred_take_is_of_low_quality():
    assert symptoms(QualityScorer(), np.stack([blurred(8)] * 3)) == ("low_quality",)
    assert symptoms(QualityScorer(), moving()) == ()


def test_a_reward_model_takes_the_place_of_clarity():
    class Reward:
        name = "reward"

        def score(self, picture):
            return 2.9

    sheet = QualityScorer(QualityGate(Reward(), HPSV3_THRESHOLD)).score(moving(), ONE, context())
    assert (sheet.values, sheet.symptoms) == ({"quality/reward": 2.9}, ("low_quality",))


@given(st.integers(1, 200), st.integers(1, 20))
def test_samples_are_spread_and_never_twice(total, count):
    indices = sample_indices(total, count)
    assert list(indices) == sorted(set(indices)) and len(indices) == min(total, count)
    assert all(0 <= index < total for index in indices)
