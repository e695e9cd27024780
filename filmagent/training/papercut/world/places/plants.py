"""Cuts trees, bushes, flowers and other things that grow out of paper. Knows no place and no layout.

Every function draws at `x` with the foot at `base`, in the pen's units, and puts snow on it where `snowy` is true.
"""

from __future__ import annotations

import math
from functools import cache

from filmagent.training.papercut.world.palette import Colour, shade
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.places.scene import SNOW

TRUNK: Colour = (122, 90, 72)


def pine(pen: Pen, x: float, base: float, height: float, colour: Colour, snowy: bool = False) -> None:
    """A fir of three tiers."""
    pen.box((x - height * 0.05, base - 0.02), (x + height * 0.05, base + height * 0.24), TRUNK)
    for step, (low, spread) in enumerate(((0.14, 0.33), (0.36, 0.26), (0.58, 0.19))):
        foot, peak = base + height * low, base + height * min(1.0, low + 0.48)
        wide = height * spread
        pen.polygon([(x - wide, foot), (x + wide, foot), (x, peak)], shade(colour, 0.92 + 0.1 * step), lift=0.012)
        if snowy:
            low_edge = foot + (peak - foot) * 0.52
            brim = wide * 0.48
            pen.polygon([(x - brim, low_edge), (x, low_edge + 0.02), (x + brim, low_edge), (x, peak)], SNOW)


def round_tree(
    pen: Pen, x: float, base: float, height: float, colour: Colour, snowy: bool = False, fruit: Colour | None = None
) -> None:
    """A leafy tree with a crown of two papers, with some `fruit` if wanted."""
    radius, top = height * 0.3, base + height * 0.68
    pen.polygon(
        [(x - height * 0.07, base - 0.02), (x + height * 0.07, base - 0.02), (x + height * 0.03, top), (x, top)], TRUNK
    )
    _crown(pen, x, top, radius, colour, 0.02)
    _crown(pen, x - radius * 0.2, top + radius * 0.22, radius * 0.62, shade(colour, 1.1), 0.0)
    if snowy:
        cap = [
            (-0.9, 0.42),
            (-0.5, 0.92),
            (0.1, 1.1),
            (0.66, 0.82),
            (0.92, 0.36),
            (0.4, 0.52),
            (-0.1, 0.42),
            (-0.5, 0.56),
        ]
        pen.blob([(x + a * radius, top + b * radius) for a, b in cap], SNOW)
    if fruit:
        for a, b in ((-0.5, -0.3), (0.45, 0.1), (0.0, -0.55), (-0.2, 0.4), (0.55, -0.45)):
            pen.ellipse((x + a * radius, top + b * radius), (0.021, 0.021), fruit)


def _crown(pen: Pen, x: float, y: float, radius: float, colour: Colour, lift: float) -> None:
    pen.polygon([(x + a * radius, y + b * radius) for a, b in _scallops()], colour, lift)


@cache
def _scallops() -> tuple[Point, ...]:
    """The outline of a crown of radius 1: a circle of seven soft lobes."""
    ring = []
    for index in range(42):
        angle = index * math.tau / 42
        out = 0.93 + 0.14 * abs(math.sin(3.5 * angle))
        ring.append((math.cos(angle) * out * 1.04, math.sin(angle) * out))
    return tuple(ring)


def bush(pen: Pen, x: float, base: float, size: float, colour: Colour, snowy: bool = False) -> None:
    """A low bush, flat below."""
    outline = (
        (-1, 0),
        (-0.95, 0.5),
        (-0.5, 0.62),
        (-0.2, 1),
        (0.3, 0.94),
        (0.55, 0.58),
        (0.98, 0.44),
        (1, 0),
        (0, -0.1),
    )
    pen.blob([(x + a * size, base + b * size) for a, b in outline], colour, lift=0.014)
    if snowy:
        cap = ((-0.8, 0.5), (-0.3, 0.98), (0.3, 0.96), (0.8, 0.48), (0.1, 0.62))
        pen.blob([(x + a * size, base + b * size) for a, b in cap], SNOW)


def flower(pen: Pen, x: float, base: float, height: float, petals: Colour, heart: Colour = (248, 208, 96)) -> None:
    """A flower with a stem and one leaf."""
    size = 0.04
    pen.box((x - 0.008, base), (x + 0.008, base + height), (112, 150, 92))
    pen.ellipse((x + 0.022, base + height * 0.4), (0.026, 0.011), (112, 150, 92), angle=0.6)
    pen.ellipse((x, base + height), (size, size), petals, lift=0.01)
    pen.ellipse((x, base + height), (size * 0.42, size * 0.42), heart)


def palm(pen: Pen, x: float, base: float, height: float, lean: int, colour: Colour, snowy: bool = False) -> None:
    """A palm that leans to the side `lean` (-1 or 1)."""
    crown = (x + lean * 0.14, base + height)
    pen.curve([(x, base), (x + lean * 0.03, base + height * 0.5), crown], 0.05, (168, 126, 92))
    for angle, long in ((0.15, 0.3), (0.75, 0.26), (1.55, 0.2), (2.4, 0.26), (3.0, 0.3), (-0.5, 0.22), (3.65, 0.22)):
        cos, sin = math.cos(angle) * long, math.sin(angle) * long
        tip = (crown[0] + cos, crown[1] + sin * 0.8 - 0.08)
        over = (crown[0] + cos * 0.55, crown[1] + sin * 0.6 + 0.05)
        under = (crown[0] + cos * 0.5, crown[1] + sin * 0.55 - 0.045)
        tone = SNOW if snowy and 0.5 < angle < 2.5 else shade(colour, 1.0 + 0.06 * sin / long)
        pen.blob([crown, over, tip, under], tone, lift=0.01)


def cactus(pen: Pen, x: float, base: float, height: float, colour: Colour, snowy: bool = False) -> None:
    """A tall cactus with two arms."""
    wide = height * 0.19
    pen.stroke([(x, base), (x, base + height)], wide, colour, lift=0.02)
    for side, low, tall in ((-1, 0.36, 0.34), (1, 0.5, 0.3)):
        elbow = x + side * height * 0.26
        arm = [(x, base + height * low), (elbow, base + height * low), (elbow, base + height * (low + tall))]
        pen.stroke(arm, wide * 0.72, shade(colour, 1.06))
        if snowy:
            pen.ellipse((elbow, base + height * (low + tall) + 0.01), (wide * 0.36, 0.02), SNOW)
    pen.stroke([(x - wide * 0.16, base + 0.02), (x - wide * 0.16, base + height)], wide * 0.2, shade(colour, 1.16))
    if snowy:
        pen.ellipse((x, base + height + 0.015), (wide * 0.5, 0.026), SNOW)
