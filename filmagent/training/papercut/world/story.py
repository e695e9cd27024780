"""Invents casts, settings and shots with a seeded generator: who, where, when and doing what. Draws nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    BUILDS,
    COLOURS,
    GARMENT_COLOURS,
    GARMENTS,
    INDOORS,
    KINDS,
    LAYOUTS,
    MOVING_ACTIONS,
    PATTERN_COLOURS,
    PATTERNS,
    PLACES,
    PROPS,
    SIZES,
    TIMES,
    WEATHERS,
)
from filmagent.training.papercut.world.poses import phase_after
from filmagent.training.papercut.world.script import Figure, Performance, Setting, ShotScript
from filmagent.training.papercut.world.stage import STEP, TOKEN

EMPTY_SHARE = 0.06
COMPANY = (0.42, 0.38, 0.2)
"""How many stories have one, two and three figures."""
TOGETHER_SHARE = 0.5
"""How many shots show more than one figure, where the story has more."""
CONTINUED_SHARE = 0.2
PLAIN_SHARE, MIDDLE_SHARE = 0.4, 0.5
CAMERA_WEIGHTS = {"still": 0.7, "left": 0.09, "right": 0.09, "in": 0.12}
WEATHER_WEIGHTS = {"clear": 0.61, "rain": 0.13, "snow": 0.13, "fog": 0.13}
MARKS = {1: (7 * TOKEN,), 2: (4 * TOKEN, 10 * TOKEN), 3: (3 * TOKEN, 7 * TOKEN, 11 * TOKEN)}
"""Where figures stand at a cut, in frame widths: between two tokens, so that all stand alike on the grid."""
FARTHEST_ALONE, FARTHEST_IN_COMPANY = 6, 1
"""How far from its mark somebody may begin who goes on with a movement, in latent cells."""
RUN_UP = 2 * TOKEN
"""How far behind the middle somebody begins who walks through a shot alone."""


@dataclass(frozen=True)
class WorldStory:
    """One to three figures, the settings their story visits, and the prop that matters to it."""

    figures: tuple[Figure, ...]
    settings: tuple[Setting, ...]
    prop: str


def sample_story(rng: random.Random, figures: int | None = None) -> WorldStory:
    """A story with figures of different kinds and colours and two to four settings."""
    count = figures or rng.choices((1, 2, 3), COMPANY)[0]
    kinds, colours = rng.sample(KINDS, count), rng.sample(COLOURS, count)
    cast = tuple(_figure(rng, kind, colour) for kind, colour in zip(kinds, colours, strict=True))
    places = rng.sample(PLACES, rng.randint(2, 4))
    return WorldStory(cast, tuple(Setting(place, rng.randrange(len(LAYOUTS))) for place in places), rng.choice(PROPS))


def _figure(rng: random.Random, kind: str, colour: str) -> Figure:
    pattern = None if rng.random() < PLAIN_SHARE else rng.choice(PATTERNS)
    return Figure(
        kind=kind,
        colour=colour,
        garment=rng.choice(GARMENTS),
        garment_colour=rng.choice([name for name in GARMENT_COLOURS if name != colour]),
        pattern=pattern,
        pattern_colour=rng.choice([name for name in PATTERN_COLOURS if name != colour]) if pattern else None,
        build=None if rng.random() < MIDDLE_SHARE else rng.choice(BUILDS),
    )


def sample_shot(rng: random.Random, story: WorldStory, continued: bool | None = None) -> ShotScript:
    """A shot of the story. Most begin in a fixed position; `continued` ones, by chance where None, anywhere."""
    subjects = list(range(len(story.figures)))
    rng.shuffle(subjects)
    if rng.random() < EMPTY_SHARE:
        subjects = []
    elif len(subjects) > 1:
        subjects = subjects[: rng.randint(2, len(subjects))] if rng.random() < TOGETHER_SHARE else subjects[:1]
    if continued is None:
        continued = rng.random() < CONTINUED_SHARE
    prop = story.prop if rng.random() < (0.5 if not subjects else 0.04) else None
    return stage_shot(rng, story, rng.choice(story.settings), subjects, continued=continued, prop=prop)


def stage_shot(
    rng: random.Random,
    story: WorldStory,
    setting: Setting,
    subjects: Sequence[int],
    *,
    continued: bool = False,
    prop: str | None = None,
    size: str | None = None,
    still: bool = False,
) -> ShotScript:
    """A shot of these subjects, from left to right, in a setting; what is not given is drawn by chance.

    Args:
        rng: where chance comes from.
        story: whose figures and prop may be seen.
        setting: one of the story's.
        subjects: indices of its figures, at most three.
        continued: figures may stand anywhere and be in the middle of a movement, as after a join.
        prop: what lies on the ground.
        size: shot size; None: any.
        still: keep the camera still.
    """
    weather = rng.choices(WEATHERS, [WEATHER_WEIGHTS[name] for name in WEATHERS])[0]
    camera = rng.choices(list(CAMERA_WEIGHTS), list(CAMERA_WEIGHTS.values()))[0]
    return ShotScript(
        figures=story.figures,
        setting=setting,
        time=rng.choice(TIMES),
        size=size or rng.choice(SIZES),
        weather="clear" if setting.place in INDOORS else weather,
        camera="still" if still else camera,
        performances=tuple(
            _performance(rng, story, subject, slot, len(subjects), continued) for slot, subject in enumerate(subjects)
        ),
        prop=prop,
    )


def _performance(
    rng: random.Random, story: WorldStory, subject: int, slot: int, count: int, continued: bool
) -> Performance:
    action = rng.choice(ACTIONS if count > 1 else [name for name in ACTIONS if name != "meets"])
    turns = action in MOVING_ACTIONS or continued
    facing = rng.choice((-1, 1)) if turns else _faces(slot)
    prop = story.prop if action == "carries" else None
    if not continued:
        return Performance(subject, action, facing, _mark(slot, count, action, facing), prop=prop)
    away = FARTHEST_ALONE if count == 1 else FARTHEST_IN_COMPANY
    begun = rng.randrange(4) * STEP
    x = MARKS[count][slot] + rng.randint(-away, away) * TOKEN / 2
    return Performance(subject, action, facing, x, phase_after(action, begun, 0.0), prop)


def _faces(slot: int) -> int:
    """The way somebody faces at a cut who goes nowhere: everybody looks at the first, who looks back."""
    return 1 if slot == 0 else -1


def _mark(slot: int, count: int, action: str, facing: int) -> float:
    """Where somebody stands at a cut, in frame widths."""
    alone_and_moving = count == 1 and action in MOVING_ACTIONS
    return MARKS[count][slot] - (RUN_UP * facing if alone_and_moving else 0.0)


def begins_as_at_a_cut(script: ShotScript) -> bool:
    """Whether all stand where a cut shows them, and face so: only such a first frame can be told from words."""
    count = len(script.performances)
    return all(
        part.phase == 0
        and abs(part.x - _mark(slot, count, part.action, part.facing)) < TOKEN / 4
        and (part.action in MOVING_ACTIONS or part.facing == _faces(slot))
        for slot, part in enumerate(script.performances)
    )
