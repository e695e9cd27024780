"""A Wan expert that reads memory once a shot, and from then on attends to what it kept of it.

Memory frames are known frames without noise: the expert reads them as [z, 1, z] (latents, mask, latents) at timestep 0,
at StoryMem's negative positions, among themselves alone, and without any text. So nothing of them hangs on the step or
on the prompt, and the keys and values of every block serve all steps and both guidance passes; the shot's tokens attend
to [memory | shot]. Nothing is predicted for memory. This is a trial of this project, after StoryMem's layout
(arXiv 2512.19539); an expert must have been trained so. Knows tensors; nothing of pictures, words or files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from filmagent.generation.wan.cached.attention import KeepingAttention, KeysValues, TellingRope, TextOrNothing
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.library import Transformer2DModelOutput, WanTransformer3DModel

MASK_CHANNELS = 4


@dataclass
class ShotMemory:
    """What a shot's experts are given, shared by them; only the one at work has its keys and values here.

    At 832x480 in bfloat16, those of ten frames take 12.8 GB for an A14B expert.
    """

    latents: Tensor
    """Clean latents (1, channels, frames, h, w), oldest first, one frame or more."""
    stride: int
    """Latent positions between neighbouring memory frames."""
    keeper: Any = None
    """The expert whose they are."""
    kept: tuple[KeysValues, ...] = ()

    def without_memory(self) -> None:
        """Return nothing: memory is all of it."""


class CachedMemoryTransformer(WanTransformer3DModel):  # type: ignore[misc]  # diffusers has no types
    """diffusers' own expert with other attention processors: made by `install_cached_memory`."""

    shot: ShotMemory | None = None

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_hidden_states_image: Tensor | None = None,
        return_dict: bool = True,
        attention_kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Predict a shot (batch, channels, T, h, w) beside the memory that it was given (`remembering`), if any."""
        seen = self.denoise(hidden_states, timestep, encoder_hidden_states, self._remembered(hidden_states))
        return Transformer2DModelOutput(sample=seen) if return_dict else (seen,)

    def memorise(self, latents: Tensor, stride: int) -> tuple[KeysValues, ...]:
        """Return every block's keys and values of memory frames.

        Args:
            latents: clean latents (batch, channels, frames, h, w), oldest first, one frame or more.
            stride: latent positions between neighbouring memory frames.

        Raises:
            GenerationError: the farthest memory frame lies beyond the rotary tables.
        """
        known = torch.cat([latents, torch.ones_like(latents[:, :MASK_CHANNELS]), latents], dim=1)
        now = torch.zeros(len(latents), device=latents.device)
        nothing = latents.new_zeros(len(latents), 0, self.config.text_dim)
        taken: dict[int, KeysValues] = {}
        with memory_positions([self.rope], latents.shape[2], stride), self._telling(taken=taken):
            super().forward(known, now, nothing, return_dict=False)
        return tuple(taken[block] for block in range(len(self.blocks)))

    def denoise(self, sequence: Tensor, timestep: Tensor, text: Tensor, kept: tuple[KeysValues, ...]) -> Tensor:
        """Predict a shot beside memory.

        Args:
            sequence: what the base reads of the shot, (batch, base's channels, T, h, w).
            timestep: (batch,).
            text: the text encoder's features (batch, tokens, text width).
            kept: from `memorise`; empty: nothing is remembered.

        Returns:
            (batch, latents' channels, T, h, w).
        """
        with self._telling(kept=kept):
            made: Tensor = super().forward(sequence, timestep, text, return_dict=False)[0]
        return made

    def _remembered(self, sequence: Tensor) -> tuple[KeysValues, ...]:
        """Return the shot's memory as this expert reads it, which it does in its first forward."""
        shot = self.shot
        if shot is None:
            return ()
        if shot.keeper is not self:
            shot.kept = ()  # the other expert's work is done: its memory makes room
            shot.kept, shot.keeper = self.memorise(shot.latents.to(sequence), shot.stride), self
        return shot.kept

    @contextmanager
    def _telling(self, kept: tuple[KeysValues, ...] = (), taken: dict[int, KeysValues] | None = None) -> Iterator[None]:
        """Tell the blocks of memory for the time of one forward."""
        self.rope.kept, self.rope.taken = kept, taken
        try:
            yield
        finally:
            self.rope.kept, self.rope.taken = (), None


def install_cached_memory(expert: Any) -> CachedMemoryTransformer:
    """Make a WanTransformer3DModel one that keeps its memory; it has the same weights, and LoRAs stay on it.

    Raises:
        GenerationError: hooks are on the expert's rotary embedding already.
    """
    install_memory_rope(expert).__class__ = TellingRope
    for number, block in enumerate(expert.blocks):
        block.attn1.set_processor(KeepingAttention(number))
        block.attn2.set_processor(TextOrNothing())
    expert.__class__ = CachedMemoryTransformer  # it has no weight of its own, so nothing needs loading again
    installed: CachedMemoryTransformer = expert
    return installed
