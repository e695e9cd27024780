"""A vision LLM is asked what the shot says; a no is a symptom, silence is an error."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from filmagent.agents.llm import LLM, Message
from filmagent.agents.vision import VisionCritic, checklist, encode_png
from filmagent.errors import LLMAnswerError, LLMRefusedError
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.scoring.port import ScoringContext

T = TypeVar("T", bound=BaseModel)

STORY = Story(
    title="Home", scenes=(Scene(number=1, place="market"),),
    subjects=(Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat"),
              Subject(id="market", name="the market", kind="place", appearance="red stalls")),
    shots=(Shot(id="shot-1", scene=1, caption="Marlow the cat wakes.", subjects=("marlow",),
                action="wakes and yawns"),),
)
SHOT = STORY.shots[0]
CONTEXT = ScoringContext(story=STORY, plan=ShotPlan(shot="shot-1", link=Link(kind="scene_cut")), prompt="a cat")
FRAMES = np.random.default_rng(0).integers(0, 255, (9, 48, 64, 3), np.uint8)


@dataclass
class Scripted:
    """An LLM that gives known verdicts by question number, and remembers what it was asked."""

    verdicts: dict[int, str]
    conversations: list[Sequence[Message]] = field(default_factory=list)
    describe: str = "scripted"

    def ask(self, messages: Sequence[Message], answer: type[T]) -> T:
        self.conversations.append(messages)
        return answer.model_validate({"answers": [{"number": number, "seen": "a cat", "verdict": verdict}
                                                  for number, verdict in self.verdicts.items()]})


def test_it_asks_one_thing_a_question() -> None:
    asked = [(question.name, question.symptom) for question in checklist(STORY, SHOT)]
    assert asked == [("vision/marlow/present", "wrong_subject"), ("vision/marlow/appearance", "identity_drift"),
                     ("vision/place", "off_caption"), ("vision/action", "off_caption")]
    texts = [question.text for question in checklist(STORY, SHOT)]
    assert "an orange cat" in texts[1] and "red stalls" in texts[2] and "Marlow the cat wakes and yawns" in texts[3]


def test_the_llm_sees_frames_and_questions() -> None:
    llm: LLM = Scripted({1: "yes", 2: "yes", 3: "yes", 4: "yes"})
    sheet = VisionCritic(llm).score(FRAMES, SHOT, CONTEXT)
    assert isinstance(llm, Scripted)
    question = llm.conversations[0][-1]
    assert "1. Is Marlow the cat (animal) in the picture?" in question.text and len(question.images) == 3
    for picture, frame in zip(question.images, FRAMES[[0, 4, 8]], strict=True):
        opened = Image.open(io.BytesIO(picture))
        assert opened.format == "PNG" and min(opened.size) == 384
        seen = np.asarray(opened).mean(axis=(0, 1))
        assert np.abs(seen - frame.mean(axis=(0, 1))).max() < 2
    assert sheet.symptoms == () and set(sheet.values.values()) == {1.0}


def test_a_no_is_a_symptom() -> None:
    sheet = VisionCritic(Scripted({1: "yes", 2: "no", 3: "no", 4: "no"})).score(FRAMES, SHOT, CONTEXT)
    assert sheet.symptoms == ("identity_drift", "off_caption")
    assert sheet.values == {"vision/marlow/present": 1, "vision/marlow/appearance": 0, "vision/place": 0,
                            "vision/action": 0}


@pytest.mark.parametrize("verdicts", [{}, {1: "yes", 2: "yes", 3: "yes"}, {1: "yes", 2: "yes", 3: "yes", 5: "yes"},
                                      {0: "yes", 1: "yes", 2: "yes", 3: "yes"},
                                      {1: "yes", 2: "yes", 3: "yes", 4: "yes", 5: "yes"}])
def test_unanswered_questions_are_an_error(verdicts: dict[int, str]) -> None:
    with pytest.raises(LLMAnswerError, match="of 1 to 4"):
        VisionCritic(Scripted(verdicts)).score(FRAMES, SHOT, CONTEXT)


def test_the_llms_own_errors_go_on() -> None:
    class Refusing(Scripted):
        def ask(self, messages: Sequence[Message], answer: type[T]) -> T:
            raise LLMRefusedError("no")

    with pytest.raises(LLMRefusedError):
        VisionCritic(Refusing({})).score(FRAMES, SHOT, CONTEXT)


def test_a_shot_that_says_nothing_visible_costs_nothing() -> None:
    empty = Story(title="T", scenes=(Scene(number=1),), shots=(Shot(id="s", scene=1, caption="Fog."),))
    llm = Scripted({})
    sheet = VisionCritic(llm).score(FRAMES, empty.shots[0], ScoringContext(empty, CONTEXT.plan, "fog"))
    assert (sheet.values, sheet.symptoms, llm.conversations) == ({}, (), [])


def test_large_pictures_are_scaled_down() -> None:
    large = Image.open(io.BytesIO(encode_png(np.zeros((1080, 1920, 3), np.uint8))))
    assert large.size == (1024, 576)
