"""Draws the things that figures carry or that lie on the ground. Knows no figures."""

from __future__ import annotations

import math
from collections.abc import Callable

from filmagent.training.papercut.world.palette import Colour
from filmagent.training.papercut.world.pen import Pen

_CREAM: Colour = (252, 240, 208)
_TAN: Colour = (206, 166, 112)
_RED: Colour = (206, 52, 50)
_IRON: Colour = (60, 56, 74)
_GLOW: Colour = (255, 212, 88)
_SKY: Colour = (84, 152, 214)


def draw_prop(pen: Pen, prop: str) -> None:
    """One thing about 0.35 units large that stands on the pen's origin. Raises KeyError for an unknown one."""
    _DRAWERS[prop](pen)


def _letter(pen: Pen) -> None:
    pen.box((-0.2, 0.0), (0.2, 0.27), _TAN, lift=0.012)
    pen.box((-0.17, 0.03), (0.17, 0.24), _CREAM)
    pen.polygon([(-0.2, 0.27), (0.2, 0.27), (0.0, 0.09)], _TAN)
    pen.polygon([(-0.14, 0.27), (0.14, 0.27), (0.0, 0.145)], _CREAM)
    pen.ellipse((0.0, 0.12), (0.05, 0.05), _RED)


def _lantern(pen: Pen) -> None:
    pen.ribbon([(-0.1, 0.28), (-0.07, 0.37), (0.07, 0.37), (0.1, 0.28)], (0.034, 0.034), _IRON)
    pen.box((-0.12, 0.03), (0.12, 0.28), _GLOW, lift=0.012)
    pen.ellipse((0.0, 0.14), (0.055, 0.085), (255, 246, 190))
    for side in (-1, 1):
        pen.box((side * 0.12 - 0.018, 0.03), (side * 0.12 + 0.018, 0.28), _IRON)
    pen.box((-0.15, 0.0), (0.15, 0.05), _IRON)
    pen.polygon([(-0.16, 0.25), (0.16, 0.25), (0.08, 0.32), (-0.08, 0.32)], _IRON)


def _ball(pen: Pen) -> None:
    pen.ellipse((0.0, 0.165), (0.165, 0.165), _RED, lift=0.012)
    for middle, colour in ((0.9, _CREAM), (0.9 + math.tau / 3, _GLOW), (0.9 + 2 * math.tau / 3, _SKY)):
        turns = [middle + (index / 4 - 0.5) * 1.15 for index in range(5)]
        pen.polygon([(0.0, 0.165), *((0.165 * math.cos(t), 0.165 + 0.165 * math.sin(t)) for t in turns)], colour)
    pen.ellipse((0.0, 0.165), (0.04, 0.04), _CREAM)


def _boat(pen: Pen) -> None:
    pen.polygon([(-0.1, 0.1), (0.1, 0.1), (0.0, 0.36)], _CREAM, lift=0.01)
    pen.polygon([(0.0, 0.1), (0.1, 0.1), (0.0, 0.36)], _TAN)
    pen.polygon([(-0.25, 0.19), (-0.04, 0.1), (0.04, 0.1), (0.25, 0.19), (0.14, 0.0), (-0.14, 0.0)], _SKY)
    pen.polygon([(-0.205, 0.105), (0.205, 0.105), (0.14, 0.0), (-0.14, 0.0)], _RED)


_DRAWERS: dict[str, Callable[[Pen], None]] = {"letter": _letter, "lantern": _lantern, "ball": _ball, "boat": _boat}
