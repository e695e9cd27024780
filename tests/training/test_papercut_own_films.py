"""The network films the clips that it practises on: from true beginnings, frame by frame, from frames of its own."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from filmagent.training.papercut import own_films
from filmagent.training.papercut.denoiser import Mixture
from filmagent.training.papercut.drawn import StoryShape, draw_story
from filmagent.training.papercut.latents import StoryLatents, encode_story
from filmagent.training.papercut.own_films import KEPT_BATCHES, OwnFilms, choose_clips, film_clips
from filmagent.training.papercut.some_tokens import tokens_of
from filmagent.training.papercut.text import build_tokenizer
from filmagent.training.papercut.trainer import DenoiserTraining, Models

TOY = DenoiserTraining(width=48, layers=1, text_width=32)


@pytest.fixture(scope="module")
def clips(encoder):
    shots = encode_story(encoder, draw_story(0, 3, StoryShape(0, 3))).shots
    return [replace(shot, known=known, condition=shot.latents.clone()) for shot, known in zip(shots, (1, 2, 1), strict=True)]


def filmed(clips, steps=2):
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    models = Models(TOY, len(tokenizer))
    return film_clips(models.denoiser, models.encoder, tokenizer, clips, steps, Mixture(), random.Random(0))


def test_what_the_seam_shows_stays_true_and_all_else_is_the_networks_own(clips):
    for clip, own in zip(clips, filmed(clips), strict=True):
        assert own.filmed is not None and own.filmed.shape == clip.latents.shape
        assert torch.equal(own.filmed[:, : clip.known], clip.latents[:, : clip.known])
        off = (own.filmed - clip.latents).float().pow(2).mean((0, 2, 3))[clip.known :]
        assert (off > 0.1).all(), "an untrained network does not know what comes"
        assert own.latents is clip.latents, "the truth is still asked for"


def test_whoever_knows_what_comes_films_it(clips, monkeypatch):
    """With the true flow the steps lead to the true frame, from frames that are true by then."""
    def true_flow(denoiser, text, batch, noisy, level, index):
        clean = torch.cat([batch.clean[:, :, :-1], truth_behind(batch)], dim=2)
        return tokens_of((noisy - clean) / level.view(-1, 1, 1, 1, 1), index)

    def truth_behind(batch):
        rows = range(len(clips))
        frame = next(number for number in range(5) if torch.equal(
            batch.clean[0, :, -1], clips[0].latents[:, number].float()))
        return torch.stack([clips[row].latents[:, frame].float() for row in rows])[:, :, None]

    monkeypatch.setattr(own_films, "flow_from", true_flow)
    for clip, own in zip(clips, filmed(clips, steps=3), strict=True):
        assert torch.allclose(own.filmed.float(), clip.latents.float(), atol=2e-2)


def test_films_are_the_same_for_the_same_seeds(clips):
    first, again = filmed(clips), filmed(clips)
    assert all(torch.equal(one.filmed, other.filmed) for one, other in zip(first, again, strict=True))


def test_the_latest_films_are_kept(clips):
    films = OwnFilms()
    for number in range(KEPT_BATCHES + 2):
        films.add([replace(clips[0], known=number)])
    assert [story.shots[0].known for story in films.stories] == list(range(2, KEPT_BATCHES + 2))


def test_clips_that_move_are_filmed_more_often(clips):
    moves = [clip for clip in clips if clip.moves]
    assert moves
    drawn = [clip for _ in range(20) for clip in choose_clips(random.Random(0), [StoryLatents((), tuple(clips))], 1e6)]
    assert all(clip.moves for clip in drawn)
