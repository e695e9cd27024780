"""Where memory frames stand in time: negative rotary positions in front of the shot.

StoryMem (arXiv 2512.19539, as fixed on 2026-01-22): with M memory frames and a stride S, latent frame j of the
joint sequence has the temporal position -(M - j) S for memory (oldest farthest, newest at -S) and 0, 1, ... for the
shot. Height and width keep their ordinary positions. With no memory this is Wan's own embedding, bit for bit.

Knows positions only: nothing of pictures, latents or sampling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.errors import GenerationError
from filmagent.generation.wan.library import WanRotaryPosEmbed


def temporal_positions(memory: int, latent_frames: int, stride: int) -> list[int]:
    """Return the positions of `memory` memory frames and of `latent_frames` frames of the shot behind them."""
    return [-stride * (memory - index) for index in range(memory)] + list(range(latent_frames))


class MemoryRope(WanRotaryPosEmbed):  # type: ignore[misc]  # diffusers has no types
    """Wan's rotary embedding whose first `memory` latent frames stand at negative, widely spaced positions."""

    memory: int = 0
    stride: int = 5

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, each (1, tokens, 1, head dim), for latents (batch, channels, frames, h, w)."""
        cosines, sines = super().forward(hidden_states)
        if not self.memory:
            return cosines, sines
        frames = hidden_states.shape[2] // self.patch_size[0]
        places = temporal_positions(self.memory, frames - self.memory, self.stride)
        positions = torch.tensor(places, device=cosines.device)
        # The tables hold positions from 0 on: cos(-a) = cos(a) and sin(-a) = -sin(a) give the negative ones.
        rows, signs = positions.abs(), positions.sign()[:, None, None]
        time = slice(0, self.t_dim)
        cosines.view(frames, -1, cosines.shape[-1])[..., time] = self.freqs_cos[rows, None, time]
        sines.view(frames, -1, sines.shape[-1])[..., time] = self.freqs_sin[rows, None, time] * signs
        return cosines, sines


def install_memory_rope(transformer: nn.Module) -> MemoryRope:
    """Give a WanTransformer3DModel memory positions, and return its rotary embedding. Harmless when called again.

    Raises:
        GenerationError: hooks (offload, caching, context parallel) are on the embedding already; they would go on
            calling Wan's own positions without a word.
    """
    rope: Any = transformer.rope
    if isinstance(rope, MemoryRope):
        return rope
    if "forward" in vars(rope):
        raise GenerationError(
            "hooks are already on this transformer's rotary embedding: install the memory positions "
            "before offloading, caching or parallel hooks"
        )
    rope.__class__ = MemoryRope
    installed: MemoryRope = rope
    return installed


@contextmanager
def memory_positions(ropes: Sequence[MemoryRope], memory: int, stride: int) -> Iterator[None]:
    """Put `memory` memory frames in front for the time of the block; afterwards, come what may, none.

    Raises:
        GenerationError: the farthest memory frame lies beyond the embedding's tables.
    """
    for rope in ropes:
        if memory < 0 or stride < 1 or memory * stride >= rope.max_seq_len:
            raise GenerationError(
                f"{memory} memory frames {stride} apart do not fit the rotary table of {rope.max_seq_len} positions"
            )
    try:
        for rope in ropes:
            rope.memory, rope.stride = memory, stride
        yield
    finally:
        for rope in ropes:
            rope.memory = 0
