"""Lays stripes, spots and patches on bodies and heads. Each stays within its body by its coordinates."""

from __future__ import annotations

from filmagent.training.papercut.world.cast.look import Look
from filmagent.training.papercut.world.cast.torso import Torso, band
from filmagent.training.papercut.world.pen import Pen, Point

_STRIPES = ((-0.8, -0.48), (-0.16, 0.16), (0.48, 0.8))
_SPOTS = ((-0.68, 0.2), (-0.38, -0.5), (-0.16, 0.5), (0.2, -0.3), (0.56, 0.3))
_PATCHES = (
    ((-0.9, 0.3), (-0.68, 0.85), (-0.32, 0.85), (-0.12, 0.4), (-0.28, -0.2), (-0.6, -0.45), (-0.86, -0.2)),
    ((0.08, -0.5), (0.3, -0.1), (0.6, 0.0), (0.8, -0.3), (0.72, -0.8), (0.4, -0.9), (0.15, -0.85)),
)
"""(along, across) of each mark."""


def lay_pattern(pen: Pen, look: Look, torso: Torso) -> None:
    """The pattern on a body; nothing for plain paper."""
    if look.pattern == "stripes":
        for start, end in _STRIPES:
            pen.polygon(band(torso, start, end), look.mark)
    elif look.pattern == "spots":
        radius = min(0.3 * torso.half_width, 0.075)
        for along, across in _SPOTS:
            pen.ellipse(torso.at(along, across), (radius, radius), look.mark)
    elif look.pattern == "patches":
        for patch in _PATCHES:
            pen.blob([torso.at(along, across) for along, across in patch], look.mark)


def lay_head_pattern(pen: Pen, look: Look, radii: Point) -> None:
    """The pattern on a round head around the pen's origin, drawn under its face."""
    x, y = radii
    if look.pattern == "stripes":
        for off, drop in ((-0.38, 0.5), (0.0, 0.42), (0.38, 0.5)):
            top = 0.96 - 0.55 * abs(off) ** 1.5
            pen.polygon(
                [((off - 0.12) * x, top * y * 0.97), ((off + 0.12) * x, top * y * 0.97), (off * x, drop * y)], look.mark
            )
    elif look.pattern == "spots":
        for ahead, up in ((-0.68, 0.3), (-0.1, 0.72), (-0.66, -0.28)):
            pen.ellipse((ahead * x, up * y), (0.042, 0.042), look.mark)
    elif look.pattern == "patches":
        pen.ellipse((-0.36 * x, 0.2 * y), (0.46 * x, 0.56 * y), look.mark, angle=0.4)
