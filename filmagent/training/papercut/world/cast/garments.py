"""Dresses figures in scarf, hat, bow or vest. Knows where a neck, a crown and a torso are, not whose they are."""

from __future__ import annotations

import math

from filmagent.training.papercut.world.cast.look import WHITE, Look
from filmagent.training.papercut.world.cast.torso import Torso, band
from filmagent.training.papercut.world.pen import Pen, Point

_DOME = tuple((math.cos(index * math.pi / 10), math.sin(index * math.pi / 10)) for index in range(11))


def wear_vest(pen: Pen, look: Look, torso: Torso) -> None:
    """A vest on a torso, below the head; nothing for another garment."""
    if look.garment != "vest":
        return
    if torso.upright:
        pen.polygon(band(torso, -0.42, 0.98), look.cloth, lift=0.02)
        pen.polygon(band(torso, -0.42, -0.26), look.cloth_dark)
        pen.polygon([torso.at(0.96, -0.5), torso.at(0.96, 0.5), torso.at(0.05, 0.0)], WHITE)
        pen.ellipse(torso.at(-0.1, 0.0), (0.022, 0.022), WHITE)
        return
    pen.polygon(band(torso, -0.3, 0.78), look.cloth, lift=0.02)
    pen.polygon(band(torso, -0.3, -0.18), look.cloth_dark)
    for along in (0.1, 0.42):
        pen.ellipse(torso.at(along, -0.45), (0.025, 0.025), WHITE)


def wear_scarf(pen: Pen, look: Look, neck: Point, half: float) -> None:
    """A scarf around a neck with an end that hangs behind; nothing for another garment."""
    if look.garment != "scarf":
        return
    x, y = neck
    end = (x - half * 1.15 - max(0.0, 0.34 - y) * 0.5, max(y - 0.25, 0.1))
    pen.ribbon([(x - half * 0.8, y), end], (0.1, 0.12), look.cloth_dark)
    pen.polygon(
        [
            (end[0] - 0.06, end[1]),
            (end[0] + 0.06, end[1]),
            (end[0] + 0.05, end[1] - 0.08),
            (end[0] - 0.07, end[1] - 0.08),
        ],
        look.cloth,
    )
    pen.ribbon([(x - half, y + 0.03), (x, y - 0.03), (x + half, y + 0.03)], (0.12, 0.15, 0.12), look.cloth, lift=0.015)


def wear_bow(pen: Pen, look: Look, knot: Point) -> None:
    """A bow tied under a chin, above everything else there; nothing for another garment."""
    if look.garment != "bow":
        return
    x, y = knot
    for side in (-1, 1):
        wing = [(x, y + 0.02), (x + side * 0.19, y + 0.11), (x + side * 0.19, y - 0.11), (x, y - 0.02)]
        pen.polygon(wing, look.cloth, lift=0.012)
    pen.ellipse((x, y), (0.05, 0.055), look.cloth_dark)


def wear_hat(pen: Pen, look: Look, crown: Point, half: float) -> None:
    """A bowler on the crown of a head, its brim `half` wide to each side; nothing for another garment."""
    if look.garment != "hat":
        return
    hat = pen.moved(*crown).turned(0.1)
    hat.polygon([(half * 0.72 * x, half * 1.05 * y) for x, y in _DOME], look.cloth, lift=0.015)
    hat.box((-half * 0.71, 0.0), (half * 0.71, half * 0.34), look.cloth_dark)
    hat.ribbon([(-half, 0.0), (half, 0.0)], (0.07, 0.07), look.cloth)
