"""The augmented copy of a shot: cropped, maybe mirrored, recoloured, alike in all its frames.

Source: An et al., "OneStory" (arXiv 2512.07802), which says only that its transforms are spatial and of colours. Pure.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST_CROP = 0.6
"""Of height and width, at random up to 1."""
COLOUR_CHANGE = 0.5
"""Every colour channel is scaled by 1 minus this to 1 plus this, and moved by half of that."""


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
