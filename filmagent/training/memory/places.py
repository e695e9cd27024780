"""Where memory comes from in an example: places of frames in films, before anything is decoded. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FramePlace:
    """A frame of a film."""

    shot: int
    frame: int
    film: int | None = None
    """Index of another film; None: the example's own."""
    changed_by: int | None = None
    """Seed of the change that was made to its shot; None: it is as it was filmed."""


@dataclass(frozen=True)
class Recalled:
    """What a shot is to remember."""

    memory: tuple[FramePlace, ...]
    """Oldest first."""
    filmed: tuple[int, ...]
    """Place of each of them in the film, in frames."""
    start: int
    """Place in the film of the shot's first frame."""
    origins: tuple[int, ...] = ()
    """OneStory's: the `Origin` of each of them."""
