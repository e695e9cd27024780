"""Draws what falls or drifts in front of the figures. Knows no place but whether it has a roof, and no figures."""

from __future__ import annotations

import math
from functools import cache
from random import Random

import aggdraw
from PIL import Image

from filmagent.generation.papercut.vocabulary import INDOORS
from filmagent.training.papercut.world.script import Setting
from filmagent.training.papercut.world.stage import HEIGHT, WIDTH, Stage, held

PERIOD = 10.0
"""Seconds after which every weather starts over."""
_FALL = 1.25
"""Frame heights from where something appears above the frame to where it vanishes below: 20 latent cells.

Snow falls one cell in half a second and rain five, so that each is the same latents again, moved by whole cells.
"""
_SLANT = -0.2
"""How far rain drifts for every height it falls: a cell to the left for five down."""
_LARGER = {"wide": 1.0, "medium": 1.15, "close": 1.35}


def draw_weather(image: Image.Image, setting: Setting, weather: str, stage: Stage) -> Image.Image:
    """A copy of `image` (RGB) behind the weather of the moment `stage.seconds`; unchanged when clear or indoors."""
    drawers = {"rain": _rain, "snow": _snow, "fog": _fog}
    result = image.copy()
    if weather not in drawers or setting.place in INDOORS:
        return result
    canvas = aggdraw.Draw(result)
    drawers[weather](canvas, held(stage.seconds), _LARGER[stage.size])
    canvas.flush()
    return result


@cache
def _scattered(name: str, columns: int, rows: int) -> tuple[tuple[float, float, float], ...]:
    """(x, y, number) in 0..1, one in every field of a grid, so that nothing crowds."""
    dice = Random(name)
    fields = [(column, row) for row in range(rows) for column in range(columns)]
    return tuple(
        ((c + 0.5 * (r % 2) + 0.4 * dice.random()) / columns, (r + dice.random()) / rows, dice.random())
        for c, r in fields
    )


def _rain(canvas: aggdraw.Draw, seconds: float, larger: float) -> None:
    long, slant = 0.17 * larger, _SLANT
    for x, y, number in _scattered("rain", 7, 3):
        fallen = (y + seconds * 5 / PERIOD) % 1.0 * _FALL
        top = (x * (WIDTH / HEIGHT + 0.3) + slant * fallen, 1.15 - fallen)
        _bar(canvas, top, (top[0] + slant * long, top[1] - long), 0.024 * larger, 130 + round(50 * number))


def _bar(
    canvas: aggdraw.Draw, start: tuple[float, float], end: tuple[float, float], width: float, opacity: int
) -> None:
    """A slanted stroke in frame heights, one polygon so that it does not cover itself."""
    half = width / 2
    corners = (
        (start[0] - half * 0.5, start[1]),
        (start[0] + half * 0.5, start[1]),
        (end[0] + half, end[1]),
        (end[0] - half, end[1]),
    )
    flat = [value * HEIGHT for x, y in corners for value in (x, 1 - y)]
    canvas.polygon(flat, None, aggdraw.Brush((226, 236, 246), opacity))


def _snow(canvas: aggdraw.Draw, seconds: float, larger: float) -> None:
    brush = aggdraw.Brush((250, 252, 255), 235)
    for x, y, number in _scattered("snow", 7, 4):
        fallen = (y + seconds / PERIOD) % 1.0 * _FALL
        sway = 0.012 * math.sin(math.tau * (2 * seconds + 0.25 + 0.5 * round(number)))
        centre_x, centre_y = (x * (WIDTH / HEIGHT) + sway) * HEIGHT, (fallen - 0.15) * HEIGHT
        radius = (0.015 + 0.013 * number) * larger * HEIGHT
        canvas.ellipse((centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius), None, brush)


def _fog(canvas: aggdraw.Draw, seconds: float, _larger: float) -> None:
    canvas.polygon([0, 0, WIDTH, 0, WIDTH, HEIGHT, 0, HEIGHT], None, aggdraw.Brush((222, 226, 232), 30))
    for height, thick, phase, way in ((0.3, 0.07, 0.0, 1), (0.6, 0.09, 2.0, -1)):
        drift = way * math.tau * seconds / PERIOD + phase
        upper: list[float] = []
        lower: list[float] = []
        for step in range(25):
            x = step / 24 * WIDTH
            wave = math.sin(4.2 * step / 24 + drift)
            upper += [x, (1 - height - thick * (1 + 0.35 * wave)) * HEIGHT]
            lower = [x, (1 - height + thick * (0.8 + 0.3 * math.cos(3.1 * step / 24 + drift))) * HEIGHT, *lower]
        canvas.polygon([*upper, *lower], None, aggdraw.Brush((236, 239, 243), 48))
