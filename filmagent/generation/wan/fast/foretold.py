"""What the speed options change in a shot's arithmetic and memory, before a weight is loaded.

Counts what is certain: steps, guidance that ends early, a few-step adapter's weights. What a cache is going to skip
depends on the shot: it counts as computed, until earlier takes tell. Knows headers and schedules; nothing of devices.
"""

from __future__ import annotations

import math
from dataclasses import replace

from filmagent.generation.costs import ShotCost, ShotShape
from filmagent.generation.wan.budget.cost import shot_tokens
from filmagent.generation.wan.budget.footprint import Footprint
from filmagent.generation.wan.config import DistilledAdapter, Sampling
from filmagent.generation.wan.fast.options import FirstBlockCache, SpeedOptions


def cost_at_speed(footprint: Footprint, shape: ShotShape) -> ShotCost:
    """Return a shot's arithmetic with the speed options of the footprint's configuration.

    Args:
        footprint: of the configuration, without its few-step adapter.
        shape: the shot.

    Raises:
        ModelFilesError: the few-step adapter's files are missing or broken.
    """
    config, cost = footprint.config, footprint.cost(shape)
    forwards = cost.forwards
    if config.speed.guidance_interval is not None and config.sampling.guidance > 1:
        forwards = config.sampling.steps + guided_steps(config.sampling, config.speed)
    denoise = cost.denoise_flops * forwards / cost.forwards
    if config.distilled is not None:
        high, *_ = few_step_numbers(config.distilled)
        denoise += 2.0 * forwards * cost.tokens * high
    return replace(cost, forwards=forwards, denoise_flops=denoise)


def with_few_step(footprint: Footprint) -> Footprint:
    """Return the footprint with a few-step adapter's weights on the experts. Raises ModelFilesError."""
    if (adapter := footprint.config.distilled) is None:
        return footprint
    experts = tuple(
        replace(expert, adapters=expert.adapters + number)
        for expert, number in zip(footprint.experts, few_step_numbers(adapter), strict=True)
    )
    return replace(footprint, experts=experts)


def cache_bytes(footprint: Footprint, shape: ShotShape, number_bytes: int) -> int:
    """Return what a cache keeps from step to step: sequences of each expert and each branch of guidance.

    A first-block cache keeps the first block's output and residual, and that of all others; a magnitude cache the
    input of the blocks and their residual. They stay until the shot is denoised, where the experts compute.
    """
    config = footprint.config
    if config.speed.cache is None:
        return 0
    sequences = 3 if isinstance(config.speed.cache, FirstBlockCache) else 2
    branches = 2 if config.sampling.guidance > 1 else 1
    sequence = shot_tokens(shape, footprint.shape, footprint.stride) * footprint.shape.width * number_bytes
    return sequences * branches * len(footprint.experts) * sequence


def guided_steps(sampling: Sampling, speed: SpeedOptions) -> int:
    """Return how many of a shot's steps are guided in both branches."""
    from filmagent.generation.wan.denoising.schedule import make_scheduler

    low, high = speed.guidance_interval or (0.0, 1.0)
    scheduler = make_scheduler(sampling.grid, sampling.shift)
    scheduler.set_timesteps(sampling.steps)
    levels = scheduler.timesteps / scheduler.config.num_train_timesteps
    return int(((levels >= low) & (levels <= high)).sum())


def few_step_numbers(adapter: DistilledAdapter) -> tuple[int, ...]:
    """Return how many numbers the adapter's file for each expert holds. Raises ModelFilesError."""
    from filmagent.generation.wan.fast.distilled import files_of, todo_for
    from filmagent.generation.wan.weights.files import shapes_of

    todo = todo_for(adapter)
    return tuple(sum(math.prod(shape) for shape in shapes_of(file, todo).values()) for file in files_of(adapter))
