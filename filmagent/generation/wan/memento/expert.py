"""A Wan2.2 expert with Memento's memory: it chooses from a pool, and is shown its choice with every step.

To a sampler it is an ordinary image-to-video expert. Inside, memory stands between the identity frame and the shot,
noised as much as they are and beside its clean self; what is predicted for it is thrown away, so that every step
starts from the true memory. Source: Wei et al., "Memento" (arXiv 2606.14667) and its released programme.
Knows tensors; nothing of pictures, prompts' words or files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from filmagent.generation.wan.library import Transformer2DModelOutput, WanTransformer3DModel
from filmagent.generation.wan.memento.attention import SplitSelfAttention, SplitTextAttention, TokenParts
from filmagent.generation.wan.memento.positions import IDENTITY_TIME, ElapsedRope
from filmagent.generation.wan.memento.quota import Quota
from filmagent.generation.wan.memento.selector import KeyframeQuery

MASK_CHANNELS = 4


@dataclass(frozen=True)
class SequenceLayout:
    """How a sequence [identity | memory | shot] of latent frames is read."""

    identity: int = 0
    """Latent frames in front that hold the identity picture: 0 or 1."""
    memory: tuple[tuple[int, ...], ...] = ((),)
    """Position of each memory frame behind it, negative: a row for each example of a batch, or one for all."""
    identity_text: int = 0
    """Text tokens in front that only the identity frame reads."""


@dataclass(frozen=True)
class Pool:
    """What one expert may choose from for one shot."""

    latents: Tensor
    """Clean latents (1, 16, frames, h, w), each frame encoded alone."""
    noise: Tensor
    """The noise that they are mixed with, alike; the same in every step."""
    times: tuple[int, ...]
    """Position of each frame, negative."""
    text: Tensor
    """The prompt's features (1, tokens, text width); `story`: those of its global part."""
    story: Tensor
    quota: Quota = field(default_factory=Quota)
    pinned: tuple[int, ...] = ()
    """Frames that are shown whatever the queries say."""


@dataclass
class ShotMemory:
    """What an expert is given for one shot, and what it chose; the choice is made in its first forward."""

    pool: Pool | None
    """None: there is nothing to remember yet."""
    sigma: Callable[[], float]
    """Gives the sampler's noise level now, from 0 to 1."""
    identity: int = 0
    """Whether an identity frame stands in front (1) or not (0)."""
    identity_text: int = 0
    chosen: tuple[int, ...] | None = None
    """Frames of the pool that are shown, in the order of the pool."""

    def without_memory(self) -> ShotMemory:
        """Return what the same shot is given when there is nothing to remember; its identity frame stays."""
        return replace(self, pool=None, chosen=None)


