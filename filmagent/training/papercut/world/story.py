"""Invents stories and shots with a seeded generator: who, where, when and doing what. Draws nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    COLOURS,
    KINDS,
    MOVING_ACTIONS,
    PLACES,
    SCARF_COLOURS,
    SIZES,
    TIMES,
)

EMPTY_SHARE = 0.07
PAIR_STORY_SHARE = 0.6
PAIR_SHOT_SHARE = 0.45
CONTINUED_SHARE = 0.2
STARTING_SPREAD = 0.004
"""Frame widths by which a figure's place at a cut varies: less than a pixel, since no word could say more."""


@dataclass(frozen=True)
class Figure:
    """An identity: it stays the same through a story."""

    kind: str
    colour: str
    scarf: str


@dataclass(frozen=True)
class WorldStory:
    """One or two figures and the places their story visits."""

    figures: tuple[Figure, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Performance:
    """What one figure does: `x` is where it starts in frame widths, `facing` 1 is right, `phase` a part of a cycle."""

    subject: int
    action: str
    facing: int
    x: float
    phase: float


@dataclass(frozen=True)
class ShotScript:
    """Everything a shot shows; performances run from left to right."""

    figures: tuple[Figure, ...]
    place: str
    time: str
    size: str
    performances: tuple[Performance, ...]


def sample_story(rng: random.Random) -> WorldStory:
    """A story with one or two figures of different kinds and two to four places."""
    count = 2 if rng.random() < PAIR_STORY_SHARE else 1
    kinds, colours = rng.sample(KINDS, count), rng.sample(COLOURS, count)
    figures: list[Figure] = []
    for kind, colour in zip(kinds, colours, strict=True):
        taken = {colour, *(figure.scarf for figure in figures)}
        scarf = rng.choice([name for name in SCARF_COLOURS if name not in taken])
        figures.append(Figure(kind=kind, colour=colour, scarf=scarf))
    return WorldStory(figures=tuple(figures), places=tuple(rng.sample(PLACES, rng.randint(2, 4))))


def sample_shot(rng: random.Random, story: WorldStory, continued: bool | None = None) -> ShotScript:
    """A shot of the story. Most begin in a fixed position; `continued` ones, by chance where None, anywhere."""
    place, time, size = rng.choice(story.places), rng.choice(TIMES), rng.choice(SIZES)
    subjects = list(range(len(story.figures)))
    rng.shuffle(subjects)
    if rng.random() < EMPTY_SHARE:
        subjects = []
    elif len(subjects) == 2 and rng.random() >= PAIR_SHOT_SHARE:
        subjects = subjects[:1]
    if continued is None:
        continued = rng.random() < CONTINUED_SHARE
    performances = tuple(
        _performance(rng, subject, slot, len(subjects), continued) for slot, subject in enumerate(subjects)
    )
    return ShotScript(story.figures, place, time, size, performances)


def _performance(rng: random.Random, subject: int, slot: int, count: int, continued: bool) -> Performance:
    action = rng.choice(ACTIONS)
    moving = action in MOVING_ACTIONS
    facing = rng.choice((-1, 1)) if moving or continued else 1 if slot == 0 else -1
    if count == 2:
        middle = (0.27, 0.73)[slot]
        spread = 0.08 if continued else STARTING_SPREAD
    else:
        middle = 0.5 - 0.15 * facing if moving and not continued else 0.5
        spread = 0.25 if continued else STARTING_SPREAD
    phase = rng.random() if continued else 0.0
    return Performance(subject, action, facing, middle + rng.uniform(-spread, spread), phase)
