"""Draws plain shapes in a figure's own units onto a picture. Knows neither figures nor places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageDraw

from filmagent.training.papercut.world.palette import Colour, Tint, lit

Point = tuple[float, float]

_CIRCLE = tuple((math.cos(i * math.tau / 28), math.sin(i * math.tau / 28)) for i in range(28))


@dataclass(frozen=True)
class Pen:
    """A pen whose x runs forward and y up from `origin`; `scale` is pixels a unit, `facing` -1 mirrors x."""

    draw: ImageDraw.ImageDraw
    origin: Point
    scale: float
    light: Tint
    facing: int = 1
    turn: float = 0.0

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon([self._pixel(point) for point in points], fill=lit(colour, self.light))

    def ellipse(self, centre: Point, radii: Point, colour: Colour, angle: float = 0.0) -> None:
        """A filled ellipse, turned by `angle` radians."""
        cos, sin = math.cos(angle), math.sin(angle)
        ring = [(radii[0] * a, radii[1] * b) for a, b in _CIRCLE]
        self.polygon([(centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos) for x, y in ring], colour)

    def box(self, low: Point, high: Point, colour: Colour) -> None:
        """A filled upright rectangle."""
        self.polygon([low, (high[0], low[1]), high, (low[0], high[1])], colour)

    def stroke(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round joints and ends."""
        for start, end in pairwise(points):
            length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
            side = ((start[1] - end[1]) / length * width / 2, (end[0] - start[0]) / length * width / 2)
            corners = [(start[0] + side[0], start[1] + side[1]), (end[0] + side[0], end[1] + side[1])]
            corners += [(end[0] - side[0], end[1] - side[1]), (start[0] - side[0], start[1] - side[1])]
            self.polygon(corners, colour)
        for point in points:
            self.ellipse(point, (width / 2, width / 2), colour)

    def _pixel(self, point: Point) -> Point:
        x, y = point
        if self.turn:
            cos, sin = math.cos(self.turn), math.sin(self.turn)
            x, y = x * cos - y * sin, x * sin + y * cos
        return self.origin[0] + x * self.scale * self.facing, self.origin[1] - y * self.scale
