"""The policies against a real bank, with features that need no weights."""

from __future__ import annotations

import numpy as np
import pytest

from filmagent.errors import UsageError
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.policies import UNCONFIRMED, StoryMem
from filmagent.generation.memory.registry import create_policy, policy_names
from filmagent.schemas import Link, ShotPlan
from filmagent.scoring.quality import QualityGate
from tests.generation.test_memory_bank import STORY, take

PLAN = ShotPlan(shot="shot-02", link=Link(kind="scene_cut"))
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 50, 210), "black": (0, 0, 0)}


class MeanColour:
    """Embeds a picture as its mean colour, and says that the red one is a cat."""

    revision = "mean-colour"
    logit_scale = 20.0

    def load(self):
        pass

    def embed(self, images):
        rows = np.array([image.reshape(-1, 3).mean(axis=0) for image in images], np.float32).reshape(-1, 3)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)

    def embed_text(self, texts):
        return np.array([(1, 0, 0) if "cat" in text else (0, 1, 0) for text in texts], np.float32)

    def knows(self, text):
        return text in ("cat", "dog")


class Brightest:
    """Quality is the brightest value: only black frames fail."""

    name = "brightest"

    def score(self, picture):
        return float(picture.max())


GATE = QualityGate(Brightest(), threshold=10)


def video(*colours: str) -> np.ndarray:
    return np.stack([np.full((12, 20, 3), COLOURS[colour], np.uint8) for colour in colours])


def policy(features=MeanColour) -> StoryMem:
    return StoryMem(features, gate=GATE)


def remember(bank, chosen, frames, records=(), key="a" * 32):
    return bank.remember(chosen, bank.view(records), STORY, STORY.shot("shot-01"), take(key=key), frames)


def test_storymem_keeps_what_is_new_and_says_why_and_how_surely(tmp_path):
    bank = MemoryBank(tmp_path)
    record = bank.record(remember(bank, policy(), video("black", "red", "red", "green", "green")))
    assert [keyframe.frame for keyframe in record.keyframes] == [1, 3]
    assert record.keyframes[0].reason == "first good frame"
    sure, unsure = (keyframe.subjects["marlow"] for keyframe in record.keyframes)
    assert sure > 0.9 and unsure < 0.1
    assert record.keyframes[0].quality == 220


def test_what_the_bank_shows_is_not_kept_again(tmp_path):
    bank = MemoryBank(tmp_path)
    first = remember(bank, policy(), video("red", "red"))
    second = bank.record(remember(bank, policy(), video("red", "red", "blue"), [first], key="c" * 32))
    assert [keyframe.frame for keyframe in second.keyframes] == [2]
    assert second.notes == ("frame 0 repeats frame 0 of shot-01",)


def test_a_take_without_a_good_frame_leaves_a_note(tmp_path):
    bank = MemoryBank(tmp_path)
    record = bank.record(remember(bank, policy(), video("black", "black")))
    assert record.keyframes == ()
    assert "shot-01" in record.notes[0] and "brightest" in record.notes[0]


def test_a_subject_without_a_word_is_unconfirmed(tmp_path):
    class Wordless(MeanColour):
        def knows(self, text):
            return False

    bank = MemoryBank(tmp_path)
    record = bank.record(remember(bank, policy(Wordless), video("red", "red")))
    assert record.keyframes[0].subjects == {"marlow": UNCONFIRMED}


def test_recall_is_oldest_first_within_the_limit_with_reasons(tmp_path):
    bank, chosen, records = MemoryBank(tmp_path), policy(), []
    for index, colour in enumerate(("red", "green", "blue")):
        records.append(remember(bank, chosen, video(colour, colour), records, key=f"{index}" * 32))
    view = bank.view(records)
    recalled = chosen.recall(view, STORY, PLAN, limit=2)
    assert [recall.keyframe for recall in recalled] == [view.keyframes[0], view.keyframes[2]]
    assert [recall.reason for recall in recalled] == ["memory sink", "recent"]
    assert chosen.recall(view, STORY, PLAN, limit=0) == ()


def test_reference_photographs_are_part_of_the_sink(tmp_path):
    from PIL import Image as Pillow

    Pillow.fromarray(video("blue")[0]).save(tmp_path / "blue.png")
    bank, chosen = MemoryBank(tmp_path), policy()
    records = [remember(bank, chosen, video("red", "red", "green"))]
    records.append(bank.add_reference(tmp_path / "blue.png", "marlow"))
    assert chosen.recall(bank.view(records), STORY, PLAN, limit=2)[0].keyframe.shot is None


def test_the_memory_called_none_keeps_and_shows_nothing(tmp_path):
    bank, none = MemoryBank(tmp_path), create_policy("none", MeanColour)
    view = bank.view([remember(bank, policy(), video("red", "red"))])
    assert none.recall(view, STORY, PLAN, limit=10) == ()
    assert bank.record(remember(bank, none, video("red", "red"))).keyframes == ()


def test_policies_by_name():
    assert {"none", "storymem", "cover", "memento"} <= set(policy_names())
    with pytest.raises(UsageError, match=r"'elephant'.*none, storymem, cover"):
        create_policy("elephant", MeanColour)


def test_making_a_policy_loads_no_features():
    def no_features():
        raise AssertionError("asked for features")

    create_policy("storymem", no_features)
