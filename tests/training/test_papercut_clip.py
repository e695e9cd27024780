"""papercut's CLIP: sentences that are true, questions with their answers, and a training that goes on."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import KINDS
from filmagent.scoring.clip import ClipSource, OpenClipFeatures
from filmagent.training.papercut.clip import ClipTraining, augment, contrastive_loss, render_group, train_clip
from filmagent.training.papercut.clip_model import ClipSize
from filmagent.training.papercut.clip_questions import ALL_COLOURS, answered, questions, zero_shot_loss
from filmagent.training.papercut.clip_texts import Mention, Statement, holds, statement, variations, vocabulary
from filmagent.training.papercut.world import Figure, Performance, ShotScript, sample_shot, sample_story

SEEDS = st.integers(0, 10_000)
CAT, DOG = Figure("cat", "orange", "blue"), Figure("dog", "brown", "red")
BOTH = ShotScript((CAT, DOG), "forest", "day", "wide",
                  (Performance(0, "walks", 1, 0.3, 0.0), Performance(1, "sits", -1, 0.7, 0.0)))
TINY = ClipTraining(minutes=60, groups=2, versions=2, pool=3, fresh=1,
                    size=ClipSize(width=8, text_width=16, embed_dim=12))


def script_of(seed: int) -> ShotScript:
    rng = random.Random(seed)
    return sample_shot(rng, sample_story(rng))


@given(SEEDS)
@settings(max_examples=100)
def test_every_sentence_is_true_and_made_of_known_words(seed):
    script, rng = script_of(seed), random.Random(seed + 1)
    for _ in range(5):
        said = statement(script, rng)
        assert holds(said, script), said
        assert set(said.text.split()) <= {*vocabulary(), "[UNK]"}


@given(SEEDS)
@settings(max_examples=50)
def test_a_variation_differs_in_exactly_one_thing(seed):
    script = script_of(seed)
    for other in variations(script, random.Random(seed), 3):
        changes = [script.place != other.place, script.time != other.time,
                   *(getattr(a, name) != getattr(b, name) for a, b in zip(script.figures, other.figures, strict=True)
                     for name in ("kind", "colour", "scarf"))]
        assert sum(changes) == 1


@pytest.mark.parametrize(("said", "true"), [
    (Statement("", place="forest"), True),
    (Statement("", place="beach"), False),
    (Statement("", time="night"), False),
    (Statement("", mentions=(Mention("dog"),)), True),
    (Statement("", mentions=(Mention("dog", colour="orange"),)), False),  # the cat's colour is not the dog's
    (Statement("", mentions=(Mention("dog", scarf="red"), Mention("cat", colour="orange"))), True),
    (Statement("", mentions=(Mention("cat"),), complete=True), False),  # the dog is there too
    (Statement("", mentions=(Mention("dog"), Mention("cat")), complete=True), False),  # the wrong way round
    (Statement("", mentions=(Mention("cat", action="walks", direction="right"), Mention("dog")), complete=True), True),
    (Statement("", mentions=(Mention("cat", direction="left"),)), False),
])
def test_what_is_true_of_a_shot(said, true):
    assert holds(said, BOTH) == true


def test_questions_are_answered_with_the_truth():
    answers = answered([replace(BOTH, performances=()), BOTH])
    assert answers.picture.tolist() == [1, 1]
    asked = questions()
    colour = asked[len(KINDS) + int(answers.kind[0]) * len(ALL_COLOURS) + int(answers.colour[0])]
    scarves = len(KINDS) * (1 + len(ALL_COLOURS))
    scarf = asked[scarves + int(answers.kind[1]) * len(ALL_COLOURS) + int(answers.scarf[1])]
    assert (asked[answers.kind[0]], colour, scarf) == ("a cat", "an orange cat", "a dog with a red scarf")


def logits_of(*true: str) -> torch.Tensor:
    return torch.tensor([[50.0 * (sentence in true) for sentence in questions()]])


def test_the_questions_loss_falls_to_zero_only_when_every_answer_is_right():
    right = ("a cat", "a dog", "an orange cat", "a brown dog", "a cat with a blue scarf", "a dog with a red scarf")
    assert zero_shot_loss(logits_of(*right), answered([BOTH])) < 1e-6  # the other figure's kind is no wrong answer
    assert zero_shot_loss(logits_of(*right[:-1]), answered([BOTH])) > 0.3
    assert zero_shot_loss(logits_of(*right), answered([replace(BOTH, performances=())])) == 0


def test_a_sentence_that_is_true_of_two_pictures_is_false_for_neither():
    rows = torch.eye(2)
    both_true = torch.tensor([[True, True], [True, True]])
    same = torch.ones(2, 2) / 2**0.5
    scale = torch.tensor(20.0)
    assert contrastive_loss(same, same, both_true, scale) < contrastive_loss(rows, rows, both_true, scale)
    assert contrastive_loss(rows, rows, torch.eye(2, dtype=torch.bool), scale) < 1e-6


def test_augmented_pictures_are_the_models_input():
    import numpy as np

    pictures = np.stack([shown.picture for shown in render_group(TINY, random.Random(0))])
    torch.manual_seed(0)
    made = augment(pictures)
    assert made.shape == (2, 3, 96, 96) and made.abs().max() <= 2
    torch.manual_seed(1)
    assert not torch.equal(made, augment(pictures))


def test_training_goes_on_where_it_stopped_and_leaves_a_model_that_open_clip_reads(tmp_path):
    train_clip(TINY, tmp_path, max_steps=1)
    first = (tmp_path / "clip" / "open_clip_model.safetensors").read_bytes()
    made = train_clip(TINY, tmp_path, max_steps=2)
    assert torch.load(tmp_path / "clip.pt", weights_only=False)["step"] == 2
    assert (made / "open_clip_model.safetensors").read_bytes() != first
    features = OpenClipFeatures(ClipSource("", folder=made))
    assert features.embed_text(["an orange cat"]).shape == (1, 12)
    assert json.loads((made / "open_clip_config.json").read_text())["model_cfg"]["embed_dim"] == 12
    assert not list(tmp_path.rglob("*.part"))
