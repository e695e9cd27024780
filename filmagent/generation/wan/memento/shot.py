"""Films one shot with Memento's experts: pools in, latents out, with what each expert chose.

The stock loop samples [identity | shot]; memory enters inside the experts. Knows pipelines and latents; nothing of
requests, words or files. Source: Memento (arXiv 2606.14667) and its released programme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.generation.wan.denoising.conditions import ConditionEncoder, ShotCondition
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.remembering import experts_of, remembering
from filmagent.generation.wan.library import randn_tensor
from filmagent.generation.wan.memento.expert import MASK_CHANNELS, Pool, ShotMemory
from filmagent.generation.wan.memento.quota import Quota


@dataclass(frozen=True)
class Offer:
    """What one expert may choose from, as indices into the memory frames of the shot."""

    frames: tuple[int, ...]
    pinned: tuple[int, ...] = ()
    """Those of `frames` that are shown whatever the queries say."""


@dataclass(frozen=True)
class MemoryFrames:
    """The memory frames of a shot, encoded."""

    latents: Tensor
    """(1, 16, frames, h, w), each frame encoded alone."""
    times: tuple[int, ...]
    """Position of each frame, negative."""


@dataclass(frozen=True)
class ShotTexts:
    """Text features, each (1, tokens, text width)."""

    prompt: Tensor
    story: Tensor
    """Of the prompt's global part."""
    negative: Tensor | None
    """None: no guidance."""
    identity: Tensor | None = None
    """None: no identity frame is drawn."""
    nothing: Tensor | None = None
    """Of the empty text, which guides the identity frame away."""


@dataclass(frozen=True)
class MadeShot:
    """A denoised shot."""

    latents: Tensor
    """(1, 16, T, h, w)."""
    identity: Tensor | None
    """(1, 16, 1, h, w)."""
    chosen: Mapping[str, tuple[int, ...]]
    """Expert -> indices into the memory frames."""


def encode_memory(encoder: ConditionEncoder, pictures: Sequence[Image], size: FrameSize) -> Tensor:
    """Return memory frames as clean latents (1, 16, frames, h, w), each encoded alone."""
    condition = encoder.condition(pictures, None, 1, size)
    return condition.latents[:, MASK_CHANNELS:, : condition.memory]


def encode_sequence(encoder: ConditionEncoder, seam: Frames | None, frames: int, size: FrameSize,
                    identity: bool) -> ShotCondition:
    """Return the condition of [identity | shot]: nothing is known of the identity frame either."""
    shot = encoder.condition((), seam, frames, size)
    if not identity:
        return shot
    return ShotCondition(torch.cat([encoder.condition((), None, 1, size).latents, shot.latents], dim=2), memory=0)


def film_shot(
    pipeline: WanMemoryPipeline, condition: ShotCondition, memory: MemoryFrames | None, offers: Mapping[str, Offer],
    texts: ShotTexts, *, quota: Quota, steps: int, guidance: float, guided_by_memory: bool, seed: int,
    on_step: Callable[[int, int], None], cancelled: Callable[[], bool],
) -> MadeShot:
    """Denoise one shot.

    The shot's noise is drawn first, then the identity frame's, then the memory's: the same seed gives the same shot
    noise whatever is remembered.

    Args:
        pipeline: its experts are `MementoTransformer`s.
        condition: from `encode_sequence`.
        memory: the frames that `offers` speak of; None: there are none.
        offers: expert, as `experts_of` names it -> what it may choose from.
        texts: what is read; `texts.identity` says whether an identity frame stands in front.
        quota: how many frames each expert is shown.
        steps: denoising steps; `guidance`, `guided_by_memory`, `seed`, `on_step`, `cancelled` as in
            `WanMemoryPipeline.make_shot`.

    Raises:
        GenerationError, GenerationCancelledError: as `make_shot`.
    """
    identity = 0 if texts.identity is None else 1
    noise, memory_noise = _noise(condition, memory, identity, seed)
    shown: dict[str, ShotMemory] = {}
    experts = experts_of(pipeline)
    for name in experts:
        offer, pool = offers.get(name), None
        if memory is not None and offer is not None and offer.frames:
            pool = _pool(pipeline, memory, memory_noise, offer, texts, quota)
        shown[name] = ShotMemory(pool, lambda: _sigma(pipeline), identity,
                                 0 if texts.identity is None else texts.identity.shape[1])
    with remembering({expert: shown[name] for name, expert in experts.items()}):
        latents: Tensor = pipeline.make_shot(
            condition,
            prompt_embeds=_in_front(texts.identity, texts.prompt),
            negative_prompt_embeds=None if texts.negative is None else _in_front(
                texts.nothing if identity else None, texts.negative),
            steps=steps, guidance=guidance, guided_by_memory=guided_by_memory, latents=noise, output_type="latent",
            on_step=on_step, cancelled=cancelled,
        )
    chosen = {name: tuple(offers[name].frames[index] for index in given.chosen) for name, given in shown.items()
              if given.chosen is not None}
    return MadeShot(latents[:, :, identity:], latents[:, :, :1] if identity else None, chosen)


def _noise(condition: ShotCondition, memory: MemoryFrames | None, identity: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return the noise of [identity | shot], and that of the memory frames."""
    generator = torch.Generator().manual_seed(seed)
    frames, *size = condition.latents.shape[2:]
    channels = condition.latents.shape[1] - MASK_CHANNELS

    def drawn(count: int) -> Tensor:
        noise: Tensor = randn_tensor((1, channels, count, *size), generator, torch.device("cpu"), torch.float32)
        return noise

    shot = drawn(frames - identity)
    front = drawn(identity)
    return torch.cat([front, shot], dim=2), drawn(0 if memory is None else len(memory.times))


def _pool(pipeline: WanMemoryPipeline, memory: MemoryFrames, noise: Tensor, offer: Offer, texts: ShotTexts,
          quota: Quota) -> Pool:
    device, frames = pipeline._execution_device, list(offer.frames)
    return Pool(
        latents=memory.latents[:, :, frames].to(device),
        noise=noise[:, :, frames].to(device),
        times=tuple(memory.times[index] for index in frames),
        text=texts.prompt,
        story=texts.story,
        quota=quota,
        pinned=tuple(frames.index(index) for index in offer.pinned),
    )


def _sigma(pipeline: WanMemoryPipeline) -> float:
    """Return the noise level of the step at work; the solver counts steps from its first `step` call on."""
    return float(pipeline.scheduler.sigmas[pipeline.scheduler.step_index or 0])


def _in_front(identity: Tensor | None, text: Tensor) -> Tensor:
    return text if identity is None else torch.cat([identity, text], dim=1)
