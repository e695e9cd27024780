"""What a step of filming on sees of a shot: two pictures that are asked for, and what is known behind them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.picture_by_picture import next_condition
from filmagent.training.papercut.excerpts import (
    AT_ONCE,
    LOOKS_BACK,
    Wanted,
    anchor,
    choose_wanted,
    draw_steps,
    next_pictures,
    steps_of,
    whole,
)
from filmagent.training.papercut.latents import Clip, StoryLatents
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript

SCRIPT = ShotScript((Figure("cat", "orange", "scarf", "blue"),), Setting("forest"), "day", "wide",
                    performances=(Performance(0, "sits", 1, 0.5),))
WALKS = replace(SCRIPT, performances=(Performance(0, "walks", 1, 0.5),))
PANNED = replace(SCRIPT, camera="left")


def clip_of(known=1, script=SCRIPT, seed=0, pictures=9):
    latents = torch.randn(16, pictures, 4, 6, generator=torch.Generator().manual_seed(seed))
    nobody = torch.zeros(pictures, 2, 3).to(torch.int8) - 1
    return Clip(latents, known, torch.zeros(pictures, 4, 6), nobody, script)


def stories(*clips):
    return [StoryLatents((), (clip,)) for clip in clips]


@pytest.mark.parametrize(("at", "first", "known"), [(1, 0, 1), (3, 0, 3), (5, 2, 3), (7, 4, 3)])
def test_half_a_second_is_asked_for_behind_what_is_known_and_the_last_of_that_held(at, first, known):
    torch.manual_seed(0)
    clip = clip_of(1)
    true = clip.latents.clone()
    excerpt = next_pictures(clip, at)
    assert (excerpt.first, excerpt.last, excerpt.known) == (first, at + 2, known)
    held = excerpt.condition[:, known - 1, None].expand(-1, 2, -1, -1)
    assert torch.equal(excerpt.condition[:, known:], held)
    rough = excerpt.condition[:, :known] - true[:, first:at]
    assert 0 < rough.std() < 0.21, "a film's own pictures are never quite clean"
    assert torch.equal(excerpt.latents, true[:, first : at + 2])
    assert torch.equal(clip.latents, true), "the clip stays what it was"


def test_the_first_picture_stays_in_memory_a_little_rough():
    torch.manual_seed(0)
    clip = clip_of()
    kept = anchor(clip)
    assert 0 < (kept.latents - clip.latents[:, 0]).std() < 0.21
    assert kept.setting == SCRIPT.setting and torch.equal(kept.who, clip.who[0])


def test_training_and_filming_show_the_same(monkeypatch):
    monkeypatch.setattr("filmagent.training.papercut.excerpts.ROUGHEST", 0.0)
    clip = clip_of()
    shot = torch.cat([torch.zeros(1, 4, 10, 4, 6), torch.cat([clip.latents[:, :1], clip.latents], dim=1)[None]], dim=1)
    for at in (1, 3, 5, 7):
        shown = next_condition(ShotCondition(shot, 1), clip.latents[None, :, :at], LOOKS_BACK, AT_ONCE)
        trained = next_pictures(clip, at)
        assert torch.equal(shown.latents[0, 4:, 1:], trained.condition), at
        assert torch.equal(shown.latents[0, 4:, 0], anchor(clip).latents)
        assert shown.latents[0, 0, 1:, 0, 0].tolist() == [1.0] * trained.known + [0.0] * 2


def test_a_picture_is_told_nothing_and_asked_for_whole():
    clip, unknown = clip_of(0, pictures=1), torch.ones(16, 1, 4, 6)
    excerpt = whole(clip, unknown)
    assert torch.equal(excerpt.condition, unknown) and excerpt.known == 0
    assert torch.equal(excerpt.latents, clip.latents)


@pytest.mark.parametrize(("known", "wanted", "pictures"), [
    (1, Wanted(1, swept=False), [1]),
    (1, Wanted(3, swept=False), [3, 5, 7]),
    (3, Wanted(1, swept=False), []),
    (3, Wanted(3, swept=False), [3, 5, 7]),
    (1, Wanted(1, swept=True), []),
])
def test_which_pictures_a_clip_is_asked_for(known, wanted, pictures):
    assert [at for _, at in steps_of(stories(clip_of(known)), wanted)] == pictures


def test_batches_are_made_of_steps_that_there_are():
    rng = random.Random(0)
    panned = stories(clip_of(1, PANNED))
    wanted = {choose_wanted(rng, panned, 0.5, 0.01) for _ in range(50)}
    assert wanted == {Wanted(known, swept=True) for known in (1, 3)}
    both = stories(clip_of(1, PANNED), clip_of(1))
    swept = sum(choose_wanted(rng, both, 0.5, 0.25).swept for _ in range(400))
    assert 60 < swept < 140
    with pytest.raises(ValueError, match="make more stories"):
        choose_wanted(rng, [], 0.5, 0.25)


def test_what_moves_is_asked_for_more_often():
    told = stories(clip_of(1), clip_of(1, WALKS))
    assert [story.shots[0].moves for story in told] == [False, True]
    drawn = draw_steps(random.Random(0), told, Wanted(1, swept=False), 400, moving_weight=3.0)
    assert 270 < sum(excerpt.clip.moves for excerpt in drawn) < 330
