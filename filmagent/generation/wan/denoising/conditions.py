"""What a shot is conditioned on: memory and seam as clean latents, and the mask that says which latents are known.

StoryMem's layout (arXiv 2512.19539, section 3), for M memory frames in front of T latent frames of the shot, always
memory first in time:

    mask     4 channels    1 at memory; 1 at the latent frames that hold the seam; 0 elsewhere
    latents  16 channels   each memory frame encoded alone, as a one-frame clip | the seam, then what stands for the
                           unknown (grey), encoded together

Knows the VAE, pictures and masks; nothing of the experts or of sampling.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.generation.wan.config import UnknownShows
from filmagent.generation.wan.denoising.unknown import told_clip
from filmagent.generation.wan.library import get_module_execution_device

TEMPORAL_STRIDE = 4
CACHED_LATENTS = 320
"""Encoded clips that are kept where nobody says how many: a film's memory, of which OneStory is offered up to 256
frames, and the grey clip of every length. About 0.4 MB each at 832x480."""


@dataclass(frozen=True)
class ShotCondition:
    """What the experts are shown beside the noise."""

    latents: Tensor
    """(1, 4 + 16, memory + T, height / 8, width / 8): mask channels, then clean latents. Float32."""
    memory: int
    """How many of the latent frames in front are memory."""


def known_mask(memory: int, known: int, latent_frames: int, height: int, width: int) -> Tensor:
    """Return the mask (1, 4, memory + latent_frames, height, width) for `known` given pixel frames of the shot.

    The first latent frame holds one pixel frame, every later one four; so 0, 1 or 5 known frames fill
    0, 1 or 2 latent frames.
    """
    mask = torch.zeros(1, TEMPORAL_STRIDE, memory + latent_frames, height, width)
    mask[:, :, : memory + (known + TEMPORAL_STRIDE - 1) // TEMPORAL_STRIDE] = 1
    return mask


def pixels(frames: Frames) -> Tensor:
    """Return frames (F, H, W, 3) of bytes as a clip (1, 3, F, H, W) from -1 to 1."""
    clip = torch.from_numpy(np.ascontiguousarray(frames)).float() / 255.0
    return (2.0 * clip - 1.0).permute(3, 0, 1, 2)[None]


def fit_picture(picture: Image, size: FrameSize) -> Tensor:
    """Return a picture of any size as a one-frame clip (1, 3, 1, H, W) from -1 to 1 that shows all of it.

    Bicubic, as in StoryMem. Where the proportions differ, StoryMem stretches; here they are kept, and mid-grey, which
    the experts know as "nothing given", fills the rest: a stretched face would be remembered stretched.
    """
    clip = pixels(picture[None])
    height, width = picture.shape[:2]
    if (height, width) == (size.height, size.width):
        return clip
    scale = min(size.height / height, size.width / width)
    inner = (min(size.height, round(height * scale)), min(size.width, round(width * scale)))
    inner = (max(1, inner[0]), max(1, inner[1]))
    scaled = F.interpolate(clip[:, :, 0], size=inner, mode="bicubic", antialias=True).clamp(-1, 1)
    top, left = (size.height - inner[0]) // 2, (size.width - inner[1]) // 2
    canvas = torch.zeros(1, 3, 1, size.height, size.width)
    canvas[:, :, 0, top : top + inner[0], left : left + inner[1]] = scaled
    return canvas


class ConditionEncoder:
    """Makes conditions with a VAE. The same picture at the same size is encoded once."""

    def __init__(self, vae: Any, unknown: UnknownShows = "grey", kept: int = CACHED_LATENTS) -> None:
        """Use this AutoencoderKLWan, wherever it lies, show `unknown` where no frame is known, keep so many latents."""
        self._vae, self._unknown, self._kept = vae, unknown, kept
        self._cache: OrderedDict[str, Tensor] = OrderedDict()

    def condition(self, memory: Sequence[Image], seam: Frames | None, frames: int, size: FrameSize) -> ShotCondition:
        """Encode what a shot of `frames` frames is shown: memory frames oldest first, and the seam it continues."""
        video = self._clip(seam, frames, size)
        kept = [self._memory_frame(picture, size) for picture in memory]
        latents = torch.cat([*kept, video], dim=2)
        mask = known_mask(len(kept), 0 if seam is None else len(seam), video.shape[2], *latents.shape[-2:])
        return ShotCondition(torch.cat([mask, latents], dim=1), memory=len(kept))

    def _memory_frame(self, picture: Image, size: FrameSize) -> Tensor:
        key = f"memory/{_hash(picture)}/{size}"
        return self._once(key, lambda: fit_picture(picture, size))

    def _clip(self, seam: Frames | None, frames: int, size: FrameSize) -> Tensor:
        """Encode the shot's own condition: the seam, then what stands for the unknown to the end."""
        known = torch.zeros(1, 3, 0, size.height, size.width) if seam is None else pixels(seam)
        key = f"shot/{'' if seam is None else _hash(seam)}/{frames}/{size}"
        return self._once(key, lambda: told_clip(self._unknown, known, frames))

    def _once(self, key: str, clip: Callable[[], Tensor]) -> Tensor:
        if key not in self._cache:
            self._cache[key] = self._encode(clip())
            while len(self._cache) > self._kept:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]

    @torch.no_grad()
    def _encode(self, clip: Tensor) -> Tensor:
        """Encode a clip (1, 3, F, H, W); returns normalised posterior means (1, 16, T, h, w), float32, on the CPU."""
        vae = self._vae
        means, deviations = (
            torch.tensor(values).view(1, vae.config.z_dim, 1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        latents = vae.encode(clip.to(get_module_execution_device(vae), vae.dtype)).latent_dist.mode()
        normalised: Tensor = (latents.float().cpu() - means) * (1.0 / deviations)
        return normalised


def _hash(picture: Image | Frames) -> str:
    """Identify a picture or clip by its bytes and shape."""
    return hashlib.sha256(str(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()