class MementoTransformer(WanTransformer3DModel):  # type: ignore[misc]  # diffusers has no types
    """diffusers' own expert with split attention, elapsed times and a selector."""

    _keep_in_fp32_modules: ClassVar[list[str]] = [*WanTransformer3DModel._keep_in_fp32_modules, "keyframe_query"]
    _skip_layerwise_casting_patterns: ClassVar[list[str]] = [
        *WanTransformer3DModel._skip_layerwise_casting_patterns, "keyframe_query",
    ]

    def __init__(self, **config: Any) -> None:
        """Make the expert; arguments are WanTransformer3DModel's."""
        super().__init__(**config)
        shape, self.parts = self.config, TokenParts()
        self.shot: ShotMemory | None = None
        self.rope = ElapsedRope(shape.attention_head_dim, shape.patch_size, shape.rope_max_seq_len)
        self.keyframe_query = KeyframeQuery(
            shape.num_attention_heads * shape.attention_head_dim, shape.num_attention_heads, shape.out_channels,
            tuple(shape.patch_size),
        )
        for block in self.blocks:
            block.attn1.set_processor(SplitSelfAttention(self.parts))
            block.attn2.set_processor(SplitTextAttention(self.parts))

    def forward(self, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor,
                encoder_hidden_states_image: Tensor | None = None, return_dict: bool = True,
                attention_kwargs: Mapping[str, Any] | None = None) -> Any:
        """Predict [identity | shot], shape (1, 36, frames, h, w), with the shot's memory in between.

        Outside of a shot (`remembering`) it is diffusers' own expert: all tokens attend to all, at the times that
        `memory_positions` gives.
        """
        shot = self.shot
        if shot is None:
            self.parts.identity = self.parts.memory = self.parts.identity_text = 0
            self.rope.times = None
            seen: Tensor = super().forward(hidden_states, timestep, encoder_hidden_states, return_dict=False)[0]
        elif shot.pool is None:
            layout = SequenceLayout(shot.identity, identity_text=shot.identity_text)
            seen = self.denoise(hidden_states, timestep, encoder_hidden_states, layout)
        else:
            seen = self._with_memory(shot, shot.pool, hidden_states, timestep, encoder_hidden_states)
        return Transformer2DModelOutput(sample=seen) if return_dict else (seen,)

    def denoise(self, sequence: Tensor, timestep: Tensor, text: Tensor, layout: SequenceLayout) -> Tensor:
        """Predict a whole sequence, memory included.

        Args:
            sequence: (batch, 36, identity + memory + shot, h, w): noisy latents, mask, clean latents.
            timestep: (batch,).
            text: (batch, identity text + text, text width).
            layout: how the sequence is cut, and when its frames were.

        Returns:
            (batch, 16, identity + memory + shot, h, w).
        """
        time, rows, columns = self.config.patch_size
        frames = sequence.shape[2] // time
        a_frame = (sequence.shape[3] // rows) * (sequence.shape[4] // columns)
        memory = len(layout.memory[0])
        shot = frames - layout.identity - memory
        self.parts.identity, self.parts.memory = layout.identity * a_frame, memory * a_frame
        self.parts.identity_text = layout.identity_text
        self.rope.times = tuple((*[IDENTITY_TIME] * layout.identity, *row, *range(shot)) for row in layout.memory)
        made: Tensor = super().forward(sequence, timestep, text, return_dict=False)[0]
        return made

    def select(self, pool: Pool) -> tuple[int, ...]:
        """Return the frames of a pool that the shot is shown, in the order of the pool.

        A pool that is no larger than the quota is shown whole: the queries are not asked.
        """
        if len(pool.times) <= pool.quota.frames:
            return tuple(range(len(pool.times)))
        _, rows, columns = self.config.patch_size
        rotary = self.rope.at(pool.times, pool.latents.shape[3] // rows, pool.latents.shape[4] // columns)
        selector, embed = self.keyframe_query, self.condition_embedder.text_embedder
        kind, asked = embed.linear_1.weight.dtype, selector.queries
        # Scores differ in small digits: the choice must not hang on how autocast rounds.
        with torch.autocast(asked.device.type, enabled=False):
            text, story = (embed(features.to(asked.device, kind))[0].to(asked.dtype)
                           for features in (pool.text, pool.story))
            found = selector(pool.latents.to(asked), text, story, rotary, pool.quota, pool.pinned)
        return tuple(sorted(found.frames.tolist()))

    def _with_memory(self, shot: ShotMemory, pool: Pool, sequence: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        """Put the chosen memory between identity and shot, noised as much as they are; drop what comes back for it."""
        if shot.chosen is None:
            shot.chosen = self.select(pool)
        chosen, sigma = list(shot.chosen), shot.sigma()
        clean, noise = (part[:, :, chosen] for part in (pool.latents, pool.noise))
        mask = torch.ones_like(clean[:, :MASK_CHANNELS])
        memory = torch.cat([(1 - sigma) * clean + sigma * noise, mask, clean], dim=1).to(sequence)
        joint = torch.cat([sequence[:, :, : shot.identity], memory, sequence[:, :, shot.identity :]], dim=2)
        layout = SequenceLayout(shot.identity, (tuple(pool.times[index] for index in chosen),), shot.identity_text)
        made = self.denoise(joint, timestep, text, layout)
        return torch.cat([made[:, :, : shot.identity], made[:, :, shot.identity + len(chosen) :]], dim=2)
