"""Makes the same shot in every variant and compares: seconds, memory, arithmetic, and how far it is from the plain one.

Pictures in memory are noise: time does not depend on them. Knows subjects and variants; nothing of words or tables.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filmagent.evaluation.generator_benchmark.meters import Clock, Work, counted, peak_bytes, reset_peak
from filmagent.evaluation.generator_benchmark.subjects import MEMORY_ADAPTER, Subject
from filmagent.evaluation.generator_benchmark.variants import PLAIN_VARIANT, Variant
from filmagent.generation.wan.budget.ladder import is_out_of_memory
from filmagent.generation.wan.compute.attention import ask_for_attention
from filmagent.generation.wan.config import DistilledAdapter, ModelCard, Sampling
from filmagent.generation.wan.denoising.conditions import ConditionEncoder, ShotCondition
from filmagent.generation.wan.denoising.schedule import make_fixed_scheduler
from filmagent.generation.wan.fast.calibration import measure_magnitudes
from filmagent.generation.wan.fast.compiling import compile_blocks
from filmagent.generation.wan.fast.distilled import NAME as FEW_STEP
from filmagent.generation.wan.fast.options import PLAIN, MagnitudeCache, SpeedOptions

WARM_STEPS = 2
"""Enough to run each expert once."""
SEED, MEASURING_SEED = 1, 2
"""Of the shots that are compared, and of the one that a magnitude cache is measured on: not the same."""
FEW_STEPS = DistilledAdapter(ModelCard("random", "none", "measured"), high_noise=Path(), low_noise=Path())
"""For its noise levels; the weights are random ones."""


@dataclass(frozen=True)
class Row:
    """One variant with one number of memory frames."""

    memory: int
    variant: str
    tokens: int
    steps: int
    forwards: int = 0
    computed: float = 0.0
    """Blocks computed, as a share of those of the plain loop."""
    step_seconds: float = 0.0
    encode_seconds: float = 0.0
    """Of memory and the grey clip, alike for all variants; `decode_seconds` of the shot as well."""
    denoise_seconds: float = 0.0
    decode_seconds: float = 0.0
    shot_seconds: float = 0.0
    """Encoding of memory, denoising and decoding; of text nothing."""
    peak_bytes: int | None = None
    tflops: float = 0.0
    """Achieved, 10^12 operations a second: what was computed, by the time of denoising."""
    share: float = 0.0
    """Of the rate at which this machine multiplies matrices, 0 to 1."""
    psnr: float | None = None
    """Of the final latents against the plain loop's at the same seed, decibels; None: equal to the last bit."""
    magnitudes: MagnitudeCache | None = None
    """The cache that was measured for this row."""
    failed: str = ""
    """Why there are no numbers."""


@dataclass(frozen=True)
class _Surroundings:
    """What all variants with one number of memory frames share."""

    condition: ShotCondition
    encode_seconds: float
    decode_seconds: float
    latents: Tensor
    """The plain loop's."""
    blocks: int
    """The plain loop's."""


def measure(
    subject: Subject,
    memories: Sequence[int],
    variants: Sequence[Variant],
    *,
    repeat: int,
    rate: float,
    say: Callable[[str], None],
) -> list[Row]:
    """Measure the plain loop and every variant with every number of memory frames.

    Args:
        subject: whom.
        memories: numbers of memory frames.
        variants: those beside the plain loop. Compiling cannot be undone: such variants are measured last.
        repeat: shots for each row, of which medians are taken.
        rate: operations a second of this machine's own matrix products.
        say: told what is at work.

    Raises:
        UsageError: an attention kernel cannot run here.
    """
    rows: list[Row] = []
    plain: dict[int, _Surroundings] = {}
    ordered = [
        (variant, memory)
        for compiled in (False, True)
        for memory in memories
        for variant in (PLAIN_VARIANT, *variants)
        if variant.speed.compiled == compiled
    ]
    for variant, memory in ordered:
        say(f"{memory} memory frames, {variant.name}")
        try:
            with torch.no_grad(), subject.precision.context():
                if variant is PLAIN_VARIANT:
                    condition, seconds = _encode(subject, memory)
                    row, latents, work = _row(subject, condition, variant, repeat, rate)
                    plain[memory] = _Surroundings(
                        condition, seconds, _decode_seconds(subject, latents), latents, work.blocks
                    )
                elif memory in plain:
                    row, latents, work = _row(subject, plain[memory].condition, variant, repeat, rate)
                else:
                    continue  # the plain loop did not fit; its row says so
            rows.append(_compared(row, latents, work, plain[memory]))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            rows.append(
                Row(memory, variant.name, subject.tokens(memory), subject.sampling.steps, failed="out of memory")
            )
    return sorted(rows, key=lambda row: memories.index(row.memory))


