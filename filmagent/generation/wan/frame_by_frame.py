"""Films on one latent frame at a time: what is known behind, the next frame denoised, then the one after it.

For small models that were trained so. All that moves has moved by as much from one latent frame to the next, which is
far easier to learn than a whole shot at once; diffusion models that go on without end are sampled alike (Chen et al.,
"Diffusion Forcing", arXiv 2407.01392). What is known is not denoised again. Shots that nothing is known of
are the parent's. Knows tensors alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import GenerationCancelledError
from filmagent.generation.wan.conditions import ShotCondition
from filmagent.generation.wan.pipeline import MASK_CHANNELS, WanMemoryPipeline


class FrameByFramePipeline(WanMemoryPipeline):
    """The memory pipeline; behind a seam it denoises one latent frame after the other."""

    looks_back: int = 1
    """How many of the latent frames before it each one is denoised behind."""

    @torch.no_grad()
    def make_shot(
        self,
        condition: ShotCondition,
        *,
        generator: torch.Generator | None = None,
        latents: Tensor | None = None,
        keep_memory: bool = False,
        output_type: str = "np",
        on_step: Callable[[int, int], None] = lambda step, steps: None,
        cancelled: Callable[[], bool] = lambda: False,
        **how: Any,
    ) -> Any:
        """As the parent, which makes shots that nothing is known of, or whose noise is given whole."""
        shot = condition.latents[:, :, condition.memory :]
        known, frames = known_latent_frames(condition), shot.shape[2]
        if known in (0, frames) or latents is not None:
            return super().make_shot(
                condition,
                generator=generator,
                latents=latents,
                keep_memory=keep_memory,
                output_type=output_type,
                on_step=on_step,
                cancelled=cancelled,
                **how,
            )
        filmed = shot[:, MASK_CHANNELS:, :known]
        for frame in range(known, frames):
            if cancelled():
                raise GenerationCancelledError(f"stopped before latent frame {frame + 1} of {frames}")
            behind = frame - known

            def step_of_frame(step: int, steps: int, behind: int = behind) -> None:
                on_step(behind * steps + step, (frames - known) * steps)

            found = super().make_shot(
                next_condition(condition, filmed, known, self.looks_back),
                generator=generator,
                output_type="latent",
                on_step=step_of_frame,
                cancelled=cancelled,
                **how,
            )
            filmed = torch.cat([filmed, found[:, :, -1:].to(filmed)], dim=2)
        return filmed if output_type == "latent" else self.decode_shot(filmed)


def known_latent_frames(condition: ShotCondition) -> int:
    """How many latent frames of the shot, from its first one, the condition holds."""
    return int(condition.latents[0, 0, condition.memory :, 0, 0].sum())


def next_condition(condition: ShotCondition, filmed: Tensor, known: int, looks_back: int) -> ShotCondition:
    """What is shown when the latent frame behind `filmed` (1, 16, t, h, w) is made: memory, what is behind, a guess.

    The guess is that nothing moves. For the first frame behind the seam it is the condition's own, the seam's last
    picture held; later it is the last latent frame, so that nothing has to be decoded before the shot is complete.

    Args:
        condition: of the whole shot.
        filmed: all latent frames so far, the seam's among them.
        known: latent frames of the seam.
        looks_back: how many of the frames so far are shown at most.
    """
    memory, frame = condition.memory, filmed.shape[2]
    first = max(0, frame - looks_back)
    guess = condition.latents[:, MASK_CHANNELS:, memory + frame] if frame == known else filmed[:, :, -1]
    shown = torch.cat([filmed[:, :, first:], guess[:, :, None].to(filmed)], dim=2)
    mask = torch.ones_like(shown[:, :MASK_CHANNELS])
    mask[:, :, -1] = 0
    behind = torch.cat([mask, shown], dim=1)
    return ShotCondition(torch.cat([condition.latents[:, :, :memory], behind], dim=2), memory)
