"""Measures a papercut CLIP on shots it has never seen: how often it is right, and how its cosines behave.

The questions are those that the scorers ask. Nothing is trained here.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from filmagent.generation.papercut.vocabulary import COLOURS, GARMENT_COLOURS, KINDS, PATTERN_COLOURS, PLACES, TIMES
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.words import coloured_phrase, with_article
from filmagent.scoring.zero_shot import probabilities
from filmagent.training.papercut.world import Setting, ShotScript, render_frames, sample_shot, sample_story

HELD_OUT = "held out"
"""Seed of the measured shots; training seeds are numbers."""
LAST_FRAME = 16


@dataclass(frozen=True)
class Cosines:
    """The spread of cosines between pairs of pictures: 5th percentile, median, 95th."""

    low: float
    median: float
    high: float
    above: float
    """Share above 0.9, StoryMem's limit for `already known`."""


def accuracy(features: ImageFeatures, shots: int = 300) -> dict[str, float]:
    """Return the share of right answers by question, and by question and shot size (`kind, close`)."""
    right: dict[str, list[bool]] = defaultdict(list)
    for script in held_out(shots):
        image = features.embed([render_frames(script, [LAST_FRAME // 2]).frames[0]])

        def answer(sentences: list[str], image: np.ndarray = image) -> int:
            return int(probabilities(features, image, sentences)[0].argmax())

        place = script.setting.place
        right["place"].append(PLACES[answer([f"the {each}" for each in PLACES])] == place)
        right["time"].append(TIMES[answer([f"the {place} at {time}" for time in TIMES])] == script.time)
        figures = [script.figures[part.subject] for part in script.performances]
        for figure in figures:
            kinds = [kind for kind in KINDS if kind not in [other.kind for other in figures if other is not figure]]

            def coloured(colours: tuple[str, ...], thing: str, kind: str = figure.kind) -> str:
                return colours[answer([with_article(coloured_phrase(kind, colour, thing)) for colour in colours])]

            found = {
                "kind": kinds[answer([with_article(kind) for kind in kinds])] == figure.kind,
                "colour": COLOURS[answer([with_article(f"{colour} {figure.kind}") for colour in COLOURS])]
                == figure.colour,
                "garment": coloured(GARMENT_COLOURS, figure.garment) == figure.garment_colour,
            }
            if figure.pattern:
                found["pattern"] = coloured(PATTERN_COLOURS, figure.pattern) == figure.pattern_colour
            for question, is_right in found.items():
                right[question].append(is_right)
                right[f"{question}, {script.size}, {len(figures)} in frame"].append(is_right)
    return {question: float(np.mean(answers)) for question, answers in sorted(right.items())}


def cosines(features: ImageFeatures, shots: int = 120) -> dict[str, Cosines]:
    """Return how alike pictures are that differ in one thing: the moment, the place, the time, the colour, the kind."""
    found: dict[str, list[float]] = defaultdict(list)
    for script in held_out(shots):
        if not script.performances:
            continue
        first, second, last = features.embed(list(render_frames(script, [0, 1, LAST_FRAME]).frames))
        found["next frame"].append(float(first @ second))
        found["last frame"].append(float(first @ last))
        for what, other in _with_one_change(script).items():
            found[what].append(float(first @ features.embed([render_frames(other, [0]).frames[0]])[0]))
    return {what: _spread(values) for what, values in found.items()}


def held_out(shots: int) -> list[ShotScript]:
    """Shots that no training has seen, always the same ones."""
    rng = random.Random(HELD_OUT)
    return [sample_shot(rng, sample_story(rng)) for _ in range(shots)]


def _with_one_change(script: ShotScript) -> dict[str, ShotScript]:
    index = script.performances[0].subject
    figure = script.figures[index]
    taken = {each.kind for each in script.figures}

    def recast(**change: str) -> ShotScript:
        figures = list(script.figures)
        figures[index] = replace(figure, **change)
        return replace(script, figures=tuple(figures))

    return {
        "other place": replace(script, setting=Setting(_next(PLACES, script.setting.place))),
        "other time": replace(script, time=_next(TIMES, script.time)),
        "other colour": recast(colour=_next(COLOURS, figure.colour)),
        "other kind": recast(kind=next(kind for kind in KINDS if kind not in taken)),
    }


def _next(choices: tuple[str, ...], present: str) -> str:
    return choices[(choices.index(present) + 1) % len(choices)]


def _spread(values: list[float]) -> Cosines:
    low, median, high = (float(value) for value in np.percentile(values, (5, 50, 95)))
    return Cosines(low, median, high, float((np.array(values) > 0.9).mean()))
