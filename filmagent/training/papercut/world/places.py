"""Draws the eight places, each with one fixed layout, at a time of day. Knows no figures.

Units: the frame is 1 high and 5/3 wide, x from the left, y up; the horizon lies at HORIZON whatever the zoom.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from filmagent.training.papercut.world.palette import PLACE_LIGHT, Colour, Tint, lit, mix, shade
from filmagent.training.papercut.world.pen import Pen

HORIZON = 0.4
WIDTH = 5 / 3

_SKIES: dict[str, tuple[Colour, Colour]] = {
    "day": ((112, 186, 238), (206, 234, 246)),
    "evening": ((150, 110, 170), (255, 176, 112)),
    "night": ((18, 24, 58), (48, 58, 104)),
}
_LAMP: Colour = (255, 224, 120)


def draw_place(place: str, time: str, zoom: float, size: tuple[int, int]) -> Image.Image:
    """The empty place as a picture of `size` (width, height)."""
    width, height = size
    top, bottom = _SKIES[time]
    if place == "home":
        top, bottom = (lit(colour, _room_light(time)) for colour in ((232, 196, 150), (240, 212, 172)))
    image = _gradient(top, bottom, size)
    origin = (width / 2 - WIDTH / 2 * zoom * height, height * (1 - HORIZON) + HORIZON * zoom * height)
    draw = ImageDraw.Draw(image)
    light = _room_light(time) if place == "home" else PLACE_LIGHT[time]
    pen = Pen(draw=draw, origin=origin, scale=height * zoom, light=light)
    glow = Pen(draw=draw, origin=origin, scale=height * zoom, light=(1.0, 1.0, 1.0))
    if place != "home":
        _sun(glow, time)
    _DRAWERS[place](pen, glow, time)
    return image


def _room_light(time: str) -> Tint:
    return {"day": (1.0, 1.0, 1.0), "evening": (0.98, 0.8, 0.66), "night": (0.52, 0.48, 0.56)}[time]


def _gradient(top: Colour, bottom: Colour, size: tuple[int, int]) -> Image.Image:
    rows = np.clip(np.linspace(0, 1, size[1]) / (1 - HORIZON), 0, 1)[:, None]
    column = np.asarray(top) * (1 - rows) + np.asarray(bottom) * rows
    return Image.fromarray(np.repeat(column[:, None].round().astype(np.uint8), size[0], axis=1))


def _sun(glow: Pen, time: str) -> None:
    if time == "day":
        glow.ellipse((1.36, 0.86), (0.08, 0.08), (255, 232, 120))
    elif time == "evening":
        glow.ellipse((1.3, 0.5), (0.12, 0.12), (255, 120, 70))
    else:
        glow.ellipse((1.36, 0.84), (0.08, 0.08), (240, 238, 220))


def _ground(pen: Pen, colour: Colour, near: float = 0.86) -> None:
    pen.box((-1, -1), (WIDTH + 1, HORIZON), colour)
    pen.box((-1, -1), (WIDTH + 1, HORIZON - 0.17), shade(colour, near))


def _forest(pen: Pen, glow: Pen, time: str) -> None:
    pen.box((-1, 0), (WIDTH + 1, 0.56), (128, 176, 140))
    _ground(pen, (86, 140, 72))
    trees = ((0.08, 0.86, 40), (0.36, 0.7, 70), (0.62, 0.62, 88), (1.02, 0.62, 88), (1.26, 0.72, 70), (1.56, 0.88, 40))
    for x, top, tone in sorted(trees, key=lambda tree: tree[1]):
        base = HORIZON - 0.03
        pen.box((x - 0.035, base - 0.02), (x + 0.035, base + 0.14), (104, 70, 44))
        wide = (top - base) * 0.36
        green = (tone - 4, 70 + tone, 66)
        for step in (0.0, 0.26, 0.5):
            low = base + 0.1 + (top - base) * step
            peak = min(top + 0.06, low + (top - base) * 0.52)
            spread = wide * (1 - 0.7 * step)
            pen.polygon([(x - spread, low), (x + spread, low), (x, peak)], shade(green, 1 + 0.2 * step))


def _meadow(pen: Pen, glow: Pen, time: str) -> None:
    pen.ellipse((0.25, 0.3), (0.7, 0.27), (150, 206, 110))
    pen.ellipse((1.4, 0.28), (0.7, 0.24), (132, 194, 98))
    _ground(pen, (120, 190, 76))
    flowers = ((0.1, 0.3), (0.3, 0.14), (0.52, 0.33), (0.95, 0.3), (1.2, 0.15), (1.36, 0.31), (1.58, 0.18))
    for index, (x, y) in enumerate(flowers):
        petal = ((236, 80, 90), (255, 236, 120), (250, 248, 244))[index % 3]
        pen.ellipse((x, y), (0.04, 0.034), petal)
        pen.ellipse((x, y), (0.016, 0.014), (250, 180, 50))


def _beach(pen: Pen, glow: Pen, time: str) -> None:
    pen.box((-1, HORIZON - 0.02), (WIDTH + 1, 0.55), (36, 118, 190))
    pen.box((-1, HORIZON - 0.02), (WIDTH + 1, 0.45), (70, 168, 214))
    _ground(pen, (240, 214, 150), near=0.92)
    pen.stroke([(0.16, 0.22), (0.2, 0.5), (0.28, 0.76)], 0.055, (140, 96, 56))
    for angle, length in ((0.2, 0.3), (1.0, 0.2), (2.2, 0.24), (3.0, 0.28), (-0.5, 0.26), (3.7, 0.24)):
        centre = (0.28 + np.cos(angle) * length * 0.55, 0.77 + np.sin(angle) * length * 0.5)
        pen.ellipse((float(centre[0]), float(centre[1])), (length * 0.6, 0.05), (52, 146, 74), angle=angle)


def _city(pen: Pen, glow: Pen, time: str) -> None:
    _ground(pen, (118, 120, 130), near=0.82)
    towers = (
        (0.0, 0.26, 0.76),
        (0.28, 0.24, 0.92),
        (0.54, 0.26, 0.68),
        (0.82, 0.2, 0.84),
        (1.06, 0.28, 0.72),
        (1.38, 0.3, 0.9),
    )
    tones: tuple[Colour, ...] = (
        (126, 138, 170),
        (162, 124, 128),
        (142, 152, 160),
        (112, 122, 158),
        (172, 146, 128),
        (128, 132, 152),
    )
    for (x, wide, top), tone in zip(towers, tones, strict=True):
        pen.box((x, HORIZON - 0.02), (x + wide, top), tone)
        columns = 2 if wide < 0.26 else 3
        for row in range(int((top - HORIZON - 0.04) / 0.13)):
            for column in range(columns):
                low = (x + wide * (column + 0.28) / columns, top - 0.12 - row * 0.13)
                high = (low[0] + wide * 0.46 / columns, low[1] + 0.07)
                on = time == "night" or (time == "evening" and (row + column) % 2 == 0)
                (glow if on else pen).box(low, high, _LAMP if on else mix(tone, (226, 240, 250), 0.7))
    pen.box((-1, 0.26), (WIDTH + 1, 0.29), (240, 236, 220))


def _mountain(pen: Pen, glow: Pen, time: str) -> None:
    for x, top, wide, tone in ((0.36, 0.9, 0.5, 136), (1.34, 0.82, 0.5, 124), (0.84, 0.98, 0.44, 150)):
        rock = (tone - 20, tone - 12, tone + 12)
        pen.polygon([(x - wide, HORIZON - 0.02), (x + wide, HORIZON - 0.02), (x, top)], rock)
        pen.polygon([(x, top), (x + wide, HORIZON - 0.02), (x + wide * 0.2, HORIZON - 0.02)], shade(rock, 0.8))
        cap = 0.34
        low = top - (top - HORIZON) * cap
        snow = [(x - wide * cap, low), (x - wide * 0.1, low + 0.05), (x, low - 0.03), (x + wide * 0.12, low + 0.05)]
        pen.polygon([*snow, (x + wide * cap, low), (x, top)], (248, 250, 252))
    _ground(pen, (150, 146, 132), near=0.88)


def _river(pen: Pen, glow: Pen, time: str) -> None:
    pen.ellipse((0.1, 0.36), (0.5, 0.26), (72, 146, 92))
    pen.ellipse((1.0, 0.34), (0.5, 0.2), (92, 160, 98))
    pen.ellipse((1.66, 0.36), (0.44, 0.28), (64, 136, 86))
    pen.box((-1, -1), (WIDTH + 1, 0.42), (126, 186, 96))
    pen.box((-1, 0.22), (WIDTH + 1, 0.38), (58, 150, 214))
    for x, y in ((0.2, 0.33), (0.66, 0.28), (1.1, 0.33), (1.5, 0.27)):
        pen.box((x - 0.1, y - 0.008), (x + 0.1, y + 0.012), (178, 222, 244))
    pen.box((-1, -1), (WIDTH + 1, 0.2), (108, 170, 82))


def _village(pen: Pen, glow: Pen, time: str) -> None:
    pen.ellipse((0.85, 0.34), (1.1, 0.2), (150, 196, 120))
    _ground(pen, (184, 164, 116), near=0.9)
    houses = ((0.06, 0.4, (236, 220, 190)), (0.62, 0.42, (222, 196, 170)), (1.2, 0.42, (240, 228, 206)))
    for x, wide, wall in houses:
        top = HORIZON + 0.24
        pen.box((x, HORIZON - 0.03), (x + wide, top), wall)
        pen.polygon([(x - 0.06, top), (x + wide + 0.06, top), (x + wide / 2, top + 0.22)], (194, 74, 56))
        pen.box((x + wide * 0.56, HORIZON - 0.03), (x + wide * 0.84, HORIZON + 0.15), (120, 76, 48))
        on = time != "day"
        window = ((x + wide * 0.14, HORIZON + 0.06), (x + wide * 0.42, HORIZON + 0.18))
        (glow if on else pen).box(*window, _LAMP if on else (150, 200, 226))


def _home(pen: Pen, glow: Pen, time: str) -> None:
    pen.box((-1, -1), (WIDTH + 1, HORIZON - 0.06), (176, 112, 70))
    pen.box((-1, HORIZON - 0.08), (WIDTH + 1, HORIZON - 0.02), (250, 240, 222))
    pen.ellipse((0.84, 0.12), (0.62, 0.13), (190, 70, 72))
    pen.ellipse((0.84, 0.12), (0.5, 0.09), (226, 150, 110))
    pen.box((0.56, 0.56), (1.1, 0.94), (250, 246, 236))
    glow.box((0.6, 0.6), (1.06, 0.9), mix(*_SKIES[time], 0.4))
    pen.box((0.81, 0.58), (0.85, 0.92), (250, 246, 236))
    pen.box((0.1, 0.26), (0.42, 0.5), (70, 130, 120))
    pen.box((0.1, 0.5), (0.22, 0.74), (58, 112, 104))
    pen.box((1.42, 0.3), (1.46, 0.66), (120, 80, 50))
    shade_colour: Colour = (250, 226, 150)
    (pen if time == "day" else glow).polygon([(1.32, 0.64), (1.56, 0.64), (1.5, 0.82), (1.38, 0.82)], shade_colour)


_DRAWERS: dict[str, Callable[[Pen, Pen, str], None]] = {
    "forest": _forest,
    "meadow": _meadow,
    "beach": _beach,
    "city": _city,
    "mountain": _mountain,
    "river": _river,
    "village": _village,
    "home": _home,
}
