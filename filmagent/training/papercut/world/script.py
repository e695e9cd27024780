"""What a shot of the papercut world shows, as data: identities, setting, performances. Draws and invents nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """An identity: it stays the same through a story. All words are the vocabulary's."""

    kind: str
    colour: str
    garment: str
    garment_colour: str
    pattern: str | None = None
    """Stripes, spots or patches; None is plain paper."""
    pattern_colour: str | None = None
    build: str | None = None
    """Small or big; None is of middle size."""


@dataclass(frozen=True)
class Setting:
    """A place of a story: `layout` numbers its own arrangement, which stays the same when the story returns."""

    place: str
    layout: int = 0


@dataclass(frozen=True)
class Performance:
    """What one figure does: `x` is where it starts in frame widths, `facing` 1 is right, `phase` a part of a cycle."""

    subject: int
    action: str
    facing: int
    x: float
    phase: float = 0.0
    prop: str | None = None
    """What it carries."""


@dataclass(frozen=True)
class ShotScript:
    """Everything a shot shows; performances run from left to right."""

    figures: tuple[Figure, ...]
    setting: Setting
    time: str
    size: str
    weather: str = "clear"
    camera: str = "still"
    performances: tuple[Performance, ...] = ()
    prop: str | None = None
    """Something that lies on the ground in front, carried by nobody."""
