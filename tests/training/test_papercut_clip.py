"""papercut's CLIP: sentences that are true, questions with their answers, and a training that goes on."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import KINDS, PLACES, Role
from filmagent.scoring.clip import ClipSource, OpenClipFeatures
from filmagent.training.papercut.clip import ClipTraining, augment, contrastive_loss, render_group, train_clip
from filmagent.training.papercut.clip_model import ClipSize
from filmagent.training.papercut.clip_questions import (
    ALL_COLOURS,
    NOT_THERE,
    THINGS,
    answered,
    questions,
    zero_shot_loss,
)
from filmagent.training.papercut.clip_texts import Statement, holds, statement, variations, vocabulary
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript, sample_shot, sample_story

SEEDS = st.integers(0, 10_000)
CAT = Figure("cat", "orange", "scarf", "blue")
DOG = Figure("dog", "brown", "hat", "red", pattern="spots", pattern_colour="white")
BOTH = ShotScript((CAT, DOG), Setting("forest"), "day", "wide", weather="rain",
                  performances=(Performance(0, "walks", 1, 0.3), Performance(1, "sits", -1, 0.7)))
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
        names = ("kind", "colour", "garment_colour", "pattern_colour")
        changes = [script.setting != other.setting, script.time != other.time,
                   script.weather != other.weather and script.setting == other.setting,
                   *(getattr(a, name) != getattr(b, name) for a, b in zip(script.figures, other.figures, strict=True)
                     for name in names)]
        assert sum(changes) == 1


@pytest.mark.parametrize(("said", "true"), [
    (Statement("", place="forest"), True),
    (Statement("", place="beach"), False),
    (Statement("", time="night"), False),
    (Statement("", mentions=(Role("dog", ""),)), True),
    (Statement("", mentions=(Role("dog", "", colour="orange"),)), False),  # the cat's colour is not the dog's
    (Statement("", weather="rain"), True),
    (Statement("", weather="snow"), False),
    (Statement("", mentions=(Role("dog", "", garment="hat", garment_colour="red"), Role("cat", "", colour="orange"))),
     True),
    (Statement("", mentions=(Role("dog", "", garment="scarf"),)), False),
    (Statement("", mentions=(Role("dog", "", pattern="spots", pattern_colour="white"),)), True),
    (Statement("", mentions=(Role("cat", ""),), complete=True), False),  # the dog is there too
    (Statement("", mentions=(Role("dog", ""), Role("cat", "")), complete=True), False),  # the wrong way round
    (Statement("", mentions=(Role("cat", "walks", "right"), Role("dog", "")), complete=True), True),
    (Statement("", mentions=(Role("cat", "", "left"),)), False),
])
def test_what_is_true_of_a_shot(said, true):
    assert holds(said, BOTH) == true


def test_questions_are_answered_with_the_truth():
    answers = answered([replace(BOTH, performances=()), BOTH], "spots")
    assert answers.picture.tolist() == [1, 1]
    assert answers.place.tolist() == [PLACES.index("forest")] * 2
    asked = questions("spots")[len(PLACES):]
    colour = asked[len(KINDS) + int(answers.kind[0]) * len(ALL_COLOURS) + int(answers.colour[0])]
    things = len(KINDS) * (1 + len(ALL_COLOURS))
    spots = asked[things + int(answers.kind[1]) * len(ALL_COLOURS) + int(answers.thing[1])]
    assert (asked[answers.kind[0]], colour, spots) == ("a cat", "an orange cat", "a dog with white spots")
    assert answers.thing[0] == NOT_THERE


def logits_of(*true: str) -> torch.Tensor:
    return torch.tensor([[50.0 * (sentence in true) for sentence in questions("scarf")]])


def test_the_questions_loss_falls_to_zero_only_when_every_answer_is_right():
    right = ("the forest", "a cat", "a dog", "an orange cat", "a brown dog", "a cat with a blue scarf")
    answers = answered([BOTH], "scarf")
    assert zero_shot_loss(logits_of(*right), answers) < 1e-6  # the other figure's kind is no wrong answer
    for wrong in ("the forest", "an orange cat", "a cat with a blue scarf"):
        assert zero_shot_loss(logits_of(*(said for said in right if said != wrong)), answers) > 0.25
    empty = answered([replace(BOTH, performances=())], "scarf")
    assert zero_shot_loss(logits_of("the forest"), empty) < 1e-6


@pytest.mark.parametrize("thing", THINGS)
def test_every_thing_is_asked_for_in_every_colour_of_every_kind(thing):
    asked = questions(thing)
    assert len(set(asked)) == len(asked) == len(PLACES) + len(KINDS) * (1 + 2 * len(ALL_COLOURS))
    assert sum(thing in sentence.split() for sentence in asked) == len(KINDS) * len(ALL_COLOURS)


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