def _row(
    subject: Subject, condition: ShotCondition, variant: Variant, repeat: int, rate: float
) -> tuple[Row, Tensor, Work]:
    """Measure one variant; what it compares to is not known here."""
    pipeline, device = subject.pipeline, subject.precision.device
    scheduler = pipeline.scheduler
    sampling = _prepared(subject, variant)
    try:
        _shoot(subject, condition, replace(variant.speed, cache=None, compiled=False), sampling, WARM_STEPS)
        speed, magnitudes = replace(variant.speed, compiled=False), None
        if variant.magnitude is not None:
            pipeline.speed = PLAIN
            found = measure_magnitudes(pipeline, condition, **_arguments(subject, sampling, MEASURING_SEED))
            magnitudes = replace(found, threshold=variant.magnitude)
            speed = replace(speed, cache=magnitudes)
        reset_peak(device)
        seconds = []
        for _ in range(repeat):
            with counted(pipeline.experts(), variant.speed.compiled) as work:
                clock = Clock(device)
                latents = _shoot(subject, condition, speed, sampling, sampling.steps)
                seconds.append(clock.seconds())
    finally:
        pipeline.scheduler, pipeline.speed = scheduler, PLAIN
        _switch_adapters(subject, few_step=False)
        if variant.speed.attention is not None:
            for expert in pipeline.experts():
                expert.set_attention_backend("native")
    tokens, median = subject.tokens(condition.memory), statistics.median(seconds)
    adapters = subject.adapters.get(MEMORY_ADAPTER, 0) + variant.few_step * subject.adapters.get(FEW_STEP, 0)
    tflops = work.flops(subject.shape, tokens, sampling.max_sequence_length, adapters) / median / 1e12
    row = Row(
        memory=condition.memory,
        variant=variant.name,
        tokens=tokens,
        steps=sampling.steps,
        forwards=work.forwards,
        step_seconds=median / sampling.steps,
        denoise_seconds=median,
        peak_bytes=peak_bytes(device),
        tflops=tflops,
        share=tflops * 1e12 / rate,
        magnitudes=magnitudes,
    )
    return row, latents, work


def _compared(row: Row, latents: Tensor, work: Work, plain: _Surroundings) -> Row:
    return replace(
        row,
        computed=work.blocks / plain.blocks,
        psnr=psnr(latents, plain.latents),
        shot_seconds=plain.encode_seconds + row.denoise_seconds + plain.decode_seconds,
    )


def psnr(made: Tensor, wanted: Tensor) -> float | None:
    """Return the peak signal-to-noise ratio in decibels, the peak being the range of `wanted`; None when equal."""
    error = float((made.float() - wanted.float()).pow(2).mean())
    return None if error == 0 else 10 * math.log10(float(wanted.max() - wanted.min()) ** 2 / error)


def _prepared(subject: Subject, variant: Variant) -> Sampling:
    """Set what a variant needs besides speed options; returns how its shot is sampled."""
    pipeline, precision = subject.pipeline, subject.precision
    if variant.speed.attention is not None:
        dtype = torch.bfloat16 if precision.autocast else precision.expert_dtype
        ask_for_attention(pipeline.experts(), variant.speed.attention, precision.device, dtype)
    if variant.speed.compiled and not hasattr(pipeline.transformer.blocks[0].forward, "get_compiler_config"):
        compile_blocks(pipeline.experts())
    _switch_adapters(subject, few_step=variant.few_step)
    if not variant.few_step:
        return subject.sampling
    sigmas = FEW_STEPS.sigmas
    pipeline.scheduler = make_fixed_scheduler(sigmas, FEW_STEPS.shift)
    return replace(subject.sampling, steps=len(sigmas), sigmas=sigmas, guidance=1.0, guidance_2=None)


def _switch_adapters(subject: Subject, few_step: bool) -> None:
    if subject.weights != "random":
        return
    for expert in subject.pipeline.experts():
        expert.set_adapter([MEMORY_ADAPTER, FEW_STEP] if few_step else MEMORY_ADAPTER)


def _shoot(subject: Subject, condition: ShotCondition, speed: SpeedOptions, sampling: Sampling, steps: int) -> Tensor:
    """Denoise; returns latents on the CPU."""
    subject.pipeline.speed = speed
    arguments = _arguments(subject, sampling, SEED) | {"steps": steps if not sampling.sigmas else sampling.steps}
    made: Tensor = subject.pipeline.make_shot(condition, output_type="latent", **arguments)
    return made.cpu()


def _arguments(subject: Subject, sampling: Sampling, seed: int) -> dict[str, Any]:
    prompt, negative = subject.texts
    return {
        "steps": sampling.steps,
        "guidance": sampling.guidance,
        "guidance_2": sampling.guidance_2,
        "memory_stride": sampling.memory_stride,
        "prompt_embeds": prompt,
        "negative_prompt_embeds": negative if sampling.guidance > 1 else None,
        "generator": torch.Generator().manual_seed(seed),
    }


def _encode(subject: Subject, memory: int) -> tuple[ShotCondition, float]:
    """Encode pictures of noise and the grey clip; returns the seconds as well."""
    size = subject.size
    pictures = np.random.default_rng(memory).integers(0, 256, (memory, size.height, size.width, 3), dtype=np.uint8)
    clock = Clock(subject.precision.device)
    condition = ConditionEncoder(subject.pipeline.vae).condition(list(pictures), None, subject.frames, size)
    return condition, clock.seconds()


def _decode_seconds(subject: Subject, latents: Tensor) -> float:
    clock = Clock(subject.precision.device)
    subject.pipeline.decode_shot(latents)
    return clock.seconds()
