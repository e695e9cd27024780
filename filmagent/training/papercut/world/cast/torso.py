"""Bodies as areas with their own two coordinates, so that what is laid on them stays on them. Knows no kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from filmagent.training.papercut.world.pen import Point


class Torso(Protocol):
    """A body: `along` runs from -1 (rear or bottom) to 1 (front or top), `across` from -1 to 1 between its edges."""

    @property
    def upright(self) -> bool:
        """Whether `along` runs up."""
        ...

    @property
    def half_width(self) -> float:
        """Half the width across, in units."""
        ...

    def at(self, along: float, across: float) -> Point:
        """The point at two coordinates: always within the body while both are within -1 and 1."""
        ...

    def outline(self) -> list[Point]:
        """The edge of the body."""
        ...


@dataclass(frozen=True)
class Oval:
    """An ellipse whose long axis is turned up by `angle` radians."""

    centre: Point
    half_length: float
    half_width: float
    angle: float = 0.0

    @property
    def upright(self) -> bool:
        """Whether the long axis is rather upright."""
        return self.angle > math.pi / 4

    def at(self, along: float, across: float) -> Point:
        """A point of the ellipse."""
        return self._placed(along * self.half_length, across * self.half_width * math.sqrt(max(0.0, 1 - along**2)))

    def outline(self) -> list[Point]:
        """The ellipse in 28 points."""
        turns = [index * math.tau / 28 for index in range(28)]
        return [self._placed(self.half_length * math.cos(turn), self.half_width * math.sin(turn)) for turn in turns]

    def _placed(self, x: float, y: float) -> Point:
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.centre[0] + x * cos - y * sin, self.centre[1] + x * sin + y * cos


@dataclass(frozen=True)
class Panel:
    """An upright trapezium: a dress, a shirt or a box."""

    bottom: Point
    top: Point
    half_bottom: float
    half_top: float
    upright: bool = True

    @property
    def half_width(self) -> float:
        """Half the middle width."""
        return (self.half_bottom + self.half_top) / 2

    def at(self, along: float, across: float) -> Point:
        """A point of the trapezium."""
        up = (along + 1) / 2
        half = self.half_bottom + (self.half_top - self.half_bottom) * up
        x = self.bottom[0] + (self.top[0] - self.bottom[0]) * up
        return x - across * half, self.bottom[1] + (self.top[1] - self.bottom[1]) * up

    def outline(self) -> list[Point]:
        """The four corners."""
        return [self.at(-1, -1), self.at(1, -1), self.at(1, 1), self.at(-1, 1)]


def band(torso: Torso, start: float, end: float, across: tuple[float, float] = (-1.0, 1.0)) -> list[Point]:
    """The part of a body between two places along it."""
    steps = [start + (end - start) * index / 5 for index in range(6)]
    return [torso.at(a, across[1]) for a in steps] + [torso.at(a, across[0]) for a in reversed(steps)]
