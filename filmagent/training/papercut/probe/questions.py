"""What is asked of a picture of the papercut world, which answers there are, and which of them are true of a script.

Whoever reads pictures answers with a `Reading`; so does the truth. Knows no torch and no reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    BUILDS,
    COLOURS,
    GARMENT_COLOURS,
    GARMENTS,
    KINDS,
    LAYOUTS,
    MAX_ROLES,
    PATTERN_COLOURS,
    PATTERNS,
    PLACES,
    PROPS,
    SIZES,
    TIMES,
    WEATHERS,
)
from filmagent.training.papercut.world import ShotScript, pattern_pixels, seen_at

Answer = str | int | None
Answers = Mapping[str, Answer]

POSITIONS = ("left", "middle", "right")
"""Thirds of the frame."""
FIGURE_QUESTIONS: Mapping[str, tuple[Answer, ...]] = {
    "colour": COLOURS,
    "pattern": (None, *PATTERNS),
    "pattern_colour": PATTERN_COLOURS,
    "garment": GARMENTS,
    "garment_colour": GARMENT_COLOURS,
    "build": (None, *BUILDS),
    "action": ACTIONS,
    "position": POSITIONS,
}
"""Asked of every figure, by its kind."""
IDENTITY = ("colour", "pattern", "pattern_colour", "garment", "garment_colour", "build")
"""What a figure keeps through a story, and a caption may leave out."""
PATTERN_QUESTIONS = ("pattern", "pattern_colour")
SHOWN = 45
"""Pixels of a pattern that a picture shows, at least, where somebody is asked for it: a square of seven by seven."""
PICTURE_QUESTIONS: Mapping[str, tuple[Answer, ...]] = {
    "count": tuple(range(MAX_ROLES + 1)),
    "place": PLACES,
    "layout": tuple(range(len(LAYOUTS))),
    "time": TIMES,
    "weather": WEATHERS,
    "size": SIZES,
    "prop": (None, *PROPS),
}
"""Asked of the whole picture; `layout` is the arrangement of the place that is answered, `prop` what nobody carries."""


@dataclass(frozen=True)
class Reading:
    """Answers to all questions about one shot, or one moment of it."""

    kinds: tuple[str, ...]
    """Who is there, in the order of the vocabulary."""
    picture: Answers
    figures: Mapping[str, Answers]
    """By kind: those who are there, and whoever else was asked for."""

    def as_json(self) -> dict[str, Any]:
        """The reading as plain JSON values."""
        return {
            "kinds": list(self.kinds),
            "picture": dict(self.picture),
            "figures": {kind: dict(answers) for kind, answers in self.figures.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reading:
        """The reading that `as_json` wrote. Raises KeyError."""
        return cls(tuple(value["kinds"]), value["picture"], value["figures"])


def truth_of(script: ShotScript, seconds: float) -> Reading:
    """The true answers; `seconds` into the shot, which matters to positions and to what can be seen.

    A question is absent where nothing could answer it: a plain figure has no pattern colour, and a pattern that a vest
    hides, or that would be hidden if there were one, is not asked for (`SHOWN`).
    """
    figures: dict[str, Answers] = {}
    for part in script.performances:
        figure = script.figures[part.subject]
        answers: dict[str, Answer] = {question: getattr(figure, question) for question in IDENTITY}
        if figure.pattern is None:
            del answers["pattern_colour"]
        if pattern_pixels(script, part, seconds) < SHOWN:
            answers = {question: answer for question, answer in answers.items() if question not in PATTERN_QUESTIONS}
        where = seen_at(script, part, seconds)
        answers["action"] = part.action
        answers["position"] = POSITIONS[min(2, max(0, int(where * 3)))]
        figures[figure.kind] = answers
    picture: dict[str, Answer] = {
        "count": len(script.performances),
        "place": script.setting.place,
        "layout": script.setting.layout,
        "time": script.time,
        "weather": script.weather,
        "size": script.size,
        "prop": script.prop,
    }
    return Reading(tuple(kind for kind in KINDS if kind in figures), picture, figures)
