"""A Wan expert with OneStory's memory: it ranks all earlier frames, and attends to the best beside its own tokens.

To a sampler it is an ordinary expert. Inside, memory tokens stand behind those of the shot, in every block; they are
made once a shot from clean latents, and what becomes of them is thrown away before anything is predicted. The loop
over the blocks stays diffusers' own. Source: An et al., "OneStory" (arXiv 2512.07802), equations 2 to 8.
Knows tensors; nothing of pictures, prompts' words or files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from filmagent.generation.wan.library import Transformer2DModelOutput, WanTransformer3DModel
from filmagent.generation.wan.onestory.conditioner import Patchifiers
from filmagent.generation.wan.onestory.positions import ContextRope, Rotary
from filmagent.generation.wan.onestory.selector import FrameSelector, rank
from filmagent.generation.wan.onestory.shape import MemoryShape, patch_tokens, share_out

MEMORY_PARTS = ("frame_selector", "context_patchifiers")
"""Modules that OneStory adds to a base; their weights' names begin so."""
SELECTOR = MEMORY_PARTS[0]


@dataclass(frozen=True)
class Context:
    """Memory as tokens."""

    tokens: Tensor
    """(batch, tokens, width)."""
    rotary: Rotary


@dataclass(frozen=True)
class Pool:
    """All earlier frames that a shot may be shown."""

    latents: Tensor
    """Clean latents (1, channels, frames, h, w), each frame encoded alone."""
    times: tuple[int, ...]
    """Position of each frame, negative."""
    text: Tensor
    """The prompt's features from the text encoder (1, tokens, text width)."""
    show: int
    """At most so many are shown, whatever the budget."""
    pinned: tuple[int, ...] = ()
    """Frames that are shown first, whatever the queries say."""


@dataclass
class ShotMemory:
    """What an expert is given for one shot, and what it chose; the choice is made in its first forward."""

    pool: Pool | None
    """None: there is nothing to remember yet."""
    chosen: tuple[tuple[int, ...], ...] = ()
    """Frames of the pool that are shown, for each patchifier, finest first, each from most relevant."""
    context: Context | None = None

    def without_memory(self) -> ShotMemory:
        """Return what the same shot is given when there is nothing to remember."""
        return ShotMemory(None)


