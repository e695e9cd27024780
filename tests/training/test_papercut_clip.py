"""papercut's CLIP: sentences that are true, questions with their answers, and a training that goes on."""

from __future__ import annotations

import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import KINDS, PLACES, Role
from filmagent.scoring.clip import ClipSource, OpenClipFeatures
from filmagent.training.papercut.clip.cells import ANSWERS, UNASKED, CellQuestions, answers_of, who_covers
from filmagent.training.papercut.clip.model import (
    IMAGE_SIZE,
    ClipSize,
    build_clip,
    read_sentences,
    tokenizer_of,
    write_description,
)
from filmagent.training.papercut.clip.pictures import (
    Groups,
    PicturePool,
    Shown,
    augment,
    close_looks,
    render_group,
)
from filmagent.training.papercut.clip.questions import (
    ALL_COLOURS,
    NOT_THERE,
    THINGS,
    answered,
    questions,
    zero_shot_loss,
)
from filmagent.training.papercut.clip.texts import Statement, holds, statement, variations, vocabulary
from filmagent.training.papercut.clip.train import ClipTraining, contrastive_loss, train_clip
from filmagent.training.papercut.world import Figure, Performance, Setting, ShotScript, sample_shot, sample_story

SEEDS = st.integers(0, 10_000)
CAT = Figure("cat", "orange", "scarf", "blue")
DOG = Figure("dog", "brown", "hat", "red", pattern="spots", pattern_colour="white")
BOTH = ShotScript((CAT, DOG), Setting("forest"), "day", "wide", weather="rain",
                  performances=(Performance(0, "walks", 1, 0.3), Performance(1, "sits", -1, 0.7)))
