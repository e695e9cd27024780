"""Wan's attention in three parts: what is read, who attends to whom, what is written. Each can be changed alone.

Who attends to whom is computed in matrices where that is quicker (`matrix_attention.py`), else by the kernel that
diffusers dispatches to. Knows tokens only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from filmagent.generation.wan.compute.matrix_attention import attend_in_matrices, fits_matrices
from filmagent.generation.wan.library import WanAttnProcessor, dispatch_attention_fn


class OpenAttention(WanAttnProcessor):  # type: ignore[misc]  # diffusers has no types
    """diffusers' own attention, taken apart; with image tokens or a mask it is left to the parent."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend from (batch, tokens, width), to itself or to a text. The signature is diffusers'."""
        shared = self._parallel_config is not None and encoder_hidden_states is None
        if shared or attention_mask is not None or attn.add_k_proj is not None:
            stock: Tensor = super().__call__(
                attn, hidden_states, encoder_hidden_states, attention_mask, rotary_emb
            )
            return stock
        query, key, value = self.read(attn, hidden_states, encoder_hidden_states, rotary_emb)
        return self.write(attn, self.attend(query, key, value))

    @staticmethod
    def read(
        attn: Any, hidden_states: Tensor, text: Tensor | None, rotary: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return query, key and value, each (batch, tokens, heads, head dim), turned by their positions."""
        seen = hidden_states if text is None else text
        query = attn.norm_q(attn.to_q(hidden_states)).unflatten(2, (attn.heads, -1))
        key = attn.norm_k(attn.to_k(seen)).unflatten(2, (attn.heads, -1))
        value = attn.to_v(seen).unflatten(2, (attn.heads, -1))
        if rotary is not None:
            query, key = rotate(query, rotary), rotate(key, rotary)
        return query, key, value

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return what every token of the query sees (batch, tokens, heads, head dim)."""
        if fits_matrices(query, key):
            return attend_in_matrices(query, key, value)
        seen: Tensor = dispatch_attention_fn(query, key, value, backend=self._attention_backend)
        return seen

    @staticmethod
    def write(attn: Any, seen: Tensor) -> Tensor:
        """Return the attention's output (batch, tokens, width)."""
        out: Tensor = attn.to_out[1](attn.to_out[0](seen.flatten(2, 3)))
        return out


def open_attention(expert: nn.Module) -> None:
    """Take the attention of an expert's blocks apart, where it is diffusers' own."""
    for module in expert.modules():
        processor: Any = getattr(module, "processor", None)
        if type(processor) is WanAttnProcessor:
            module.set_processor(OpenAttention())  # type: ignore[operator]


def rotate(features: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Turn features (batch, tokens, heads, head dim) by their positions' angles; neighbours are pairs, as in Wan."""
    cosines, sines = rotary
    paired = features.reshape(*features.shape[:-1], -1, 2)
    turned = torch.stack((-paired[..., 1], paired[..., 0]), dim=-1).flatten(-2)
    return (features * cosines + turned * sines).to(features.dtype)
