"""The papercut world: seeded, and its truth is what its pictures show."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    CAMERAS,
    COLOURS,
    GARMENTS,
    INDOORS,
    KINDS,
    PATTERNS,
    PLACES,
    SIZES,
    TIMES,
    WEATHERS,
)
from filmagent.training.papercut.captions import caption, describe
from filmagent.training.papercut.world import (
    HEIGHT,
    WIDTH,
    Figure,
    Performance,
    Setting,
    ShotScript,
    pattern_pixels,
    render_frames,
    render_shot,
    sample_shot,
    sample_story,
)
from filmagent.training.papercut.world.palette import PAPER

CAT = Figure("cat", "blue", "scarf", "red")


def script_of(figure, action="sits", **changes):
    part = Performance(0, action, 1, 0.5, prop="letter" if action == "carries" else None)
    return replace(ShotScript((figure,), Setting("meadow"), "day", "medium", performances=(part,)), **changes)


def shots(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        yield sample_shot(rng, sample_story(rng))


def test_a_seed_gives_the_same_pictures():
    first, second = ([render_frames(script, [3]).frames for script in shots(7, 4)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = [render_frames(script, [3]).frames for script in shots(8, 4)]
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_shot_is_seventeen_frames_and_a_still_is_one_of_them(camera):
    script = script_of(CAT, camera=camera, weather="snow")
    whole = render_shot(script)
    assert whole.frames.shape == (17, HEIGHT, WIDTH, 3)
    assert whole.frames.dtype == np.uint8
    assert np.array_equal(render_frames(script, [9]).frames[0], whole.frames[9])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_mask_is_exactly_where_the_figure_is(kind, action):
    figure = Figure(kind, "blue", "scarf", "red")
    with_figure = render_frames(script_of(figure, action), [5])
    recoloured = render_frames(script_of(replace(figure, colour="yellow", garment_colour="green"), action), [5])
    changed = (with_figure.frames != recoloured.frames).any(axis=-1)[0]
    mask = with_figure.masks[0][0]
    assert mask.mean() > 0.02
    grown = mask.copy()
    for axis in (0, 1):
        grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    # Paper thinner than a pixel, such as a tail's tip, covers too little of it to be in the mask.
    assert (changed & ~grown).sum() < 0.01 * mask.sum(), "a colour outside the mask belongs to the figure"
    assert changed[mask].mean() > 0.15


def test_who_stands_in_front_hides_who_stands_behind():
    parts = (Performance(0, "sits", 1, 0.48), Performance(1, "sits", -1, 0.52))
    script = ShotScript((CAT, Figure("dog", "brown", "bow", "green")), Setting("beach"), "day", "close")
    both = render_frames(replace(script, performances=parts), [0])
    assert not (both.masks[0] & both.masks[1]).any()
    assert both.masks[0].any()


def test_a_pattern_shows_where_nothing_hides_it():
    striped = replace(CAT, pattern="stripes", pattern_colour="black")
    alone = script_of(striped, "walks")
    (part,) = alone.performances
    shows = pattern_pixels(alone, part)
    pictures = [render_frames(script, [0]).frames.astype(int) for script in (alone, script_of(CAT, "walks"))]
    seen = (np.abs(pictures[0] - pictures[1]).max(axis=-1) > 25).sum()
    assert shows == pytest.approx(seen, rel=0.05) and shows > 100
    assert pattern_pixels(script_of(CAT, "walks"), part) > 45, "a plain cat is asked for spots"
    dog = Figure("dog", "brown", "bow", "green")
    both = (part, Performance(1, "sits", -1, 0.52))
    behind, in_front = (
        pattern_pixels(replace(alone, figures=(striped, dog), performances=order), part) for order in (both, both[::-1])
    )
    assert behind < 0.7 * in_front, "who comes later stands in front"


@pytest.mark.parametrize("colour", COLOURS)
def test_the_main_colour_is_what_most_of_the_figure_shows(colour):
    shot = render_frames(script_of(Figure("cat", colour, "scarf", "purple")), [0])
    seen = shot.frames[0][shot.masks[0][0]].astype(int)
    share = {name: (np.abs(seen - PAPER[name]).max(axis=1) < 12).mean() for name in COLOURS}
    assert max(share, key=share.get) == colour


@pytest.mark.parametrize(("build", "low", "high"), [("small", 0.45, 0.85), ("big", 1.15, 1.6)])
def test_builds_are_seen_in_the_size(build, low, high):
    middle, other = (render_frames(script_of(replace(CAT, build=each)), [0]).masks[0].sum() for each in (None, build))
    assert low < other / middle < high


def test_figures_of_one_shot_never_share_a_kind_or_colour():
    rng = random.Random(0)
    for _ in range(200):
        figures = sample_story(rng).figures
        assert len({figure.kind for figure in figures}) == len(figures)
        assert len({figure.colour for figure in figures}) == len(figures)
        for figure in figures:
            assert figure.colour not in (figure.garment_colour, figure.pattern_colour)
            assert (figure.pattern is None) == (figure.pattern_colour is None)


def test_every_word_of_the_world_occurs():
    scripts = list(shots(3, 600))
    assert {script.setting.place for script in scripts} == set(PLACES)
    assert {script.time for script in scripts} == set(TIMES)
    assert {script.size for script in scripts} == set(SIZES)
    assert {script.weather for script in scripts} == set(WEATHERS)
    assert {script.camera for script in scripts} == set(CAMERAS)
    assert {part.action for script in scripts for part in script.performances} == set(ACTIONS)
    figures = [figure for script in scripts for figure in script.figures]
    assert {figure.pattern for figure in figures} == {None, *PATTERNS}
    assert {figure.garment for figure in figures} == set(GARMENTS)
    assert {len(script.performances) for script in scripts} == {0, 1, 2, 3}
    assert all(script.weather == "clear" for script in scripts if script.setting.place in INDOORS)


def test_nobody_meets_somebody_who_is_not_there():
    for script in shots(9, 400):
        if len(script.performances) == 1:
            assert script.performances[0].action != "meets"


def test_a_caption_says_what_the_script_holds():
    rng = random.Random(0)
    for script in shots(5, 100):
        said = describe(script, rng)
        assert (said.size, said.place, said.time) == (script.size, script.setting.place, script.time)
        assert (said.weather, said.camera, said.prop) == (script.weather, script.camera, script.prop)
        for role, part in zip(said.roles, script.performances, strict=True):
            figure = script.figures[part.subject]
            assert (role.kind, role.action, role.prop) == (figure.kind, part.action, part.prop)
            for name in ("build", "colour", "pattern", "pattern_colour", "garment", "garment_colour"):
                assert getattr(role, name) in (None, getattr(figure, name))


def test_attributes_are_dropped_now_and_then_and_never_all_at_once():
    rng = random.Random(1)
    roles = [role for script in shots(2, 200) for role in describe(script, rng).roles]
    named = sum(role.colour is not None for role in roles) / len(roles)
    assert 0.7 < named < 0.95


def test_without_attributes_no_colour_word_is_left():
    rng = random.Random(0)
    for script in shots(6, 100):
        assert not set(caption(script, rng, with_attributes=False).split()) & set(PAPER)


@pytest.mark.parametrize("action", ["walks", "runs", "carries"])
def test_walkers_walk_the_way_they_are_said_to(action):
    for facing in (-1, 1):
        part = Performance(0, action, facing, 0.5, prop="ball" if action == "carries" else None)
        shot = render_shot(ShotScript((CAT,), Setting("beach"), "day", "wide", performances=(part,)))
        centres = [np.nonzero(mask)[1].mean() for mask in shot.masks[0]]
        assert np.sign(centres[-1] - centres[0]) == facing
        assert abs(centres[-1] - centres[0]) > 15


@pytest.mark.parametrize(("camera", "sign"), [("left", 1), ("right", -1)])
def test_what_stands_moves_against_the_pan(camera, sign):
    masks = render_shot(script_of(CAT, camera=camera)).masks[0]
    centres = [np.nonzero(mask)[1].mean() for mask in masks]
    assert np.sign(centres[-1] - centres[0]) == sign


def test_a_camera_that_pushes_in_makes_everything_bigger():
    masks = render_shot(script_of(CAT, camera="in")).masks[0]
    assert masks[-1].sum() > 1.1 * masks[0].sum()
