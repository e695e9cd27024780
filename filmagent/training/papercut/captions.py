"""Writes the sentence of a rendered shot, with or without the words that only memory could replace."""

from __future__ import annotations

import random

from filmagent.generation.papercut.vocabulary import MOVING_ACTIONS, Caption, Role, compose
from filmagent.training.papercut.world.story import Performance, ShotScript

BOTH_ATTRIBUTES_SHARE = 0.7


def caption(script: ShotScript, rng: random.Random, with_attributes: bool) -> str:
    """The sentence of a shot; with attributes it names colours, sometimes only the figure's or only the scarf's."""
    roles = tuple(_role(script, part, rng, with_attributes) for part in script.performances)
    return compose(Caption(size=script.size, place=script.place, time=script.time, roles=roles))


def _role(script: ShotScript, part: Performance, rng: random.Random, with_attributes: bool) -> Role:
    figure = script.figures[part.subject]
    direction = ("left", "right")[part.facing > 0] if part.action in MOVING_ACTIONS else None
    colour: str | None = figure.colour
    scarf: str | None = figure.scarf
    if not with_attributes:
        colour = scarf = None
    elif rng.random() >= BOTH_ATTRIBUTES_SHARE:
        colour, scarf = (colour, None) if rng.random() < 0.7 else (None, scarf)
    return Role(kind=figure.kind, action=part.action, direction=direction, colour=colour, scarf=scarf)