class OneStoryTransformer(WanTransformer3DModel):  # type: ignore[misc]  # diffusers has no types
    """diffusers' own expert with a frame selector and an adaptive conditioner."""

    _keep_in_fp32_modules: ClassVar[list[str]] = [*WanTransformer3DModel._keep_in_fp32_modules, SELECTOR]
    _skip_layerwise_casting_patterns: ClassVar[list[str]] = [
        *WanTransformer3DModel._skip_layerwise_casting_patterns, *MEMORY_PARTS,
    ]

    def __init__(self, memory: MemoryShape, **config: Any) -> None:
        """Make the expert; `config` are WanTransformer3DModel's arguments."""
        super().__init__(**config)
        shape, self.memory = self.config, memory
        self.shot: ShotMemory | None = None
        self.rope = ContextRope(shape.attention_head_dim, shape.patch_size, shape.rope_max_seq_len)
        self.frame_selector, self.context_patchifiers = new_memory(shape, memory)
        self._context: Context | None = None
        self.patch_embedding.register_forward_hook(self._join_context)
        self.norm_out.register_forward_pre_hook(self._drop_context)

    def forward(self, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor,
                encoder_hidden_states_image: Tensor | None = None, return_dict: bool = True,
                attention_kwargs: Mapping[str, Any] | None = None) -> Any:
        """Predict a shot (batch, channels, T, h, w) with the memory that it was given (`remembering`), if any."""
        seen = self.denoise(hidden_states, timestep, encoder_hidden_states, self._remembered())
        return Transformer2DModelOutput(sample=seen) if return_dict else (seen,)

    def denoise(self, sequence: Tensor, timestep: Tensor, text: Tensor, context: Context | None) -> Tensor:
        """Predict a shot beside memory tokens.

        Args:
            sequence: what the base reads, (batch, base's channels, T, h, w).
            timestep: (batch,); memory tokens have the same, as in FramePack.
            text: the text encoder's features (batch, tokens, text width).
            context: from `context_of`; None: nothing is shown.

        Returns:
            (batch, latents' channels, T, h, w).
        """
        self._context, self.rope.context = context, None if context is None else context.rotary
        try:
            made: Tensor = super().forward(sequence, timestep, text, return_dict=False)[0]
        finally:
            self._context = self.rope.context = None
        return made

    def scores(self, memory: Tensor, text: Tensor) -> Tensor:
        """Score every frame of a memory; arguments and result as in `FrameSelector.forward`.

        In float32, whatever autocast says: scores differ in small digits, and labels are learned by regression.
        """
        kind = self.frame_selector.queries
        with torch.autocast(kind.device.type, enabled=False):
            scored: Tensor = self.frame_selector(memory.to(kind), text.to(kind))
        return scored

    def share_out(self, frames: int, height: int, width: int, show: int | None = None) -> tuple[int, ...]:
        """Return how many of so many ranked frames each patchifier gets, finest first.

        Args:
            frames: frames that there are.
            height: of a frame in latents; `width` alike.
            show: at most so many are shown; None: as many as the budget allows.
        """
        shown = self.memory.shown
        most = shown.frames if show is None else min(show, shown.frames)
        costs = [patch_tokens(kernel, height, width) for kernel in self.memory.kernels]
        room = shown.latent_frames * patch_tokens(self.config.patch_size[1], height, width)
        return share_out(min(frames, most), costs, room)

    def context_of(self, memory: Tensor, times: Tensor, groups: Sequence[Tensor]) -> Context:
        """Make memory tokens.

        Args:
            memory: clean latents (batch, channels, frames, h, w).
            times: position of each frame, (batch, frames).
            groups: for each patchifier which frames it is given, (batch, frames of the group), maybe none; at least
                one has some.
        """
        side = self.config.patch_size[1]
        rows, columns = memory.shape[3] // side, memory.shape[4] // side
        turned = [self.rope.centred(times.gather(1, group), rows, columns, kernel // side)
                  for group, kernel in zip(groups, self.memory.kernels, strict=True) if group.shape[1]]
        cosines, sines = (torch.cat(tables, dim=1) for tables in zip(*turned, strict=True))
        return Context(self.context_patchifiers(memory, groups), (cosines, sines))

    def select(self, pool: Pool) -> tuple[tuple[int, ...], ...]:
        """Return the frames of a pool that each patchifier is given, finest first, each from most relevant."""
        ranked = rank(self.scores(pool.latents, pool.text), pool.pinned)[0].tolist()
        height, width = pool.latents.shape[3:]
        counts = self.share_out(len(ranked), height, width, pool.show)
        ends = [sum(counts[: place + 1]) for place in range(len(counts))]
        return tuple(tuple(ranked[end - count : end]) for count, end in zip(counts, ends, strict=True))

    def _remembered(self) -> Context | None:
        """Return the shot's memory tokens; they are made in its first forward, and kept for all steps."""
        shot = self.shot
        if shot is None or shot.pool is None:
            return None
        if shot.context is None:
            shot.chosen = self.select(shot.pool)
            device = shot.pool.latents.device
            groups = [torch.tensor([group], dtype=torch.long, device=device) for group in shot.chosen]
            shot.context = self.context_of(shot.pool.latents, torch.tensor([shot.pool.times], device=device), groups)
        return shot.context

    def _join_context(self, _: nn.Module, __: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        """Put memory tokens behind the shot's, (batch, width, tokens)."""
        if self._context is None:
            return embedded
        return torch.cat([embedded.flatten(2), self._context.tokens.transpose(1, 2).to(embedded)], dim=2)

    def _drop_context(self, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        """Let only the shot's tokens be predicted from."""
        if self._context is None:
            return None
        return (given[0][:, : given[0].shape[1] - self._context.tokens.shape[1]],)


def new_memory(config: Any, memory: MemoryShape) -> tuple[FrameSelector, Patchifiers]:
    """Return the modules that OneStory adds to a base of this configuration, with random weights."""
    heads, channels = config.num_attention_heads, config.out_channels
    width = heads * config.attention_head_dim
    return (FrameSelector(width, heads, channels, config.text_dim, memory),
            Patchifiers(channels, width, memory.kernels))


def onestory_from_base(base: WanTransformer3DModel, memory: MemoryShape) -> OneStoryTransformer:
    """Return an expert with a base's weights (the same tensors), and a memory that begins from them.

    The patchifiers begin as the base's patch embedding; the selector begins at random.

    Raises:
        ModelFilesError: the base cannot be given such a memory.
    """
    from accelerate import init_empty_weights

    with init_empty_weights():
        expert = OneStoryTransformer(memory, **{name: value for name, value in base.config.items()
                                                if not name.startswith("_")})
    selector, patchifiers = new_memory(base.config, memory)
    patchifiers.begin_as(base.patch_embedding)
    begun = {f"{part}.{name}": tensor.to(base.device) for part, module in
             zip(MEMORY_PARTS, (selector, patchifiers), strict=True) for name, tensor in module.state_dict().items()}
    expert.load_state_dict({**base.state_dict(), **begun}, strict=True, assign=True)
    expert.train(base.training)
    return expert
