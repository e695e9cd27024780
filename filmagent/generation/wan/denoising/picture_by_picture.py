"""Films on picture by picture: what is known behind, the next pictures denoised, then those after them.

For small models that were trained so. Every picture is encoded and decoded alone and is a latent frame of its own, as
memory frames are, so that what is filmed is as sharp as what is remembered; it is shown for some frames, as what is
animated on twos is. All that moves has moved by as much from one step to the next, which is far easier to learn
than a whole shot at once; diffusion models that go on without end are sampled alike (Chen et al., "Diffusion Forcing",
arXiv 2407.01392). The shot's first picture stays in memory throughout. Knows pictures and tensors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import GenerationCancelledError, GenerationError
from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.generation.wan.config import PictureFilming, UnknownShows
from filmagent.generation.wan.denoising.conditions import ConditionEncoder, ShotCondition
from filmagent.generation.wan.denoising.pipeline import MASK_CHANNELS, WanMemoryPipeline
from filmagent.generation.wan.weights.filming_adapter import SET
from filmagent.generation.wan.weights.matrices import matrices_in_use


class PictureConditionEncoder(ConditionEncoder):
    """Makes conditions of pictures: a shot behind a seam has a latent frame for every picture."""

    def __init__(self, vae: Any, unknown: UnknownShows, filming: PictureFilming) -> None:
        """As the parent; `filming` says for how many frames a picture is shown."""
        super().__init__(vae, unknown)
        self._filming = filming

    def condition(self, memory: Sequence[Image], seam: Frames | None, frames: int, size: FrameSize) -> ShotCondition:
        """As the parent for a picture alone; behind a seam memory, the seam's first picture among it, and pictures.

        The last one that is known stands for all that are not.

        Raises:
            GenerationError: nothing is known of a shot of several pictures.
        """
        if seam is None:
            if frames > 1:
                raise GenerationError(
                    f"nothing is known of a shot of {frames} frames, and this model films on from pictures alone: make "
                    "its first picture (1 frame), then film on from that"
                )
            return super().condition(memory, None, frames, size)
        known = [self._memory_frame(picture, size) for picture in seam[:: self._filming.shown_for]]
        remembered = [*(self._memory_frame(picture, size) for picture in memory), known[0]]
        shown = _held(torch.cat([*remembered, *known], dim=2), self._filming.pictures(frames) - len(known))
        return ShotCondition(shown, memory=len(remembered))


class PictureByPicturePipeline(WanMemoryPipeline):
    """The memory pipeline; behind a seam it denoises a few pictures after the others."""

    filming: PictureFilming

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
        """As the parent, which makes pictures that nothing is known of, or whose noise is given whole."""
        shot = condition.latents[:, :, condition.memory :]
        known, pictures = known_pictures(condition), shot.shape[2]
        if known in (0, pictures) or latents is not None:
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
        parts = self.filming.steps(known, pictures)
        for number, new in enumerate(parts):
            if cancelled():
                raise GenerationCancelledError(f"stopped before picture {new.start + 1} of {pictures}")

            def step_of_shot(step: int, steps: int, behind: int = number) -> None:
                on_step(behind * steps + step, len(parts) * steps)

            shown = next_condition(condition, filmed, self.filming.looks_back, len(new))
            with matrices_in_use(self.experts(), SET):
                found = super().make_shot(
                    shown, generator=generator, output_type="latent", on_step=step_of_shot, cancelled=cancelled, **how
                )
            filmed = torch.cat([filmed, found[:, :, -len(new) :].to(filmed)], dim=2)
        return filmed if output_type == "latent" else self.decode_shot(filmed)

    def decode_shot(self, latents: Tensor) -> Any:
        """As the parent, but every latent frame is a picture; all but the first are shown for several frames."""
        pictures = super().decode_shot(latents.transpose(1, 2).flatten(0, 1)[:, :, None])[:, 0]
        shown = [0, *(number for number in range(1, len(pictures)) for _ in range(self.filming.shown_for))]
        return pictures[shown][None]


def known_pictures(condition: ShotCondition) -> int:
    """How many pictures of the shot, from its first one, the condition holds."""
    return int(condition.latents[0, 0, condition.memory :, 0, 0].sum())


def next_condition(condition: ShotCondition, filmed: Tensor, looks_back: int, new: int) -> ShotCondition:
    """What is shown when `new` pictures behind `filmed` (1, 16, t, h, w) are made: memory, what is behind, a guess.

    The guess is that nothing moves.

    Args:
        condition: of the whole shot.
        filmed: all pictures so far, the seam's among them.
        looks_back: how many of these are shown at most.
        new: how many pictures are made.
    """
    in_front = condition.latents[:, :, : condition.memory]
    return ShotCondition(torch.cat([in_front, _held(filmed[:, :, -looks_back:], new)], dim=2), condition.memory)


def _held(known: Tensor, unknown: int) -> Tensor:
    """Mask and latents (1, 4 + 16, t + unknown, h, w) of known pictures (1, 16, t, h, w), the last one held behind."""
    latents = torch.cat([known, known[:, :, -1:].expand(-1, -1, unknown, -1, -1)], dim=2)
    mask = torch.ones_like(latents[:, :MASK_CHANNELS])
    mask[:, :, known.shape[2] :] = 0
    return torch.cat([mask, latents], dim=1)
