"""Says what a rendered shot shows, with or without the words that only memory could replace."""

from __future__ import annotations

import random
from dataclasses import replace

from filmagent.generation.papercut.vocabulary import MOVING_ACTIONS, WORDINGS, Caption, Role, compose, with_attributes
from filmagent.training.papercut.world.script import Figure, Performance, ShotScript

ATTRIBUTE_KEPT = 0.85
"""Chance of each attribute word to stay in a caption that names attributes."""
CANONICAL_SHARE = 0.6
"""How many captions have the order of words that the generator writes."""


def caption(script: ShotScript, rng: random.Random, with_attributes: bool) -> str:
    """The sentence of a shot in any wording; with attributes it names most of them, else none."""
    wording = 0 if rng.random() < CANONICAL_SHARE else rng.randrange(1, WORDINGS)
    return compose(describe(script, rng if with_attributes else None), wording)


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


def bare_role(script: ShotScript, part: Performance) -> Role:
    """Who and what, without any attribute."""
    direction = ("left", "right")[part.facing > 0] if part.action in MOVING_ACTIONS else None
    return Role(kind=script.figures[part.subject].kind, action=part.action, direction=direction, prop=part.prop)


def _with_some(role: Role, figure: Figure, rng: random.Random) -> Role:
    def kept() -> bool:
        return rng.random() < ATTRIBUTE_KEPT

    said = with_attributes(role, figure)
    if not kept():
        said = replace(said, build=None)
    if not kept():
        said = replace(said, colour=None)
    if not kept():
        said = replace(said, pattern=None, pattern_colour=None)
    if not kept():
        said = replace(said, garment=None, garment_colour=None)
    return said
