"""What a step of filming on sees of a shot: one latent frame that is asked for, and what is known behind it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from filmagent.generation.wan.conditions import ShotCondition, known_mask
from filmagent.generation.wan.frame_by_frame import next_condition
from filmagent.training.papercut.excerpts import (
    LOOKS_BACK,
    Wanted,
    choose_wanted,
    draw_steps,
    next_frame,
    steps_of,
    whole,
)
from filmagent.training.papercut.latents import Clip, StoryLatents
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript

SCRIPT = ShotScript((Figure("cat", "orange", "scarf", "blue"),), Setting("forest"), "day", "wide",
                    performances=(Performance(0, "sits", 1, 0.5),))
WALKS = replace(SCRIPT, performances=(Performance(0, "walks", 1, 0.5),))
PANNED = replace(SCRIPT, camera="left")


def clip_of(known=1, script=SCRIPT, seed=0):
    generator = torch.Generator().manual_seed(seed)
    latents, told = (torch.randn(16, 5, 4, 6, generator=generator) for _ in range(2))
    told[:, :known] = latents[:, :known]
    return Clip(latents, told if known else None, known, torch.zeros(5, 4, 6), torch.zeros(5, 2, 3).to(torch.int8) - 1,
                script)


def stories(*clips):
    return [StoryLatents((), (clip,)) for clip in clips]


def test_the_first_frame_behind_a_seam_is_told_what_every_wan_model_is():
    for known in (1, 2):
        clip = clip_of(known)
        excerpt = next_frame(clip, known)
        assert (excerpt.first, excerpt.last, excerpt.known) == (0, known + 1, known)
        assert torch.equal(excerpt.condition, clip.condition[:, : known + 1])
        assert torch.equal(excerpt.latents, clip.latents[:, : known + 1])


def test_later_frames_see_the_two_before_them_and_the_last_of_these_held():
    torch.manual_seed(0)
    clip = clip_of(1)
    true = clip.latents.clone()
    excerpt = next_frame(clip, 4)
    assert (excerpt.first, excerpt.last, excerpt.known) == (2, 5, 2)
    assert torch.equal(excerpt.condition[:, 2], excerpt.condition[:, 1]), "held"
    rough = excerpt.condition[:, :2] - true[:, 2:4]
    assert 0 < rough.std() < 0.21, "a film's own frames are never quite clean"
    assert torch.equal(excerpt.latents[:, 2], true[:, 4])
    assert torch.equal(clip.latents, true), "the clip stays what it was"


def test_training_and_filming_show_the_same(monkeypatch):
    monkeypatch.setattr("filmagent.training.papercut.excerpts.ROUGHEST", 0.0)
    for known in (1, 2):
        clip = clip_of(known)
        whole_shot = torch.cat([known_mask(0, 1 + 4 * (known - 1), 5, 4, 6), clip.condition[None]], dim=1)
        for frame in range(known, 5):
            shown = next_condition(ShotCondition(whole_shot, 0), clip.latents[None, :, :frame], known, LOOKS_BACK)
            trained = next_frame(clip, frame)
            assert torch.equal(shown.latents[0, 4:], trained.condition), (known, frame)
            assert shown.latents[0, 0, :, 0, 0].tolist() == [1.0] * trained.known + [0.0]


def test_a_picture_is_told_nothing_and_asked_for_whole():
    clip, unknown = clip_of(0), torch.ones(16, 9, 4, 6)
    excerpt = whole(clip, unknown)
    assert torch.equal(excerpt.condition, unknown[:, :5]) and excerpt.known == 0
    assert torch.equal(excerpt.latents, clip.latents)


@pytest.mark.parametrize(("known", "wanted", "frames"), [
    (1, Wanted(1, swept=False), [1]),
    (1, Wanted(2, swept=False), [2, 3, 4]),
    (2, Wanted(1, swept=False), []),
    (2, Wanted(2, swept=False), [2, 3, 4]),
    (0, Wanted(1, swept=False), []),
    (0, Wanted(2, swept=False), [2, 3, 4]),
    (1, Wanted(1, swept=True), []),
])
def test_which_frames_a_clip_is_asked_for(known, wanted, frames):
    assert [frame for _, frame in steps_of(stories(clip_of(known)), wanted)] == frames


def test_batches_are_made_of_steps_that_there_are():
    rng = random.Random(0)
    panned = stories(clip_of(1, PANNED))
    wanted = {choose_wanted(rng, panned, 0.5, 0.01) for _ in range(50)}
    assert wanted == {Wanted(known, swept=True) for known in (1, 2)}
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
