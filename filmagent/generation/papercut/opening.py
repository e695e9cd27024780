"""How papercut films a cut: it draws the opening picture, then films on from it.

So small a model draws a sharper character in one picture than in many at once, and what it sees it can set in motion.
Both come out of the same diffusion model; a join begins with the frames of the take before, as everywhere.
Knows requests and frames; how a shot is denoised is the Wan generator's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from filmagent.generation.costs import ShotCost, ShotShape
from filmagent.generation.limits import TEMPORAL_STRIDE, check_request
from filmagent.generation.port import GeneratedShot, GenerationRequest
from filmagent.generation.wan.config import PictureFilming, Sampling
from filmagent.generation.wan.generator import WanStoryMemGenerator

FILMING_ON = frozenset({"behind_seams", "filming_adapter", "guidance_on", "steps_on"})
"""What of a fingerprint has no part in a picture alone."""
UNGUIDED = 1.0
"""Guidance of everything that is filmed on from frames: they say more than words, and guidance makes fragments of
what moves. It also takes half the time."""


class PapercutGenerator(WanStoryMemGenerator):
    """The Wan generator, with an opening picture at every cut."""

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        return {**super().fingerprint, "cut": "opening picture", "guidance_on": UNGUIDED, "steps_on": self._steps_on}

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot: at a cut its first frame from words and memory, then all others from words and that frame.

        Raises what `WanStoryMemGenerator.generate` raises.
        """
        if request.link != "scene_cut" or request.frames == 1:
            return super().generate(request)
        check_request(self.capabilities, request)
        shape = ShotShape(request.size, request.frames, len(request.memory))
        opening_cost, later_cost = self._cost_of_opening(shape), self._cost_of_filming_on(shape)
        # The opening picture's steps, said in steps of filming on, so that a progress bar runs evenly.
        ahead = round(opening_cost.denoise_flops / (later_cost.denoise_flops / later_cost.forwards))

        def opening_step(step: int, steps: int) -> None:
            request.on_step(round(ahead * step / steps), ahead + later_cost.forwards)

        def later_step(step: int, steps: int) -> None:
            request.on_step(ahead + step, ahead + steps)

        opening = super().generate(replace(request, frames=1, on_step=opening_step))
        # The opening picture has taken from memory what the shot shows: filming on reads that instead.
        filming_on = replace(
            request, link="MI2V", seam=opening.frames, memory=(), recollection=None, on_step=later_step
        )
        later = super().generate(filming_on)
        seconds = Counter(opening.seconds) + Counter(later.seconds)
        return replace(
            later,
            frames=np.concatenate([opening.frames, later.frames]),
            seconds={stage: round(spent, 3) for stage, spent in seconds.items()},
            notes=tuple(dict.fromkeys((*opening.notes, *later.notes))),
            chosen=opening.chosen,
        )

    def prepare(self, request: GenerationRequest) -> None:
        """As everywhere; of a cut only its opening picture is known before it is drawn."""
        super().prepare(replace(request, frames=1) if request.link == "scene_cut" else request)

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return the arithmetic of a shot that begins with a cut, opening picture included; a join takes less."""
        opening = self._cost_of_opening(shape)
        if shape.frames == 1:
            return opening
        later = self._cost_of_filming_on(shape)
        return ShotCost(
            tokens=max(opening.tokens, later.tokens),
            forwards=opening.forwards + later.forwards,
            denoise_flops=opening.denoise_flops + later.denoise_flops,
            decode_flops=opening.decode_flops + later.decode_flops,
        )

    @property
    def _steps_on(self) -> int:
        """Steps of everything that is filmed on, or as many as a picture takes if these are fewer."""
        sampling = self.config.sampling
        return min(sampling.steps if sampling.steps_on is None else sampling.steps_on, sampling.steps)

    def _sampling(self, request: GenerationRequest) -> Sampling:
        sampling = super()._sampling(request)
        if request.link == "scene_cut":
            return sampling
        return replace(sampling, steps=self._steps_on, guidance=UNGUIDED)

    def _cost_of_opening(self, shape: ShotShape) -> ShotCost:
        return super().cost(replace(shape, frames=1))

    def _cost_of_filming_on(self, shape: ShotShape) -> ShotCost:
        filming, cost = self.config.filming, super().cost
        if filming is None:
            return _with_forwards(cost(replace(shape, memory=0)), self._steps_on)
        steps = [_with_forwards(cost(each), self._steps_on) for each in _filmed_on(shape, filming)]
        return ShotCost(
            tokens=max(each.tokens for each in steps),
            forwards=sum(each.forwards for each in steps),
            denoise_flops=sum(each.denoise_flops for each in steps),
            decode_flops=filming.pictures(shape.frames) * cost(replace(shape, frames=1)).decode_flops,
        )


def _filmed_on(shape: ShotShape, filming: PictureFilming) -> list[ShotShape]:
    """What is denoised when a shot of this shape is filmed on from its first picture, which stays in memory."""
    steps = filming.steps(1, filming.pictures(shape.frames))
    seen = [min(new.start, filming.looks_back) + len(new) for new in steps]
    return [replace(shape, frames=1 + TEMPORAL_STRIDE * (latent_frames - 1), memory=1) for latent_frames in seen]


def _with_forwards(cost: ShotCost, forwards: int) -> ShotCost:
    return replace(cost, forwards=forwards, denoise_flops=cost.denoise_flops * forwards / cost.forwards)
