"""What a denoiser in training is asked: the answers of one that knows, of one that does not, and how they are said."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from filmagent.errors import UsageError
from filmagent.training.papercut import checkup
from filmagent.training.papercut.checkup import SILENT, TELLING, as_markdown, check_up, read_models
from filmagent.training.papercut.cli import main
from filmagent.training.papercut.probe.questions import IDENTITY
from filmagent.training.papercut.text import build_tokenizer
from filmagent.training.papercut.trainer import CHECKPOINT, DenoiserTraining, Models, averaged_models, listen

TOY = DenoiserTraining(width=48, layers=1, text_width=32, inner_width=96)


@pytest.fixture
def models():
    torch.manual_seed(0)
    models = Models(TOY, len(build_tokenizer()))
    listen(models)
    return models


def test_all_is_asked_and_said(encoder, models, monkeypatch):
    monkeypatch.setattr(checkup, "MOVEMENTS", ("walks", checkup.PAN))
    found = check_up(models, encoder, stories=3, shots=1)
    assert {question for _, _, question in found.remembered} <= set(IDENTITY)
    assert {keyframes for keyframes, _, _ in found.remembered} == {0, 1, 2, 5}
    assert all(0 <= each.share <= 1 and each.count > 0 for each in found.remembered.values())
    assert found.placed[0].count > found.placed[1].count > 0, "one keyframe seldom shows the place"
    assert set(found.explained) <= {1, 2, 3} and sum(each.count for each in found.explained.values()) > 3
    assert set(found.moved) == {"walks", checkup.PAN}
    assert found.moved["walks"].guess_first > 0.1, "who walks is not where the last frame shows"
    text = as_markdown(found)
    assert "| walks |" in text and "| keyframes | in the picture | colour |" in text
    assert check_up(models, encoder, stories=3, shots=1) == found, "the same is asked every time"


def test_one_that_sees_the_truth_is_right(encoder, models, monkeypatch):
    def predict(denoiser, text, batch, level):
        made = real(denoiser, text, batch, level)
        clean = checkup.tokens_of(batch.clean, made.chosen.index)
        logits = {
            question: torch.nn.functional.one_hot(batch.truth[:, row].clamp(min=0), len(choices)).float() * 9
            for row, (question, choices) in enumerate(checkup.QUESTIONS.items())
        }
        monkeypatch.setattr(models.heads, "answers", lambda: logits)
        return replace(made, flow=made.noise - clean)

    real = checkup.predict
    monkeypatch.setattr(checkup, "predict", predict)
    monkeypatch.setattr(checkup, "MOVEMENTS", ("sits",))
    found = check_up(models, encoder, stories=2, shots=1)
    assert all(each.share == 1 for each in (*found.remembered.values(), *found.placed.values()))
    assert all(each.share == pytest.approx(1, abs=1e-5) for each in found.explained.values())
    assert [found.moved["sits"].first, found.moved["sits"].later] == pytest.approx([0, 0], abs=1e-5)


def test_memory_is_asked_for_what_words_do_not_say(encoder):
    script = checkup.draw_story(checkup.HELD_OUT_SEED, 0, checkup.StoryShape(8, 0))
    story = checkup.encode_story(encoder, script)
    clip = next(clip for clip in story.targets() if clip.script.performances)
    asked = [checkup.Example(checkup.whole(clip, clip.latents), ())]
    colour = clip.script.figures[clip.script.performances[0].subject].colour
    silent, telling = (
        " ".join(
            checkup.batch_of(random.Random(seed), asked, mixture, checkup.EVERYTHING).said[0].sentence
            for seed in range(8)
        )
        for mixture in (SILENT, TELLING)
    )
    assert colour in telling.split() and colour not in silent.split()


def test_a_training_of_other_questions_is_refused(models, tmp_path):
    averaged = models.state_dict()
    averaged["heads.ask.weight"] = averaged["heads.ask.weight"][:-1]
    torch.save({"averaged": averaged}, tmp_path / CHECKPOINT)
    with pytest.raises(UsageError, match="other questions"):
        averaged_models(tmp_path, TOY)


def test_a_folder_without_a_training_is_refused(tmp_path):
    with pytest.raises(UsageError, match="train papercut dit"):
        read_models(tmp_path)
    with pytest.raises(UsageError, match="train papercut dit"):
        main(["checkup", "--data", str(tmp_path)])
