"""How papercut films a cut: it draws the opening picture, then films on from it.

So small a model draws a sharper character in one latent frame than in five at once, and what it sees it can set in
motion. Both come out of the same diffusion model; a join begins with the frames of the take before, as everywhere.
Knows requests and frames; how a shot is denoised is the Wan generator's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from filmagent.generation.costs import ShotCost, ShotShape
from filmagent.generation.limits import check_request
from filmagent.generation.port import GeneratedShot, GenerationRequest
from filmagent.generation.wan.config import Sampling
from filmagent.generation.wan.generator import WanStoryMemGenerator

UNGUIDED = 1.0
"""Guidance of everything that is filmed on from frames: they say more than words, and guidance makes fragments of
what moves. It also takes half the time."""


class PapercutGenerator(WanStoryMemGenerator):
    """The Wan generator, with an opening picture at every cut."""

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        return {**super().fingerprint, "cut": "opening picture", "guidance_on": UNGUIDED}

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot: at a cut its first frame from words and memory, then all others from words and that frame.

        Raises what `WanStoryMemGenerator.generate` raises.
        """
        if request.link != "scene_cut" or request.frames == 1:
            return super().generate(request)
        check_request(self.capabilities, request)
        shape = ShotShape(request.size, request.frames, len(request.memory))
        share = self._cost_of_opening(shape).denoise_flops / self._cost_of_filming_on(shape).denoise_flops

        def in_steps(steps: int) -> int:
            """Say steps of the opening picture in steps of filming on, so that a progress bar runs evenly."""
            return round(steps * share)

        def opening_step(step: int, steps: int) -> None:
            request.on_step(in_steps(step), in_steps(steps) + steps)

        def later_step(step: int, steps: int) -> None:
            request.on_step(in_steps(steps) + step, in_steps(steps) + steps)

        opening = super().generate(replace(request, frames=1, on_step=opening_step))
        later = super().generate(replace(request, link="MI2V", seam=opening.frames, on_step=later_step))
        seconds = Counter(opening.seconds) + Counter(later.seconds)
        return replace(
            later,
            frames=np.concatenate([opening.frames, later.frames]),
            seconds={stage: round(spent, 3) for stage, spent in seconds.items()},
            notes=tuple(dict.fromkeys((*opening.notes, *later.notes))),
        )

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return the arithmetic of a shot that begins with a cut, opening picture included; a join takes less."""
        opening, later = self._cost_of_opening(shape), self._cost_of_filming_on(shape)
        return ShotCost(
            tokens=later.tokens,
            forwards=opening.forwards + later.forwards,
            denoise_flops=opening.denoise_flops + later.denoise_flops,
            decode_flops=opening.decode_flops + later.decode_flops,
        )

    def _sampling(self, request: GenerationRequest) -> Sampling:
        sampling = super()._sampling(request)
        return sampling if request.link == "scene_cut" else replace(sampling, guidance=UNGUIDED)

    def _cost_of_opening(self, shape: ShotShape) -> ShotCost:
        return super().cost(replace(shape, frames=1))

    def _cost_of_filming_on(self, shape: ShotShape) -> ShotCost:
        guided, steps = super().cost(shape), self.config.sampling.steps
        return replace(guided, forwards=steps, denoise_flops=guided.denoise_flops * steps / guided.forwards)

