"""A critic with eyes: yes/no questions about pictures of a take, answered by a vision LLM.

Only what the shot says is asked, one thing a question, because a model that must answer a checklist cannot settle on
a polite average. `VisionCritic` is a scorer like any other. A question without an answer is an error, never a pass.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from filmagent.agents.llm import LLM, Message
from filmagent.errors import LLMAnswerError
from filmagent.schemas.story import Shot, Story, Subject
from filmagent.schemas.take import Symptom
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video

LONGEST_SIDE, SHORTEST_SIDE = 1024, 384
"""Pictures are scaled into this range: larger ones cost without showing more, smaller ones are hard to see."""

INSTRUCTIONS = (
    "You check frames of one film shot against its script. The pictures are frames of the same shot, in order. "
    "Answer every question with its number, saying yes only for what you can see yourself in at least one picture. "
    "Look first, then decide: write what you see in a few words before the verdict."
)


@dataclass(frozen=True)
class Question:
    """One thing that the shot says and that pictures can show."""

    name: str
    """Of the score, such as `vision/marlow/present`."""
    text: str
    symptom: Symptom
    """What a no means."""


class Sight(BaseModel):
    """The answer to one question."""

    model_config = ConfigDict(extra="forbid")

    number: int
    seen: str
    verdict: Literal["yes", "no"]


class Sights(BaseModel):
    """The answers to all questions."""

    model_config = ConfigDict(extra="forbid")

    answers: list[Sight]


@dataclass(frozen=True)
class VisionCritic:
    """Asks a vision LLM about a few frames of every take."""

    llm: LLM
    pictures: int = 3
    """How many frames are shown, spread evenly over the take."""

    @property
    def name(self) -> str:
        """Stable key."""
        return "vision"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give 1 or 0 for every question of the checklist, and the symptom of every no.

        Raises:
            LLMError: the LLM gave no usable answer.
            LLMAnswerError: a question was left out, answered twice, or was never asked.
        """
        questions = checklist(context.story, shot)
        if not questions:
            return ScoreSheet()
        asked = "\n".join(f"{number}. {question.text}" for number, question in enumerate(questions, start=1))
        indices = np.linspace(0, len(frames) - 1, min(self.pictures, len(frames))).round().astype(int)
        pictures = tuple(encode_png(frames[index]) for index in indices)
        said = self.llm.ask([Message("system", INSTRUCTIONS), Message("user", asked, pictures)], Sights)
        verdicts = _by_number(said.answers, len(questions))
        values = {question.name: float(verdicts[number] == "yes") for number, question in enumerate(questions, start=1)}
        symptoms = (question.symptom for question in questions if values[question.name] == 0)
        return ScoreSheet(values, tuple(dict.fromkeys(symptoms)))


def checklist(story: Story, shot: Shot) -> tuple[Question, ...]:
    """Return the questions about a shot: each subject, its appearance, the place, the action."""
    questions: list[Question] = []
    for key in shot.subjects:
        subject = story.subject(key)
        present = f"Is {_introduce(subject)} in the picture?"
        questions.append(Question(f"vision/{key}/present", present, "wrong_subject"))
        if subject.appearance:
            alike = f"Does {subject.name} look as described: {subject.appearance}?"
            questions.append(Question(f"vision/{key}/appearance", alike, "identity_drift"))
    place = story.place_of(shot)
    if place is not None:
        looks = f" ({place.appearance})" if place.appearance else ""
        questions.append(Question("vision/place", f"Does the shot take place at {place.name}{looks}?", "off_caption"))
    if shot.action:
        who = " and ".join(story.subject(key).name for key in shot.subjects) or "the shot"
        fits = f"Do the pictures, taken together, fit this action: {who} {shot.action}?"
        questions.append(Question("vision/action", fits, "off_caption"))
    return tuple(questions)


def encode_png(picture: Video) -> bytes:
    """Return a uint8 RGB picture of shape (height, width, 3) as a PNG file of a size that a vision LLM sees well."""
    image = Image.fromarray(picture)
    scale = min(LONGEST_SIDE / max(image.size), max(1.0, SHORTEST_SIDE / min(image.size)))
    if scale != 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _introduce(subject: Subject) -> str:
    """Name a subject so that a stranger knows what to look for."""
    return subject.name if subject.kind == "object" else f"{subject.name} ({subject.kind})"


def _by_number(answers: Sequence[Sight], questions: int) -> dict[int, Literal["yes", "no"]]:
    """Return the verdict of every question; refuse answers that are not exactly one for each."""
    numbers = sorted(answer.number for answer in answers)
    if numbers != list(range(1, questions + 1)):
        raise LLMAnswerError(f"the vision LLM answered questions {numbers} of 1 to {questions}. Ask again, or name a "
                             "model that sees pictures.")
    return {answer.number: answer.verdict for answer in answers}
