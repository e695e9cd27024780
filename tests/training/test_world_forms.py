"""Stories of the papercut world in the forms that memory is tested with."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import MOVING_ACTIONS
from filmagent.training.papercut.world import (
    EVERY_FORM,
    FORMS,
    FRAMES,
    WIDTH,
    Figure,
    Performance,
    Setting,
    ShotScript,
    begins_as_at_a_cut,
    render_frames,
    sample_shot,
    sample_story,
    tell_story,
)
from filmagent.training.papercut.world.forms import CUT, gone_on
from filmagent.training.papercut.world.motion import place_at
from filmagent.training.papercut.world.poses import phase_after
from filmagent.training.papercut.world.stage import TOKEN, ZOOM, Stage


def seen(shot):
    return tuple(part.subject for part in shot.script.performances)


@given(st.sampled_from(sorted(EVERY_FORM)), st.integers(4, 16), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_every_story_is_whole(form, count, seed):
    told = tell_story(random.Random(seed), form, count)
    assert (told.form, len(told.shots)) == (form, count)
    assert told.shots[0].link == CUT
    assert told == tell_story(random.Random(seed), form, count)
    for shot in told.shots:
        assert shot.script.figures == told.story.figures
        assert shot.script.setting in told.story.settings


@pytest.mark.parametrize(("form", "count"), [("a tragedy", 8), ("main subject", 3), ("main subject", 17)])
def test_what_cannot_be_told_is_refused(form, count):
    with pytest.raises(ValueError, match=r"tragedy|4 to 16"):
        tell_story(random.Random(0), form, count)


def test_an_insert_leaves_the_subject_out_for_at_most_four_shots_and_it_comes_back():
    for seed in range(40):
        told = tell_story(random.Random(seed), "insert and recall", 12)
        shown = [0 in seen(shot) for shot in told.shots]
        assert shown[0]
        runs = "".join("x" if each else "." for each in shown).strip(".").split("x")
        assert 1 <= max(map(len, runs)) <= 4


def test_after_long_absences_every_distance_is_as_frequent():
    distances: Counter[int] = Counter()
    for seed in range(800):
        told = tell_story(random.Random(seed), "long absence", 12)
        first, again, last = (index for index, shot in enumerate(told.shots) if 0 in seen(shot))
        assert last - first == 9
        distances.update((again - first, last - again))
    assert sorted(distances) == list(range(1, 9))
    assert all(abs(count - 200) < 60 for count in distances.values())


def test_trainings_are_told_no_long_absences():
    told = {tell_story(random.Random(seed)).form for seed in range(200)}
    assert told == set(FORMS) == set(EVERY_FORM) - {"long absence"}


def test_company_is_introduced_one_by_one_before_it_meets():
    told = tell_story(random.Random(3), "three subjects", 9)
    assert [seen(shot) for shot in told.shots[:4]] == [(0,), (1,), (2,), (0, 1, 2)]


def test_a_return_ends_where_it_began():
    told = tell_story(random.Random(5), "return to a place", 6)
    first, *away, last = (shot.script.setting for shot in told.shots)
    assert first == last
    assert first not in away


def test_a_continued_shot_begins_as_the_one_before_ends():
    told = tell_story(random.Random(8), "continuing", 8)
    pairs = [(a, b) for a, b in zip(told.shots, told.shots[1:], strict=False) if b.link != CUT]
    assert len(pairs) == 4
    for before, after in pairs:
        assert after.script == gone_on(before.script)
        last = render_frames(before.script, [FRAMES - 1]).frames.astype(int)
        first = render_frames(after.script, [0]).frames.astype(int)
        # Weather falls on; figures and place are where they were.
        if before.script.weather == "clear":
            assert np.abs(last - first).mean() < 1.0


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_whoever_stands_or_faces_otherwise_does_not_begin_as_at_a_cut(seed):
    rng = random.Random(seed)
    cut = sample_shot(rng, sample_story(rng), continued=False)
    assert begins_as_at_a_cut(cut)
    for part in cut.performances:
        others = [replace(part, x=part.x + TOKEN / 2), replace(part, phase=0.5)]
        if part.action not in MOVING_ACTIONS:
            others.append(replace(part, facing=-part.facing))
        for other in others:
            parts = tuple(other if each is part else each for each in cut.performances)
            assert not begins_as_at_a_cut(replace(cut, performances=parts))


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_half_second_a_movement_is_the_same_some_latent_cells_further_on(seed, continued):
    """Latents of a figure that is moved by a part of a cell have little in common with what they were."""
    rng = random.Random(seed)
    script = sample_shot(rng, sample_story(rng), continued=continued)
    for part in script.performances:
        begun = [part.x, *(place_at(script, part, half / 2) for half in range(1, 5))]
        cells = [x * WIDTH / 8 for x in begun]
        assert cells == pytest.approx([round(cell) for cell in cells], abs=1e-6)
        assert phase_after(part.action, 2.0, part.phase) == pytest.approx(part.phase)


def test_what_moves_alone_looks_the_same_a_second_later_and_further_on():
    cat = Figure("cat", "orange", "scarf", "blue")
    for action, pixels in (("walks", 16), ("runs", 32)):
        script = ShotScript((cat,), Setting("forest"), "day", "medium", performances=(Performance(0, action, 1, 0.4),))
        before, after = render_frames(script, [4, 12]).masks[0]
        assert (np.roll(before, pixels, axis=1) ^ after).sum() < 0.02 * before.sum()


@pytest.mark.parametrize("size", ZOOM)
def test_layers_of_a_pan_slide_whole_cells_and_near_ones_farther(size):
    slid = [Stage(size, "right", 0.5).slide(depth) / 8 for depth in (0.0, 0.3, 0.6, 1.0)]
    assert slid == sorted(slid) and slid[0] == 0 < slid[-1]
    assert all(cells == round(cells) for cells in slid)
    assert Stage(size, "left", 1.5).slide(1.0) == -3 * 8 * slid[-1]
