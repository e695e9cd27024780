"""Shot inflation: a story with one shot more, which is of no use, so that the selector learns to tell.

The paper trains on (first, last): a synthetic shot, either one of another video or an augmented copy of the first,
goes in before or behind the first, and every example has three shots, the last of which is predicted. Stories with
more real shots are inflated alike. Source: An et al., "OneStory" (arXiv 2512.07802), equation 9. Pure; what a shot is
(pixels, latents, a file's name) is the caller's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

Shot = TypeVar("Shot")

STRANGER_SHARE = 0.5
"""How often the inserted shot is a stranger's; else it is an augmented copy. The paper gives no share."""
SMALLEST_CROP = 0.6
"""Of height and width, at random up to 1. The paper says only that its transforms are spatial and of colours."""
COLOUR_CHANGE = 0.5
"""Every colour channel is scaled by 1 minus this to 1 plus this, and moved by half of that."""


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


def inflate(rng: random.Random, earlier: Sequence[Shot], last: Shot, stranger: Shot,
            augment: Callable[[Shot], Shot]) -> Inflated[Shot]:
    """Return a story with one synthetic shot among its earlier ones.

    Args:
        rng: decides which kind it is, and where it goes.
        earlier: real shots before the last, one or more; one in the paper.
        last: the shot that is predicted.
        stranger: a shot of another video.
        augment: changes a copy of a shot; only called when it is needed.

    Raises:
        ValueError: there is no earlier shot.
    """
    if not earlier:
        raise ValueError("a story needs a real shot before the last: give two shots or more")
    origin = Origin.STRANGER if rng.random() < STRANGER_SHARE else Origin.AUGMENTED
    made = stranger if origin is Origin.STRANGER else augment(earlier[0])
    place = rng.randint(0, len(earlier))
    origins = [Origin.REAL] * len(earlier)
    origins.insert(place, origin)
    return Inflated((*earlier[:place], made, *earlier[place:]), tuple(origins), last)


def augment_clip(rng: random.Random, clip: Tensor) -> Tensor:
    """Return a changed copy of a clip (3, frames, height, width) from -1 to 1: cropped, maybe mirrored, recoloured."""
    height, width = clip.shape[2:]
    share = rng.uniform(SMALLEST_CROP, 1.0)
    rows, columns = max(1, round(share * height)), max(1, round(share * width))
    top, left = rng.randint(0, height - rows), rng.randint(0, width - columns)
    cut = clip[:, :, top : top + rows, left : left + columns].transpose(0, 1)
    whole = F.interpolate(cut, size=(height, width), mode="bilinear", align_corners=False).transpose(0, 1)
    if rng.random() < 0.5:
        whole = whole.flip(3)
    scale = torch.tensor([rng.uniform(1 - COLOUR_CHANGE, 1 + COLOUR_CHANGE) for _ in range(3)])
    moved = torch.tensor([rng.uniform(-COLOUR_CHANGE, COLOUR_CHANGE) / 2 for _ in range(3)])
    changed: Tensor = whole * scale.to(clip)[:, None, None, None] + moved.to(clip)[:, None, None, None]
    return changed.clamp(-1, 1)
