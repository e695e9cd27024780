"""What training asks about the truth of a picture and of a sentence, and the small text side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.generation.papercut.vocabulary import KINDS, PLACES, WORDINGS, Caption, Role, compose, phrases
from filmagent.training.papercut.captions import Said, describe
from filmagent.training.papercut.drawn import StoryShape, draw_story, drawn_clip, exposures
from filmagent.training.papercut.text import MAX_WORDS, build_text_encoder, build_tokenizer
from filmagent.training.papercut.truth import (
    DEEDS,
    LAYOUT,
    MEMORY_SHARE,
    PLACE,
    QUESTIONS,
    UNKNOWN,
    WHERE,
    TruthHeads,
    WordHeads,
    answers_of_words,
    body_coordinates,
    labels,
)
from filmagent.training.papercut.words import teach_words
from filmagent.training.papercut.world import HEIGHT, WIDTH, Figure, Performance, Setting, ShotScript

CAT = Figure("cat", "orange", "scarf", "blue")


def test_the_longest_caption_is_not_cut():
    cast = tuple(
        Figure(kind, "black", "scarf", "blue", pattern="stripes", pattern_colour="white", build="small")
        for kind in KINDS[:3]
    )
    parts = tuple(Performance(who, "carries", 1, 0.5, prop="letter") for who in range(3))
    longest = 0
    for place in PLACES:
        script = ShotScript(cast, Setting(place), "morning", "medium", "snow", "left", parts, prop="boat")
        for wording in range(WORDINGS):
            sentence = compose(replace(describe(script, attributes=True), placed=True), wording)
            longest = max(longest, len(build_tokenizer()(sentence).input_ids))
    assert longest <= MAX_WORDS


def test_the_truth_of_a_token_is_the_figure_that_covers_it():
    cat = Figure("cat", "orange", "scarf", "blue", pattern="stripes", pattern_colour="white", build="big")
    bear = Figure("bear", "brown", "hat", "red")
    sits = Performance(0, "sits", -1, 0.5)
    script = ShotScript((cat, bear), Setting("beach", 2), "day", "wide", performances=(sits,))
    answers = labels(script, torch.tensor([[[-1, 0, 1]]]))

    def said(token):
        return {
            question: None if label == UNKNOWN else choices[label]
            for (question, choices), label in zip(QUESTIONS.items(), answers[:, token].tolist(), strict=True)
        }

    where = {PLACE: "beach", LAYOUT: 2}
    assert said(0) == {**dict.fromkeys(QUESTIONS), **where}, "nobody is there, but the place is"
    who = [name for name in QUESTIONS if name not in (*DEEDS, PLACE, LAYOUT)]
    assert said(1) == {**{name: getattr(cat, name) for name in who}, "action": "sits", "facing": -1, **where}
    assert said(2) == {**{name: getattr(bear, name) for name in who}, "action": None, "facing": None, **where}
    assert answers[list(QUESTIONS).index("pattern"), 2] == 0, "plain is an answer"
    assert answers[list(QUESTIONS).index("pattern_colour"), 2] == UNKNOWN, "plain paper has no second colour"


def test_memory_is_asked_where_it_was_and_not_what_somebody_does():
    script = ShotScript((CAT,), Setting("beach"), "day", "wide", performances=(Performance(0, "sits", 1, 0.5),))
    remembered, filmed = labels(script, torch.zeros(2, 1, 1), [Setting("forest", 1)]).T.tolist()
    asked, of_shot = (dict(zip(QUESTIONS, answers, strict=True)) for answers in (remembered, filmed))
    assert [asked[name] for name in DEEDS] == [UNKNOWN, UNKNOWN]
    assert [asked[PLACE], asked[LAYOUT]] == [PLACES.index("forest"), 1]
    assert [of_shot[PLACE], of_shot[LAYOUT]] == [PLACES.index("beach"), 0]
    assert asked["kind"] == filmed[0] > 0
    assert UNKNOWN not in [of_shot[name] for name in DEEDS]


def test_an_answer_at_the_shot_counts_more_than_one_in_memory():
    torch.manual_seed(0)
    heads, block = TruthHeads(16), torch.nn.Identity()
    heads.listen_to(block)
    hidden, body = torch.randn(1, 40, 16), torch.full((1, 2, 40), torch.nan)
    truth = torch.full((1, len(QUESTIONS), 40), UNKNOWN)
    truth[:, 0] = 3

    def error(of_memory):
        block(hidden)
        return float(heads.loss(truth, body, of_memory))

    def answers(index):
        return heads.ask(torch.nn.functional.layer_norm(hidden, (16,)))[0, index, : len(QUESTIONS["kind"])]

    three = torch.tensor(3)
    alone = [torch.nn.functional.cross_entropy(answers(index), three).item() for index in range(40)]
    of_memory = torch.arange(40)[None] < 39
    expected = (1 - MEMORY_SHARE) * alone[39] + MEMORY_SHARE * sum(alone[:39]) / 39
    asked = len(QUESTIONS) + 1
    assert error(of_memory) == pytest.approx(expected / asked, rel=1e-4), "one token of the shot against 39 of memory"
    assert error(of_memory & False) == pytest.approx(sum(alone) / 40 / asked, rel=1e-4)


@pytest.mark.parametrize("facing", [-1, 1])
def test_a_token_knows_where_on_the_body_it_is(facing):
    script = ShotScript((CAT,), Setting("beach"), "day", "wide", performances=(Performance(0, "walks", facing, 0.5),))
    who = torch.full((2, 8, 14), -1)
    who[:, 4:7, 6:8] = 0
    ahead, above = body_coordinates(script, who).view(2, 2, 8, 14)
    assert torch.equal(ahead[1].isnan(), who[1] < 0)
    assert torch.equal(ahead[0].isnan(), who[0] < 0)
    assert float(ahead[0, 5, 6]) == pytest.approx(-facing * (8 / 128) / 0.48, rel=1e-3), "half a token, in cat heights"
    assert float(ahead[0, 5, 7]) == pytest.approx(-float(ahead[0, 5, 6]), rel=1e-4)
    assert (above[0, 4:7, 6].diff() < 0).all()
    assert float(above[0, 6, 6]) == pytest.approx((0.875 - 104 / 128) / 0.48, rel=1e-3)


def test_bodies_are_drawn_where_their_coordinates_say():
    seen = []
    for number in range(6):
        for clip in draw_story(3, number, StoryShape(4, 0)).stills:
            if clip.foreseeable and clip.script.performances:
                ahead, above = body_coordinates(clip.script, torch.from_numpy(clip.who))
                seen.append(torch.stack([ahead, above])[:, ~ahead.isnan()])
    ahead, above = torch.cat(seen, dim=1)
    assert len(ahead) > 50
    assert ahead.abs().max() < 1
    assert -0.2 < above.min() < 0.2
    assert 0.8 < above.max() < 1.5


@pytest.mark.parametrize(("action", "camera"), [("runs", "still"), ("sits", "left"), ("walks", "right")])
def test_later_tokens_of_a_body_move_along_with_it(action, camera):
    part = Performance(0, action, 1, 5 / 14)
    script = ShotScript((CAT,), Setting("meadow"), "day", "medium", camera=camera, performances=(part,))
    who = torch.from_numpy(drawn_clip(exposures(script), 0, True).who)
    ahead, above = (each.view(9, 8, 14) for each in body_coordinates(script, who))
    for frame in range(9):
        shown = ~ahead[frame].isnan()
        assert shown.sum() > 5
        assert abs(float(ahead[frame][shown].mean()) - float(ahead[0][~ahead[0].isnan()].mean())) < 0.12
        assert float(above[frame][shown].max()) < 1.2
    pushed = replace(script, camera="in")
    assert body_coordinates(pushed, who).view(2, 9, 8, 14)[:, 1:].isnan().all()


def test_figures_are_where_the_drawing_has_them():
    drawn = draw_story(3, 1, StoryShape(0, 3)).shots
    for clip in drawn:
        assert clip.who.shape == (9, HEIGHT // 16, WIDTH // 16)
        assert clip.covered.shape == (9, HEIGHT // 8, WIDTH // 8)
        shown = {part.subject for part in clip.script.performances}
        assert set(np.unique(clip.who)) <= {-1, *shown}
        assert (clip.covered > 0.99).any() == bool(shown)


def test_a_small_encoder_learns_whose_hat_a_word_speaks_of():
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    encoder, heads = build_text_encoder(len(tokenizer), 32), WordHeads(32)
    first = teach_words(tokenizer, encoder, heads, 1, seed=1)
    assert teach_words(tokenizer, encoder, heads, 120, seed=1) < 0.5 * first


def test_words_are_asked_whom_they_speak_of():
    cat, dog = Role("cat", "sits", colour="orange"), Role("dog", "waves")
    asked = []
    for roles in ((cat, dog), (dog, cat), (cat,)):
        parts = phrases(Caption("wide", "forest", "day", roles=roles, placed=True))
        speaks = [-1 if part.role is None else part.role for part in parts for _ in part.words.split()]
        said = Said(" ".join(part.words for part in parts), tuple(speaks))
        asked.append(dict(zip(said.sentence.split(), answers_of_words(said).T.tolist(), strict=True)))
    cat_kind, dog_kind = 1 + KINDS.index("cat"), 1 + KINDS.index("dog")
    assert asked[0]["orange"] == asked[0]["sits"] == [1 + WHERE.index((2, 0)), cat_kind]
    assert asked[1]["orange"] == [1 + WHERE.index((2, 1)), cat_kind]
    assert asked[0]["waves"] == [1 + WHERE.index((2, 1)), dog_kind]
    assert asked[2]["orange"] == [1 + WHERE.index((1, 0)), cat_kind]
    assert asked[0]["forest"] == asked[0]["and"] == [0, 0]


def test_unknown_words_are_unknown_and_case_does_not_matter():
    tokenizer = build_tokenizer()
    ids = tokenizer("The CAT levitates").input_ids
    assert ids[:2] == tokenizer("the cat").input_ids[:2]
    assert ids[2:] == [tokenizer.unk_token_id, tokenizer.eos_token_id]
