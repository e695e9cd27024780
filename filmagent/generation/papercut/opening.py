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
from filmagent.generation.wan.generator import WanStoryMemGenerator


class PapercutGenerator(WanStoryMemGenerator):
    """The Wan generator, with an opening picture at every cut."""

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        return {**super().fingerprint, "cut": "opening picture"}

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot: at a cut its first frame from words and memory, then all others from words and that frame.

        Raises what `WanStoryMemGenerator.generate` raises.
        """
        if request.link != "scene_cut" or request.frames == 1:
            return super().generate(request)
        check_request(self.capabilities, request)
        shapes = [ShotShape(request.size, frames, len(request.memory)) for frames in (1, request.frames)]
        opening_cost, whole_cost = (self._plain_cost(shape).denoise_flops for shape in shapes)

        def in_steps(steps: int) -> int:
            """Say steps of the opening picture in steps of the whole shot, so that a progress bar runs evenly."""
            return round(steps * opening_cost / whole_cost)

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
        opening, whole = self._plain_cost(replace(shape, frames=1)), self._plain_cost(shape)
        return ShotCost(
            tokens=whole.tokens,
            forwards=opening.forwards + whole.forwards,
            denoise_flops=opening.denoise_flops + whole.denoise_flops,
            decode_flops=opening.decode_flops + whole.decode_flops,
        )

    def _plain_cost(self, shape: ShotShape) -> ShotCost:
        return super().cost(shape)

