"""What experts are shown where no frame of a shot is known. Knows pictures only.

Wan2.2 is shown grey. To a transformer whose positions are all relative, every token of a grey clip is the same token
but for its noise, and it learns only slowly to count from the edges where it is. Papercut's weights are shown a stage
instead, whose colours are others at every spot.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from filmagent.generation.port import FrameSize
from filmagent.generation.wan.config import UnknownShows

_BRIGHTNESS = 0.6


def unknown_picture(shows: UnknownShows, size: FrameSize) -> Tensor:
    """The picture (3, H, W), from -1 to 1, that stands for every frame of which nothing is known."""
    if shows == "grey":
        return torch.zeros(3, size.height, size.width)
    return stage(size)


def stage(size: FrameSize) -> Tensor:
    """Colours that say how far down and across every spot is, with slow waves that tell neighbours apart."""
    down = torch.linspace(-1, 1, size.height)[:, None].expand(size.height, size.width)
    across = torch.linspace(-1, 1, size.width)[None].expand(size.height, size.width)
    waves = 0.5 * torch.cos(3 * math.pi * across) + 0.5 * torch.cos(2 * math.pi * down)
    return _BRIGHTNESS * torch.stack([across, down, waves])
