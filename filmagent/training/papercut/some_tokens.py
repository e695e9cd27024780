"""Runs the denoiser on some of a video's tokens: figures first, of the rest a sample that stands for all of it.

Sentences are cut short the same way: one zero after the last word stands for all that follow it in a film.

Papercut's background is easy and most of the picture: half of the tokens teach nearly as much for half of the work, as
in masked training of diffusion transformers (Zheng et al., "Fast Training of Diffusion Models with Masked
Transformers", arXiv 2306.09305), but that the renderer says which half. Every token keeps its own position. Knows no
loss and no data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.generation.wan.library import WanAttnProcessor, WanTransformer3DModel
from filmagent.training.papercut.text import MAX_WORDS

MOST_FIGURE_TOKENS = 0.75
"""Share of the kept tokens that figures may take: a close-up must not lose its background."""


@dataclass(frozen=True)
class KeptTokens:
    """How large a part of a latent frame's tokens is kept, in memory and in the shot; 1 keeps all."""

    memory: float = 1.0
    shot: float = 1.0
    words: int = MAX_WORDS
    """Of how many words, zeros included, the sentences are."""

    def counts(self, tokens: int) -> KeptCounts:
        """The same for latent frames of so many tokens."""
        return KeptCounts(max(1, round(self.memory * tokens)), max(1, round(self.shot * tokens)))


@dataclass(frozen=True)
class KeptCounts:
    """Tokens that are kept of every latent frame."""

    memory: int
    shot: int


@dataclass(frozen=True)
class ChosenTokens:
    """Which tokens [B, K] of all, in order, and for how many of its own sort [B, K] each of them stands."""

    index: Tensor
    stands_for: Tensor


def choose_tokens(figures: Tensor, memory: int, kept: KeptTokens) -> ChosenTokens:
    """Choose by chance, figures first.

    Args:
        figures: whether a token shows a figure [B, frames, tokens].
        memory: so many of the frames, the first ones, are memory.
        kept: how much is kept of both.
    """
    counts = kept.counts(figures.shape[2])
    parts = [(figures[:, :memory], counts.memory), (figures[:, memory:], counts.shot)]
    chosen = [_of_frames(part, count) for part, count in parts if part.shape[1]]
    if memory:
        chosen[1] = ChosenTokens(chosen[1].index + memory * figures.shape[2], chosen[1].stands_for)
    return ChosenTokens(
        torch.cat([each.index for each in chosen], dim=1), torch.cat([each.stands_for for each in chosen], dim=1)
    )


def _of_frames(figures: Tensor, count: int) -> ChosenTokens:
    _, frames, tokens = figures.shape
    shown = figures.sum(dim=2, keepdim=True)
    most = max(1, round(MOST_FIGURE_TOKENS * count)) if count < tokens else tokens
    # Figures give way to background up to a share, and fill up what background there is not.
    taken = torch.maximum(shown.clamp(max=most), count - (tokens - shown))
    luck = torch.rand(figures.shape, device=figures.device)
    rank = torch.where(figures, luck, luck + 2).argsort(dim=2).argsort(dim=2)
    rank = torch.where(figures, rank, rank - shown)
    wanted = rank < torch.where(figures, taken, count - taken)
    index = wanted.to(torch.int8).argsort(dim=2, descending=True, stable=True)[:, :, :count].sort(dim=2).values
    weight = torch.where(figures, shown / taken.clamp(min=1), (tokens - shown) / (count - taken).clamp(min=1))
    offsets = torch.arange(frames, device=figures.device).view(1, frames, 1) * tokens
    return ChosenTokens((index + offsets).flatten(1), weight.gather(2, index).flatten(1))


def tokens_of(video: Tensor, index: Tensor) -> Tensor:
    """The chosen tokens [B, K, channels, 4] of a video [B, channels, frames, h, w], their four cells row by row."""
    batch, channels, frames, height, width = video.shape
    cells = video.view(batch, channels, frames, height // 2, 2, width // 2, 2).permute(0, 2, 3, 5, 1, 4, 6)
    tokens = cells.reshape(batch, -1, channels, 4)
    return tokens.gather(1, index[:, :, None, None].expand(-1, -1, channels, 4))


def video_of(tokens: Tensor, index: Tensor, like: Tensor) -> Tensor:
    """Chosen tokens [B, K, channels, 4] back in their places in a video of the shape of `like`; 0 where none is."""
    batch, channels, frames, height, width = like.shape
    cells = torch.zeros(batch, frames * height * width // 4, channels, 4, dtype=tokens.dtype, device=tokens.device)
    cells = cells.scatter(1, index[:, :, None, None].expand_as(tokens), tokens)
    video = cells.view(batch, frames, height // 2, width // 2, channels, 2, 2).permute(0, 4, 1, 2, 5, 3, 6)
    return video.reshape(like.shape)


class ShortText(WanAttnProcessor):  # type: ignore[misc]  # diffusers has no types
    """Attention to words whose last one, always a zero, stands for many: its weight is as many times as large."""

    bias: Tensor | None = None

    def __call__(
        self,
        attn: nn.Module,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend as diffusers' processor does."""
        found: Tensor = super().__call__(attn, hidden_states, encoder_hidden_states, self.bias, rotary_emb)
        return found


def read_short_texts(denoiser: WanTransformer3DModel) -> None:
    """Let `flow_of_tokens` give this denoiser sentences that are cut short."""
    for block in denoiser.blocks:
        block.attn2.set_processor(ShortText())


def flow_of_tokens(
    denoiser: WanTransformer3DModel, told: Tensor, time: Tensor, text: Tensor, index: Tensor, words: int
) -> Tensor:
    """The flow [B, K, channels, 4] that the denoiser predicts for the chosen tokens, when it sees only these.

    Args:
        denoiser: of patch size 1x2x2.
        told: its whole input [B, 36, frames, h, w].
        time: timesteps [B].
        text: encoded sentences [B, room, width].
        index: which tokens [B, K].
        words: how many a film's sentences have, zeros included: where that is more than `room`, the last of `text`,
            which must be a zero, stands for the others. Needs `read_short_texts`.
    """
    model: Any = denoiser
    missing = words - text.shape[1]
    for block in model.blocks:
        block.attn2.processor.bias = _bias(text, missing) if missing else None
    batch, count = index.shape
    patches = model.patch_embedding
    tokens = tokens_of(told, index).flatten(2)
    hidden = torch.nn.functional.linear(tokens, patches.weight.flatten(1), patches.bias)
    cosines, sines = (each[0, :, 0][index][:, :, None] for each in model.rope(told))
    at_time, of_blocks, said, _ = model.condition_embedder(time, text, None)
    for block in model.blocks:
        hidden = block(hidden, said, of_blocks.unflatten(1, (6, -1)), (cosines, sines))
    shift, scale = (model.scale_shift_table + at_time.unsqueeze(1)).chunk(2, dim=1)
    hidden = (model.norm_out(hidden.float()) * (1 + scale) + shift).type_as(hidden)
    flow: Tensor = model.proj_out(hidden).view(batch, count, 4, -1).transpose(2, 3)
    return flow


def _bias(text: Tensor, missing: int) -> Tensor:
    bias = torch.zeros(1, 1, 1, text.shape[1], device=text.device)
    bias[..., -1] = math.log(missing + 1)
    return bias