TINY = ClipTraining(minutes=60, different=2, close_looks=2, close_until=0.0,
                    looked_at=Groups(kept=3, fresh=1, versions=1, somebody=True),
                    told=Groups(kept=3, fresh=1, versions=2, somebody=False),
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


def test_augmented_pictures_are_the_models_input_and_figures_stay_where_they_are_seen():
    masks = {0: np.zeros((128, 224), bool)}
    masks[0][32:96, 40:90] = True
    picture = np.where(masks[0][..., None], np.uint8(255), np.zeros((128, 224, 3), np.uint8))
    shown = [Shown(picture, who_covers(masks, 128, 224), BOTH)] * 16
    torch.manual_seed(0)
    made = augment(shown)
    assert made.images.shape == (16, 3, IMAGE_SIZE, IMAGE_SIZE) and made.images.abs().max() <= 2.01
    bright = made.images.mean(1) > 0
    assert (bright == (made.who == 0)).float().mean() > 0.97, "cut alike"
    torch.manual_seed(1)
    assert not torch.equal(made.images, augment(shown).images)


def test_a_close_look_is_at_somebody_and_keeps_who_is_where():
    masks = {0: np.zeros((128, 224), bool)}
    masks[0][90:110, 190:215] = True
    picture = np.where(masks[0][..., None], np.uint8(255), np.zeros((128, 224, 3), np.uint8))
    looks = close_looks([Shown(picture, who_covers(masks, 128, 224), BOTH)] * 4)
    assert looks.images.shape == (4, 3, IMAGE_SIZE // 2, IMAGE_SIZE // 2)
    assert ((looks.who == 0).flatten(1).sum(1) > 100).all(), "somebody is in every one"
    assert ((looks.images.mean(1) > 0) == (looks.who == 0)).float().mean() > 0.95
    nobody = close_looks([Shown(picture, who_covers({}, 128, 224), BOTH)] * 4)
    assert nobody.images.shape == looks.images.shape and (nobody.who == -1).all()


def test_every_batch_replaces_the_oldest_pictures_and_processes_draw_the_same_ones():
    groups = Groups(kept=3, fresh=1, versions=2, somebody=True)
    alone = PicturePool(groups, 5, 0, None)
    batch = alone.batch(3, random.Random(0))
    expected = [shown.script for number in (1, 2, 3) for shown in render_group(groups, f"5/{number}")]
    assert {repr(shown.script) for shown in batch} == {repr(script) for script in expected} and len(batch) == 6
    with ProcessPoolExecutor(1) as processes:
        helped = PicturePool(groups, 5, 0, processes).batch(3, random.Random(0))
    for one, other in zip(batch, helped, strict=True):
        assert one.script == other.script and (one.picture == other.picture).all() and (one.who == other.who).all()


def test_somebody_is_in_every_picture_that_is_looked_at_closely():
    groups = Groups(kept=1, fresh=0, versions=1, somebody=True)
    assert all(render_group(groups, str(number))[0].script.performances for number in range(25))
    anybody = replace(groups, somebody=False)
    assert not all(render_group(anybody, str(number))[0].script.performances for number in range(25))


def test_the_first_lesson_is_about_cells_alone(tmp_path):
    made = train_clip(replace(TINY, close_until=1.0), tmp_path, max_steps=2)
    state = torch.load(tmp_path / "clip.pt", weights_only=False)
    assert set(state["average"]) == {"cells"} and state["step"] == 2
    assert (made / "open_clip_model.safetensors").is_file()


def test_cells_are_asked_who_covers_them_and_how_they_look():
    masks = {0: np.zeros((2, 3), bool), 1: np.zeros((2, 3), bool)}
    masks[0][0, 0] = masks[1][1, 2] = True
    asked = answers_of(torch.from_numpy(who_covers(masks, 2, 3))[None], [BOTH])[0]
    found = dict(zip(ANSWERS, asked, strict=True))
    assert found["somebody"].flatten().tolist() == [1, 0, 0, 0, 0, 1]
    assert [ANSWERS["kind"][index] for index in (found["kind"][0, 0], found["kind"][1, 2])] == ["cat", "dog"]
    assert (found["kind"] == UNASKED).sum() == 4, "nobody has no kind"
    assert ANSWERS["garment_colour"][found["garment_colour"][1, 2]] == "red"
    assert ANSWERS["pattern"][found["pattern"][0, 0]] is None, "to be plain is an answer"
    assert found["pattern_colour"][0, 0] == UNASKED, "what is plain has no pattern's colour"
    assert (found["colour"] == UNASKED).sum() == 4, "the set is asked for nobody's colour"


def test_what_the_tower_sees_teaches_the_cells():
    torch.manual_seed(0)
    tower = torch.nn.Module()
    tower.layer2, tower.layer3, tower.layer4 = (torch.nn.Conv2d(3, 64 * 2**n, 1) for n in range(3))
    cells = CellQuestions(width=8)
    cells.listen_to(tower)
    who = torch.full((2, 8, 8), -1)
    who[:, 2:6, 2:6] = 0
    pictures = torch.randn(2, 3, 8, 8)
    optimizer = torch.optim.Adam([*cells.parameters(), *tower.parameters()], 0.02)
    before = None
    for _ in range(40):
        for layer, side in ((tower.layer2, 8), (tower.layer3, 4), (tower.layer4, 2)):
            layer(torch.nn.functional.adaptive_avg_pool2d(pictures + (who >= 0)[:, None] * 3.0, side))
        loss = cells.loss(who, [BOTH, BOTH])
        before = before or float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.3 * before
    assert cells.loss(torch.full((2, 8, 8), -1), [BOTH, BOTH]).isfinite(), "where nobody is, only that is asked"


def test_sentences_are_read_as_open_clip_reads_them(tmp_path):
    write_description(TINY.size, tmp_path)
    model, tokenizer = build_clip(tmp_path), tokenizer_of(tmp_path)
    tokens = tokenizer(["an orange cat", "the forest", "a dog with white spots"])
    with torch.no_grad():
        assert torch.allclose(read_sentences(model, tokens), model.encode_text(tokens), atol=1e-5)


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
