"""StoryMem's generator for experts that read memory once a shot. Importing this loads no torch.

Requests and memory policies are StoryMem's; only where memory enters differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from filmagent.errors import UsageError
from filmagent.generation.costs import ShotCost, ShotShape
from filmagent.generation.port import GenerationRequest
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.generator import ShotInWork, Translate, WanStoryMemGenerator

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from filmagent.generation.wan.budget.footprint import Footprint
    from filmagent.generation.wan.models import LoadedModels


class CachedMemoryGenerator(WanStoryMemGenerator):
    """A `Generator` on experts with adapters that were trained for memory that is read once."""

    def __init__(self, config: WanConfig, translate: Translate = caption_for_wan) -> None:
        """Keep the configuration; nothing is read. Raises UsageError for speed options that would miss a forward."""
        if config.speed.cache is not None or config.speed.compiled:
            raise UsageError(
                f"{config.name}: its memory is read in a forward of its own, which {config.speed.name} does not know: "
                "leave that out"
            )
        super().__init__(config, translate)

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames. Raises ModelFilesError."""
        return {**super().fingerprint, "memory": "read once"}

    def cost(self, shape: ShotShape) -> ShotCost:
        """Return a shot's arithmetic: memory is one forward of its own and a part of every attention."""
        shot = super().cost(replace(shape, memory=0))
        if not shape.memory:
            return shot
        footprint = self._footprint()
        of_memory = super().cost(shape).tokens - shot.tokens
        attention = 4.0 * shot.tokens * of_memory * footprint.shape.width * footprint.shape.layers
        # Linear in tokens but for attention among them, which is small beside it.
        alone = shot.denoise_flops / shot.forwards * of_memory / shot.tokens
        experts, sampling = len(footprint.experts), self.config.sampling
        one_forgets = sampling.guided_by_memory and sampling.guidance > 1
        reading = shot.forwards // 2 if one_forgets else shot.forwards
        flops = shot.denoise_flops + reading * attention + experts * alone
        return replace(shot, tokens=shot.tokens + of_memory, forwards=shot.forwards + experts, denoise_flops=flops)

    def _footprint(self) -> Footprint:
        from filmagent.generation.wan.cached.footprint import KeepingFootprint

        if self._measured is None:
            self._measured = KeepingFootprint(**vars(super()._footprint()))
        return self._measured

    def _load(self) -> LoadedModels:
        from filmagent.generation.wan.models import load_models

        if self._models is None:
            self._placement().check_budget()
            self._models = load_models(self.config, self._placement(), load_cached_expert)
        return self._models

    def _denoise(self, request: GenerationRequest, models: LoadedModels, work: ShotInWork) -> Tensor:
        """Return a shot's denoised latents (1, 16, T, h, w), on the CPU."""
        from filmagent.generation.wan.cached.expert import ShotMemory
        from filmagent.generation.wan.denoising.remembering import remembering
        from filmagent.generation.wan.memento.shot import encode_memory

        if not request.memory:
            return super()._denoise(request, models, work)
        with work.timed("encode"):
            latents = encode_memory(models.encoder, request.memory, request.size)
        pipeline = models.pipeline
        memory = ShotMemory(latents.to(pipeline._execution_device), self.config.sampling.memory_stride)
        with remembering(dict.fromkeys(pipeline.experts(), memory)):
            return super()._denoise(replace(request, memory=()), models, work)


def load_cached_expert(config: WanConfig, part: str, dtype: torch.dtype) -> Any:
    """Load an expert with its adapters, ready to keep its memory. Raises ModelFilesError as `load_adapted_expert`."""
    from filmagent.generation.wan.cached.expert import install_cached_memory
    from filmagent.generation.wan.models import load_adapted_expert

    return install_cached_memory(load_adapted_expert(config, part, dtype))
