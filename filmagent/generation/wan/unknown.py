"""What experts are shown where no frame of a shot is known. Knows pictures only.

Wan2.2 is shown grey. To a transformer whose positions are all relative, every token of a grey clip is the same token
but for its noise, and it learns only slowly to count from the edges where it is. Papercut's weights are shown a stage
instead: a patchwork whose colours are waves of many lengths, so that every token reads where it is, coarsely and
finely at once. A network learns fine detail of a position only where it is told in fine waves (Tancik et al.,
"Fourier Features Let Networks Learn High Frequency Functions", arXiv 2006.10739).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from filmagent.generation.port import FrameSize
from filmagent.generation.wan.config import UnknownShows

_BRIGHTNESS = 0.6
_PATCH = 8
"""Pixels of a patch's side: one latent cell. A token has two by two, each with colours of its own."""


def unknown_picture(shows: UnknownShows, size: FrameSize) -> Tensor:
    """The picture (3, H, W), from -1 to 1, that stands for every frame of which nothing is known."""
    if shows == "grey":
        return torch.zeros(3, size.height, size.width)
    return stage(size)


def stage(size: FrameSize) -> Tensor:
    """Patches in colours that say how far down and across they are: 12 numbers to every square of four patches."""
    down = torch.linspace(-math.pi, math.pi, size.height)[:, None].expand(size.height, size.width)
    across = torch.linspace(-math.pi, math.pi, size.width)[None].expand(size.height, size.width)
    colours = (
        (across / math.pi, down / math.pi, torch.cos(across)),
        (torch.sin(2 * across), torch.cos(2 * across), torch.sin(1.5 * down)),
        (torch.sin(4 * across), torch.cos(4 * across), torch.cos(1.5 * down)),
        (torch.sin(3 * down), torch.cos(3 * down), torch.sin(across)),
    )
    lower = (torch.arange(size.height) // _PATCH % 2)[:, None]
    right = (torch.arange(size.width) // _PATCH % 2)[None]
    patch = (2 * lower + right)[None, None].expand(1, 3, -1, -1)
    return _BRIGHTNESS * torch.stack([torch.stack(each) for each in colours]).gather(0, patch)[0]
