"""Says what a rendered shot shows, with or without the words that only memory could replace."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, replace

from filmagent.generation.papercut.vocabulary import (
    LAYOUTS,
    MOVING_ACTIONS,
    WORDINGS,
    Caption,
    Role,
    phrases,
    with_attributes,
)
from filmagent.training.papercut.world.script import Figure, Performance, ShotScript

ATTRIBUTE_KEPT = 0.85
"""Chance of each attribute word to stay in a caption that names attributes."""
CANONICAL_SHARE = 0.6
"""How many captions have the order of words that the generator writes."""


@dataclass(frozen=True)
class Said:
    """A sentence and, word by word, which of its roles the word speaks of: from 0, left to right; -1 is none."""

    sentence: str
    roles: tuple[int, ...]


def caption(script: ShotScript, rng: random.Random, with_attributes: bool, with_layout: bool = False) -> str:
    """The sentence of a shot in any wording; with attributes it names most of them, else none."""
    return said(script, rng, with_attributes, with_layout).sentence


def said(script: ShotScript, rng: random.Random, with_attributes: bool, with_layout: bool = False) -> Said:
    """The same sentence with whom every word speaks of."""
    wording = 0 if rng.random() < CANONICAL_SHARE else rng.randrange(1, WORDINGS)
    layout = LAYOUTS[script.setting.layout] if with_layout else None
    described = describe(script, rng if with_attributes else None)
    parts = phrases(replace(described, layout=layout, placed=True), wording)
    roles = [-1 if part.role is None else part.role for part in parts for _ in part.words.split()]
    return Said(" ".join(part.words for part in parts), tuple(roles))


def describe(script: ShotScript, dropped_by: random.Random | None = None, *, attributes: bool = False) -> Caption:
    """Everything that words can say of a shot.

    Args:
        script: the shot.
        dropped_by: names attributes, but for those that this chance drops; None: no chance.
        attributes: names all attributes; only without `dropped_by`.
    """
    roles = []
    for part in script.performances:
        role = bare_role(script, part)
        figure = script.figures[part.subject]
        if dropped_by is not None:
            role = _with_some(role, figure, dropped_by)
        elif attributes:
            role = with_attributes(role, figure)
        roles.append(role)
    return Caption(
        size=script.size,
        place=script.setting.place,
        time=script.time,
        weather=script.weather,
        camera=script.camera,
        roles=tuple(roles),
        prop=script.prop,
    )


def describe_naming(script: ShotScript, named: Collection[int]) -> Caption:
    """Everything that words can say of a shot, attributes only of these subjects, by index."""
    roles = tuple(
        with_attributes(bare_role(script, part), script.figures[part.subject])
        if part.subject in named
        else bare_role(script, part)
        for part in script.performances
    )
    return replace(describe(script), roles=roles)


def bare_role(script: ShotScript, part: Performance) -> Role:
    """Who and what, without any attribute."""
    direction = ("left", "right")[part.facing > 0] if part.action in MOVING_ACTIONS else None
    return Role(kind=script.figures[part.subject].kind, action=part.action, direction=direction, prop=part.prop)


def appearance(figure: Figure) -> str:
    """What a stranger would need to recognise a figure, such as `a small white cat with red spots and a blue hat`."""
    before = " ".join(word for word in (figure.build, figure.colour, figure.kind) if word)
    pattern = f"{figure.pattern_colour} {figure.pattern} and " if figure.pattern else ""
    return f"a {before} with {pattern}a {figure.garment_colour} {figure.garment}"


def _with_some(role: Role, figure: Figure, rng: random.Random) -> Role:
    def kept() -> bool:
        return rng.random() < ATTRIBUTE_KEPT

    described = with_attributes(role, figure)
    if not kept():
        described = replace(described, build=None)
    if not kept():
        described = replace(described, colour=None)
    if not kept():
        described = replace(described, pattern=None, pattern_colour=None)
    if not kept():
        described = replace(described, garment=None, garment_colour=None)
    return described
