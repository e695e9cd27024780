"""Cuts plain shapes in a figure's or a place's own units out of paper. Knows neither figures nor places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import aggdraw

from filmagent.training.papercut.world.palette import Colour, Tint, lit

Point = tuple[float, float]

_CIRCLE = tuple((math.cos(i * math.tau / 32), math.sin(i * math.tau / 32)) for i in range(32))
_SMALL = 9.0
"""Pixels of radius up to which half the corners make a circle."""
_ROUND_END = tuple(
    (math.cos(angle), math.sin(angle)) for angle in (math.pi / 3, math.pi / 9, -math.pi / 9, -math.pi / 3)
)
_SHADOW_STEPS = ((1.0, 26), (0.55, 38))
"""(share of the lift, opacity of 255) of the stacked copies that make a shadow's soft edge."""


@dataclass(frozen=True)
class Pen:
    """A pen whose x runs forward and y up from `origin` (pixels); `scale` is pixels a unit, `facing` -1 mirrors x.

    On an aggdraw canvas in mode L with `silhouette`, everything is drawn white: the mask of what the pen draws.
    """

    canvas: aggdraw.Draw
    origin: Point
    scale: float
    light: Tint = (1.0, 1.0, 1.0)
    facing: int = 1
    turn: float = 0.0
    """Radians that the whole drawing is turned by around `origin`."""
    silhouette: bool = False

    def moved(self, x: float, y: float) -> Pen:
        """The same pen with its origin moved in its own units."""
        return replace(self, origin=self._pixel((x, y)))

    def polygon(self, points: Sequence[Point], colour: Colour, lift: float = 0.0) -> None:
        """A filled polygon. With `lift` (units) it floats over what lies below and throws a soft shadow on it."""
        flat = self._pixels(points)
        if lift and not self.silhouette:
            for share, opacity in _SHADOW_STEPS:
                off = lift * share * self.scale
                moved = [value + off * (0.7 if index % 2 == 0 else 1.0) for index, value in enumerate(flat)]
                self.canvas.polygon(moved, None, aggdraw.Brush((16, 14, 30), opacity))
        self.canvas.polygon(flat, None, aggdraw.Brush(255 if self.silhouette else lit(colour, self.light)))

    def ellipse(self, centre: Point, radii: Point, colour: Colour, angle: float = 0.0, lift: float = 0.0) -> None:
        """A filled ellipse, turned by `angle` radians."""
        cos, sin = math.cos(angle), math.sin(angle)
        circle = _CIRCLE if max(radii) * self.scale > _SMALL else _CIRCLE[::2]
        ring = [(radii[0] * a, radii[1] * b) for a, b in circle]
        self.polygon([(centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos) for x, y in ring], colour, lift)

    def box(self, low: Point, high: Point, colour: Colour, lift: float = 0.0) -> None:
        """A filled upright rectangle."""
        self.polygon([low, (high[0], low[1]), high, (low[0], high[1])], colour, lift)

    def blob(self, points: Sequence[Point], colour: Colour, lift: float = 0.0) -> None:
        """A closed smooth shape through the points (Catmull-Rom)."""
        self.polygon(_smooth(points, closed=True), colour, lift)

    def stroke(self, points: Sequence[Point], width: float, colour: Colour, lift: float = 0.0) -> None:
        """A line with round joints and ends."""
        for start, end in pairwise(points):
            length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
            side = ((start[1] - end[1]) / length * width / 2, (end[0] - start[0]) / length * width / 2)
            corners = [(start[0] + side[0], start[1] + side[1]), (end[0] + side[0], end[1] + side[1])]
            corners += [(end[0] - side[0], end[1] - side[1]), (start[0] - side[0], start[1] - side[1])]
            self.polygon(corners, colour, lift)
        for point in points:
            self.ellipse(point, (width / 2, width / 2), colour)

    def curve(self, points: Sequence[Point], width: float, colour: Colour, lift: float = 0.0) -> None:
        """A smooth line through the points with round ends."""
        self.stroke(_smooth(points, closed=False), width, colour, lift)

    def ribbon(self, points: Sequence[Point], widths: Sequence[float], colour: Colour, lift: float = 0.0) -> None:
        """A smooth band through the points, cut in one piece: its width runs through `widths`, its ends are round."""
        path = _smooth(points, closed=False, parts=4)
        last = len(path) - 1
        left: list[Point] = []
        right: list[Point] = []
        ends: list[list[Point]] = []
        for index, (x, y) in enumerate(path):
            before, after = path[max(index - 1, 0)], path[min(index + 1, last)]
            length = math.hypot(after[0] - before[0], after[1] - before[1]) or 1.0
            ahead = ((after[0] - before[0]) / length, (after[1] - before[1]) / length)
            place = index / last * (len(widths) - 1)
            low = min(int(place), len(widths) - 2) if len(widths) > 1 else 0
            high = min(low + 1, len(widths) - 1)
            half = (widths[low] + (widths[high] - widths[low]) * (place - low)) / 2
            left.append((x - ahead[1] * half, y + ahead[0] * half))
            right.append((x + ahead[1] * half, y - ahead[0] * half))
            if index in (0, last):
                sign = -half if index == 0 else half
                ends.append(
                    [
                        (x + sign * (ahead[0] * cos - ahead[1] * sin), y + sign * (ahead[1] * cos + ahead[0] * sin))
                        for cos, sin in _ROUND_END
                    ]
                )
        self.polygon([*left, *ends[1], *right[::-1], *ends[0]], colour, lift)

    def turned(self, angle: float, around: Point = (0.0, 0.0)) -> Pen:
        """The same pen with everything turned by `angle` radians around a point; positive raises what is ahead."""
        pivot = self.moved(*around)
        return replace(pivot, turn=self.turn + angle).moved(-around[0], -around[1])

    def resized(self, factor: float) -> Pen:
        """The same pen with units `factor` times as large."""
        return replace(self, scale=self.scale * factor)

    def _pixels(self, points: Sequence[Point]) -> list[float]:
        """x, y, x, y of all points: what `_pixel` gives for each, in one go."""
        left, top = self.origin
        cos, sin = math.cos(self.turn) * self.scale, math.sin(self.turn) * self.scale
        ahead, aside = cos * self.facing, sin * self.facing
        flat: list[float] = []
        for x, y in points:
            flat += (left + x * ahead - y * aside, top - x * sin - y * cos)
        return flat

    def _pixel(self, point: Point) -> Point:
        x, y = point
        if self.turn:
            cos, sin = math.cos(self.turn), math.sin(self.turn)
            x, y = x * cos - y * sin, x * sin + y * cos
        return self.origin[0] + x * self.scale * self.facing, self.origin[1] - y * self.scale


def _smooth(points: Sequence[Point], closed: bool, parts: int = 5) -> list[Point]:
    """Points of a Catmull-Rom curve through `points`, `parts` for every piece."""
    count = len(points)
    if count < 3:
        return list(points)
    found: list[Point] = []
    for index in range(count if closed else count - 1):
        a, b, c, d = (
            points[(index + off) % count if closed else min(max(index + off, 0), count - 1)] for off in (-1, 0, 1, 2)
        )
        for part in range(parts):
            t = part / parts
            found.append((_between(a[0], b[0], c[0], d[0], t), _between(a[1], b[1], c[1], d[1], t)))
    if not closed:
        found.append(points[-1])
    return found


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
