"""The papercut world: seeded, and its truth is what its pictures show."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from filmagent.generation.papercut.vocabulary import ACTIONS, COLOURS, KINDS, PLACES, SIZES, TIMES, parse
from filmagent.training.papercut.captions import caption
from filmagent.training.papercut.world import (
    Figure,
    Performance,
    ShotScript,
    render_frames,
    render_shot,
    sample_shot,
    sample_story,
)
from filmagent.training.papercut.world.palette import PAPER


def script_of(figure, action="sits", place="meadow", time="day", size="medium"):
    return ShotScript((figure,), place, time, size, (Performance(0, action, 1, 0.5, 0.0),))


def shots(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        yield sample_shot(rng, sample_story(rng))


def test_a_seed_gives_the_same_pictures():
    first, second = ([render_frames(script, [3]).frames for script in shots(7, 4)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = [render_frames(script, [3]).frames for script in shots(8, 4)]
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_shot_is_seventeen_frames_and_a_still_is_one_of_them():
    script = next(shots(1, 1))
    whole = render_shot(script)
    assert whole.frames.shape == (17, 96, 160, 3)
    assert whole.frames.dtype == np.uint8
    assert np.array_equal(render_frames(script, [9]).frames[0], whole.frames[9])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_mask_is_exactly_where_the_figure_is(kind, action):
    figure = Figure(kind, "blue", "red")
    with_figure = render_frames(script_of(figure, action), [5])
    recoloured = render_frames(script_of(replace(figure, colour="yellow", scarf="green"), action), [5])
    changed = (with_figure.frames != recoloured.frames).any(axis=-1)[0]
    mask = with_figure.masks[0][0]
    assert mask.mean() > 0.03
    grown = mask.copy()
    for axis in (0, 1):
        grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    assert not (changed & ~grown).any(), "a colour outside the mask belongs to the figure"
    assert changed[mask].mean() > 0.2


@pytest.mark.parametrize("colour", COLOURS)
def test_the_main_colour_is_what_most_of_the_figure_shows(colour):
    shot = render_frames(script_of(Figure("cat", colour, "red" if colour != "pink" else "green")), [0])
    seen = shot.frames[0][shot.masks[0][0]].astype(int)
    share = {name: (np.abs(seen - PAPER[name]).max(axis=1) < 12).mean() for name in COLOURS}
    assert max(share, key=share.get) == colour


def test_figures_of_one_shot_never_share_a_kind_or_colour():
    rng = random.Random(0)
    for _ in range(200):
        figures = sample_story(rng).figures
        assert len({figure.kind for figure in figures}) == len(figures)
        assert len({figure.colour for figure in figures}) == len(figures)
        assert all(figure.scarf != figure.colour for figure in figures)


def test_every_word_of_the_world_occurs():
    scripts = list(shots(3, 400))
    assert {script.place for script in scripts} == set(PLACES)
    assert {script.time for script in scripts} == set(TIMES)
    assert {script.size for script in scripts} == set(SIZES)
    assert {part.action for script in scripts for part in script.performances} == set(ACTIONS)
    counts = [len(script.performances) for script in scripts]
    assert 0.15 < counts.count(2) / len(counts) < 0.35
    assert 0 < counts.count(0) / len(counts) < 0.15


def test_a_caption_says_what_the_script_holds():
    rng = random.Random(0)
    for script in shots(5, 100):
        said = parse(caption(script, rng, with_attributes=True))
        assert (said.size, said.place, said.time) == (script.size, script.place, script.time)
        for role, part in zip(said.roles, script.performances, strict=True):
            figure = script.figures[part.subject]
            assert (role.kind, role.action) == (figure.kind, part.action)
            assert role.colour in (None, figure.colour)
            assert role.scarf in (None, figure.scarf)
            assert role.colour or role.scarf


def test_without_attributes_no_colour_word_is_left():
    rng = random.Random(0)
    for script in shots(6, 100):
        assert not set(caption(script, rng, with_attributes=False).split()) & set(PAPER)


def test_walkers_walk_the_way_they_are_said_to():
    for facing in (-1, 1):
        part = Performance(0, "walks", facing, 0.5, 0.0)
        shot = render_shot(ShotScript((Figure("dog", "brown", "red"),), "beach", "day", "wide", (part,)))
        centres = [np.nonzero(mask)[1].mean() for mask in shot.masks[0]]
        assert np.sign(centres[-1] - centres[0]) == facing
        assert abs(centres[-1] - centres[0]) > 30
