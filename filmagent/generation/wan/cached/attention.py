"""Self-attention that hands out its keys and values, or attends to kept ones besides; and text that may be nothing.

Knows tokens only; who keeps what, and for how long, is the expert's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from filmagent.generation.wan.compute.attention_processor import OpenAttention
from filmagent.generation.wan.denoising.rope import MemoryRope

KeysValues = tuple[Tensor, Tensor]
"""Of one block, each (batch, tokens, heads, head dim); keys are turned by their positions already."""


@dataclass(frozen=True)
class Told:
    """What a forward tells the self-attention of every block.

    It travels where positions do, as an argument: a block that is made again in the backward pass is told the same.
    """

    rotary: tuple[Tensor, Tensor]
    """Cosines and sines, each (1, tokens, 1, head dim)."""
    kept: tuple[KeysValues, ...] = ()
    """What each block attends to besides; empty: nothing."""
    taken: dict[int, KeysValues] | None = None
    """Block -> its keys and values, filled on the way; None: nobody asks for them."""


class TellingRope(MemoryRope):
    """StoryMem's rotary embedding, which tells the blocks of memory as well."""

    kept: tuple[KeysValues, ...] = ()
    taken: dict[int, KeysValues] | None = None

    def forward(self, hidden_states: Tensor) -> Told:  # type: ignore[override]  # only `KeepingAttention` reads it
        """Return what the blocks are told, for latents (batch, channels, frames, h, w)."""
        return Told(super().forward(hidden_states), self.kept, self.taken)


class KeepingAttention(OpenAttention):
    """Wan's self-attention, over what it is given and over what was kept."""

    def __init__(self, block: int) -> None:
        """Attend in the block of this number."""
        super().__init__()
        self.block = block

    def __call__(  # type: ignore[override]  # `TellingRope` tells self-attention more than positions
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: Told | None = None,
    ) -> Tensor:
        """Attend from (batch, tokens, width). The signature is diffusers'."""
        assert rotary_emb is not None  # Wan's blocks always hand it to self-attention
        told = rotary_emb
        query, key, value = self.read(attn, hidden_states, None, told.rotary)
        if told.taken is not None:
            told.taken[self.block] = (key, value)
        if told.kept:
            key, value = (
                torch.cat([kept.to(own).expand(len(own), -1, -1, -1), own], dim=1)
                for kept, own in zip(told.kept[self.block], (key, value), strict=True)
            )
        return self.write(attn, self.attend(query, key, value))


class TextOrNothing(OpenAttention):
    """Wan's cross-attention; a text of no tokens adds nothing, not even a bias."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend from (batch, tokens, width) to a text (batch, text tokens, width). The signature is diffusers'."""
        if encoder_hidden_states is not None and encoder_hidden_states.shape[1] == 0:
            return torch.zeros_like(hidden_states)
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, rotary_emb)
