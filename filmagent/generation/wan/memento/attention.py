"""Memento's split attention on diffusers' Wan blocks: the identity frame and the shot meet only through memory.

A sequence is [identity | memory | shot]. Self-attention runs twice, over identity and memory, and over memory and
shot; memory takes the mean of both. This is two softmaxes and not one under a mask. The identity frame reads a text of
its own. Source: Wei et al., "Memento" (arXiv 2606.14667), figure 2 and its released programme. Knows tokens only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from filmagent.generation.wan.compute.attention_processor import OpenAttention


@dataclass
class TokenParts:
    """Where a sequence is cut, in tokens; set by the expert before every forward, read by all its blocks."""

    identity: int = 0
    memory: int = 0
    identity_text: int = 0
    """Text tokens in front that only the identity frame reads."""


class SplitSelfAttention(OpenAttention):
    """Self-attention in two groups that share the memory."""

    def __init__(self, parts: TokenParts) -> None:
        """Cut every sequence as `parts` says at the time."""
        super().__init__()
        self.parts = parts

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None,
                 attention_mask: Tensor | None = None, rotary_emb: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Attend within (batch, tokens, width). The signature is diffusers'."""
        return self.write(attn, self._split(*self.read(attn, hidden_states, None, rotary_emb)))

    def _split(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        identity, shared = self.parts.identity, self.parts.identity + self.parts.memory
        second = self.attend(query[:, identity:], key[:, identity:], value[:, identity:])
        if shared == 0:
            return second
        first = self.attend(query[:, :shared], key[:, :shared], value[:, :shared])
        memory = 0.5 * (first[:, identity:] + second[:, : self.parts.memory])
        return torch.cat([first[:, :identity], memory, second[:, self.parts.memory :]], dim=1)


class SplitTextAttention(OpenAttention):
    """Cross-attention: the identity frame to its own text, everything else to the shot's."""

    def __init__(self, parts: TokenParts) -> None:
        """Cut every sequence, and its text, as `parts` says at the time."""
        super().__init__()
        self.parts = parts

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None,
                 attention_mask: Tensor | None = None, rotary_emb: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Attend from (batch, tokens, width) to text (batch, text tokens, width). The signature is diffusers'."""
        if encoder_hidden_states is None or self.parts.identity == 0:
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, rotary_emb)
        tokens, words = self.parts.identity, self.parts.identity_text
        parts = ((hidden_states[:, :tokens], encoder_hidden_states[:, :words]),
                 (hidden_states[:, tokens:], encoder_hidden_states[:, words:]))
        return torch.cat([super(SplitTextAttention, self).__call__(attn, *part) for part in parts], dim=1)
