"""Films one shot with OneStory's experts: all earlier frames in, latents out, with what each expert chose.

The stock loop samples the shot; memory enters inside the experts. Knows pipelines and latents; nothing of requests,
words or files. Source: OneStory (arXiv 2512.07802).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.generation.port import Candidate
from filmagent.generation.wan.config import Sampling
from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.remembering import experts_of, remembering
from filmagent.generation.wan.onestory.expert import OneStoryTransformer, Pool, ShotMemory


@dataclass(frozen=True)
class EarlierFrames:
    """The frames of all earlier shots, encoded."""

    latents: Tensor
    """(1, 16, frames, h, w), each frame encoded alone."""
    times: tuple[int, ...]
    """Position of each frame, negative."""
    told: tuple[Candidate, ...]
    """Who may choose which, and what is pinned."""
    show: int
    """At most so many are shown."""


@dataclass(frozen=True)
class MadeShot:
    """A denoised shot."""

    latents: Tensor
    """(1, 16, T, h, w)."""
    chosen: Mapping[str, tuple[int, ...]]
    """Expert -> indices into the earlier frames; and expert with patch size (`high_noise 4x4`) -> those of them that
    it was shown in such patches, from most relevant."""


def film_shot(
    pipeline: WanMemoryPipeline, condition: ShotCondition, memory: EarlierFrames | None, features: Sequence[Tensor], *,
    sampling: Sampling, seed: int, on_step: Callable[[int, int], None], cancelled: Callable[[], bool],
) -> MadeShot:
    """Denoise one shot. The same seed gives the same noise whatever is remembered.

    Args:
        pipeline: its experts are `OneStoryTransformer`s.
        condition: of the shot alone, from `ConditionEncoder` without memory.
        memory: None: there is nothing to remember yet.
        features: of the prompt, and of the negative prompt if guidance is on; each (1, tokens, text width).
        sampling: steps and guidance; `seed`, `on_step`, `cancelled` as in `WanMemoryPipeline.make_shot`.

    Raises:
        GenerationError, GenerationCancelledError: as `make_shot`.
    """
    experts = experts_of(pipeline)
    given = {name: ShotMemory(_pool(pipeline, memory, name, features[0])) for name in experts}
    with remembering({expert: given[name] for name, expert in experts.items()}):
        latents: Tensor = pipeline.make_shot(
            condition,
            prompt_embeds=features[0],
            negative_prompt_embeds=features[1] if len(features) > 1 else None,
            steps=sampling.steps, guidance=sampling.guidance, guidance_2=sampling.guidance_2,
            guided_by_memory=sampling.guided_by_memory,
            generator=torch.Generator().manual_seed(seed), output_type="latent", on_step=on_step, cancelled=cancelled,
        )
    chosen: dict[str, tuple[int, ...]] = {}
    for name, expert in experts.items():
        if memory is not None and any(given[name].chosen):
            chosen |= _in_words(name, expert, _offered(memory, name), given[name].chosen)
    return MadeShot(latents, chosen)


def _offered(memory: EarlierFrames, name: str) -> list[int]:
    return [index for index, each in enumerate(memory.told) if not each.experts or name in each.experts]


def _pool(pipeline: WanMemoryPipeline, memory: EarlierFrames | None, name: str, text: Tensor) -> Pool | None:
    if memory is None or not (frames := _offered(memory, name)):
        return None
    return Pool(
        latents=memory.latents[:, :, frames].to(pipeline._execution_device),
        times=tuple(memory.times[index] for index in frames),
        text=text,
        show=memory.show,
        pinned=tuple(place for place, index in enumerate(frames) if memory.told[index].pinned),
    )


def _in_words(name: str, expert: OneStoryTransformer, frames: Sequence[int],
              groups: Sequence[Sequence[int]]) -> dict[str, tuple[int, ...]]:
    shown = {f"{name} {kernel}x{kernel}": tuple(frames[index] for index in group)
             for kernel, group in zip(expert.memory.kernels, groups, strict=True) if group}
    return {name: tuple(sorted(index for group in shown.values() for index in group)), **shown}
