"""The air of a place: sky, light and the haze between layers, by time of day and weather. Knows no place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import aggdraw

from filmagent.training.papercut.world.palette import (
    HAZE,
    PLACE_LIGHT,
    ROOM_LIGHT,
    SKY,
    SUN,
    WEATHER_LIGHT,
    Colour,
    Tint,
    lit,
    mix,
    shade,
)
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.stage import HEIGHT, STAGE_WIDTH, WIDTH, Stage

LEFT, RIGHT = -0.6, STAGE_WIDTH + 0.6
"""How far every layer reaches, in stage units, so that no camera finds its edge."""
LAMP: Colour = (255, 222, 128)
SNOW: Colour = (238, 243, 250)
_SNOW_GROUND: Colour = (224, 231, 241)
_UNTINTED: Tint = (1.0, 1.0, 1.0)
_SNOW_SHADE: Colour = (158, 178, 208)
_SUN_HEIGHT = {"morning": 0.56, "day": 0.74, "evening": 0.52, "night": 0.72}
_CLOUDS = (
    ((0.32, 0.84), (1.18, 0.9)),
    ((0.6, 0.9), (1.5, 0.8)),
    ((0.12, 0.78), (0.98, 0.86)),
)
_STARS = ((0.1, 0.9), (0.5, 0.93), (0.68, 0.7), (0.9, 0.86), (1.08, 0.66), (1.22, 0.92), (1.62, 0.8), (0.2, 0.66))


@dataclass(frozen=True)
class Scene:
    """One place at one moment: gives out pens for its layers. Indoors `weather` is always clear."""

    canvas: aggdraw.Draw
    stage: Stage
    time: str
    weather: str
    indoors: bool = False

    @property
    def lamps(self) -> bool:
        """Whether lamps burn and windows shine."""
        return self.time in ("evening", "night")

    @property
    def snowy(self) -> bool:
        """Whether snow lies on everything."""
        return self.weather == "snow"

    def pen(self, depth: float) -> Pen:
        """A pen for paper at `depth` in the light of the hour."""
        light = (ROOM_LIGHT if self.indoors else PLACE_LIGHT)[self.time]
        if self.snowy and self.time == "night":
            light = (light[0] * 1.32, light[1] * 1.28, light[2] * 1.1)
        weather = WEATHER_LIGHT[self.weather]
        return self.stage.pen(self.canvas, depth, (light[0] * weather[0], light[1] * weather[1], light[2] * weather[2]))

    def glow(self, depth: float) -> Pen:
        """A pen for what shines by itself."""
        return self.stage.pen(self.canvas, depth, _UNTINTED)

    def shining(self, depth: float) -> Pen:
        """A pen for lamps and windows, which shine only when it is dark."""
        return self.glow(depth) if self.lamps else self.pen(depth)

    def ground(self, colour: Colour, depth: float = 1.0) -> Colour:
        """The colour that the ground at `depth` has in this weather."""
        if self.snowy:
            return mix(mix(_SNOW_GROUND, _SNOW_SHADE, 0.8 * (1 - depth)), colour, 0.14)
        return shade(colour, 0.9) if self.weather == "rain" else colour

    def haze(self, share: float) -> None:
        """Lays the air of the weather over all that is drawn so far; `share` of 1 is the thickest."""
        if self.weather == "clear":
            return
        opacity = {"fog": 170, "rain": 70, "snow": 60}[self.weather] * share
        corners = [0, 0, WIDTH, 0, WIDTH, HEIGHT, 0, HEIGHT]
        self.canvas.polygon(corners, None, aggdraw.Brush(self.air(), round(opacity)))

    def air(self) -> Colour:
        """The colour of the air that the weather brings."""
        return lit(HAZE[self.time], WEATHER_LIGHT[self.weather])

    def bands(self) -> tuple[Colour, ...]:
        """The four papers of the sky from the zenith down to the horizon."""
        share = {"clear": 0.0, "rain": 0.68, "snow": 0.6, "fog": 0.75}[self.weather]
        air = shade(self.air(), 0.8) if self.snowy else self.air()
        return tuple(mix(colour, air, share) for colour in SKY[self.time])

    def sky(self, dice: Random, tint: Colour | None = None, clouds: bool = True) -> None:
        """The whole sky; layouts choose the sun's side and where clouds hang, a place its own `tint`."""
        sun_x, cloud_places = dice.choice((0.42, 1.34)), dice.choice(_CLOUDS)
        bands = list(self.bands())
        if tint:
            lit_tint = lit(tint, PLACE_LIGHT[self.time])
            bands = [mix(colour, lit_tint, 0.05 + 0.1 * index) for index, colour in enumerate(bands)]
        pen = self.glow(0.05)
        pen.box((LEFT, -0.6), (RIGHT, 1.6), bands[0])
        phase = 0.0 if sun_x < 0.9 else 1.9
        for colour, top in zip(bands[1:], (0.86, 0.71, 0.57), strict=True):
            ridge(pen, top, 0.02, 3.1, phase + 9 * top, colour, lift=0.012)
        if self.weather in ("clear", "fog"):
            self._sun(sun_x, bands)
        if clouds:
            self._clouds(cloud_places, bands)

    def _sun(self, x: float, bands: list[Colour]) -> None:
        pen, colour, y = self.glow(0.03), SUN[self.time], _SUN_HEIGHT[self.time]
        radius = 0.075 if self.time in ("day", "night") else 0.105
        if self.weather == "fog":
            pen.ellipse((x, y), (radius, radius), mix(colour, bands[2], 0.6))
            return
        if self.time == "night":
            for star_x, star_y in _STARS:
                if abs(star_x - x) > 0.2:
                    pen.ellipse((star_x, star_y), (0.011, 0.011), (226, 226, 236))
        pen.ellipse((x, y), (radius * 2.0, radius * 2.0), mix(bands[2 if y < 0.7 else 1], colour, 0.16))
        pen.ellipse((x, y), (radius * 1.5, radius * 1.5), mix(bands[2 if y < 0.7 else 1], colour, 0.34))
        pen.ellipse((x, y), (radius, radius), colour, lift=0.01)
        if self.time == "night":
            pen.ellipse((x + 0.024, y + 0.02), (0.016, 0.016), shade(colour, 0.88))
            pen.ellipse((x - 0.028, y - 0.018), (0.02, 0.02), shade(colour, 0.88))

    def _clouds(self, places: tuple[Point, ...], bands: list[Colour]) -> None:
        pen = self.glow(0.12)
        heavy = self.weather in ("rain", "snow")
        colour = mix(bands[3], (255, 252, 246), 0.16 if self.time == "night" else 0.6)
        if heavy:
            colour = shade(bands[1], 0.84 if self.weather == "rain" else 1.1)
            places = (*places, (places[0][0] - 0.56, 0.9), (places[1][0] - 0.38, 0.94), (places[1][0] + 0.44, 0.92))
        for x, y in places:
            cloud(pen, x, y, 0.19 if heavy else 0.13, colour)


