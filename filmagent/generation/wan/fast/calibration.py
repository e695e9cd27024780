"""Measures a magnitude cache: how an expert's residual changes from step to step, on a shot made in full.

With memory in the sequence, since the cache is going to work with it; each expert by itself, since the other one's
residuals are another network's. Knows pipelines and conditions; nothing of files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.fast.caches import measured_ratios
from filmagent.generation.wan.fast.options import MagnitudeCache, Ratios


def measure_magnitudes(pipeline: WanMemoryPipeline, condition: ShotCondition, **shot: Any) -> MagnitudeCache:
    """Make one shot in full and return the cache for shots of as many steps.

    Args:
        pipeline: its speed options are kept, but for the cache.
        condition: with as many memory frames as the shots to come.
        shot: further arguments of `WanMemoryPipeline.make_shot`, all but `output_type` and `on_step`.
    """
    experts = pipeline.experts()
    found: list[Ratios] = []

    def after_step(step: int, steps: int) -> None:
        if step == steps:  # the stock code forgets the states when the shot ends
            found.extend(measured_ratios(expert) for expert in experts)

    kept, pipeline.speed = pipeline.speed, replace(pipeline.speed, cache=None)
    pipeline.measures = True
    try:
        pipeline.make_shot(condition, output_type="latent", on_step=after_step, **shot)
    finally:
        pipeline.speed, pipeline.measures = kept, False
    return MagnitudeCache(found[0], found[1] if len(found) > 1 else ())
