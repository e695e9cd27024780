"""What experts are shown where no frame of a shot is known. Knows pictures only.

Wan2.2 is shown grey, behind a seam as well. To a transformer whose positions are all relative, every token of a grey
clip is the same token but for its noise, and it learns only slowly to count from the edges where it is. At a cut
papercut's weights are shown a stage instead: a patchwork whose colours are waves of many lengths, so that every token
reads where it is, coarsely and finely at once. A network learns fine detail of a position only where it is told in fine
waves (Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions", arXiv 2006.10739). Behind a seam
they are shown its last frame, held: what stands still is then told in the very latents that are asked for, and only
movement is left to learn.
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


def told_clip(shows: UnknownShows, known: Tensor, frames: int) -> Tensor:
    """The clip (1, 3, frames, H, W), from -1 to 1, that a shot is conditioned on.

    Args:
        shows: what stands for the unknown.
        known: the frames (1, 3, K, H, W) that it begins with; K is 0 at a cut.
        frames: its length, K at least.
    """
    count, height, width = known.shape[2:]
    if shows == "grey":
        rest = torch.zeros(3, height, width)
    else:
        rest = known[0, :, -1] if count else stage(FrameSize(width, height))
    return torch.cat([known, rest[None, :, None].expand(-1, -1, frames - count, -1, -1)], dim=2)


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