def cloud(pen: Pen, x: float, y: float, size: float, colour: Colour) -> None:
    """A cut-out cloud `2.4 * size` wide, flat below."""
    outline = ((-1.2, -0.2), (-1.1, 0.16), (-0.62, 0.24), (-0.3, 0.56), (0.3, 0.52), (0.6, 0.22), (1.12, 0.14))
    pen.blob([(x + a * size, y + b * size) for a, b in (*outline, (1.2, -0.2), (0, -0.26))], colour, lift=0.014)


def ridge(pen: Pen, top: float, swing: float, waves: float, phase: float, colour: Colour, lift: float = 0.0) -> None:
    """A layer from side to side whose upper edge swings by `swing` around `top`; it reaches below the frame."""
    pen.polygon(_swinging(top, swing, waves, phase), colour, lift)


@lru_cache(256)
def _swinging(top: float, swing: float, waves: float, phase: float) -> tuple[Point, ...]:
    steps = 30 if swing else 1
    edge = []
    for step in range(steps + 1):
        x = LEFT + (RIGHT - LEFT) * step / steps
        edge.append((x, top + swing * (math.sin(waves * x + phase) + 0.35 * math.sin(2.3 * waves * x + 2 * phase))))
    return (*edge, (RIGHT, -0.6), (LEFT, -0.6))


def floor(scene: Scene, colour: Colour, top: float = 0.36, swing: float = 0.008, phase: float = 0.0) -> None:
    """The calm ground that figures stand on: two papers, the nearer one a little darker."""
    pen, paper = scene.pen(1.0), scene.ground(colour)
    ridge(pen, top, swing, 2.6, phase, paper, lift=0.018)
    ridge(pen, 0.13, swing, 2.1, phase + 2, shade(paper, 0.94))
    if scene.weather == "rain":
        for x, y in ((0.46, 0.2), (1.24, 0.26)):
            pen.ellipse((x, y), (0.15, 0.022), mix(paper, scene.air(), 0.55))
