"""Shot inflation: a story with one shot more, which is of no use, so that the selector learns to tell.

The paper trains on (first, last): a synthetic shot, either one of another video or an augmented copy of the first,
goes in before or behind the first, and every example has three shots, the last of which is predicted. Stories with
more real shots are inflated alike. Source: An et al., "OneStory" (arXiv 2512.07802), equation 9. Pure; what a shot is
(pixels, latents, a place) is the caller's. Knows no torch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

Shot = TypeVar("Shot")

STRANGER_SHARE = 0.5
"""How often the inserted shot is a stranger's; else it is an augmented copy. The paper gives no share."""


class Origin(IntEnum):
    """Where a shot, or a frame of it, comes from."""

    REAL = 0
    STRANGER = 1
    """A shot of another video."""
    AUGMENTED = 2
    """A changed copy of the first shot."""


@dataclass(frozen=True)
class Inflated(Generic[Shot]):
    """A story to learn from: all shots but the last are memory, the last is predicted."""

    earlier: tuple[Shot, ...]
    """In the order of the story."""
    origins: tuple[Origin, ...]
    """Of each of them."""
    last: Shot


def inflate(
    rng: random.Random, earlier: Sequence[Shot], last: Shot, stranger: Shot | None, augment: Callable[[Shot], Shot]
) -> Inflated[Shot]:
    """Return a story with one synthetic shot among its earlier ones.

    Args:
        rng: decides which kind it is, and where it goes.
        earlier: real shots before the last, one or more; one in the paper.
        last: the shot that is predicted.
        stranger: a shot of another video; None: there is none, so a copy is inserted.
        augment: changes a copy of a shot; only called when it is needed.

    Raises:
        ValueError: there is no earlier shot.
    """
    if not earlier:
        raise ValueError("a story needs a real shot before the last: give two shots or more")
    if rng.random() < STRANGER_SHARE and stranger is not None:
        made, origin = stranger, Origin.STRANGER
    else:
        made, origin = augment(earlier[0]), Origin.AUGMENTED
    place = rng.randint(0, len(earlier))
    origins = [Origin.REAL] * len(earlier)
    origins.insert(place, origin)
    return Inflated((*earlier[:place], made, *earlier[place:]), tuple(origins), last)
