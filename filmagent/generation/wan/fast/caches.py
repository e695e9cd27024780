"""Feature caches on the experts: diffusers' own hooks, put on and taken off, and never left with an old shot's state.

Every expert has its own hooks, and in them every branch of guidance its own state: nothing is carried from one to
another. A shot starts with empty states; what an error left behind is dropped then. Knows experts; nothing of shots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from filmagent.errors import UsageError
from filmagent.generation.wan.fast.options import FirstBlockCache, MagnitudeCache, Ratios
from filmagent.generation.wan.library import FirstBlockCacheConfig, HookRegistry, MagCacheConfig

_MAGNITUDE_HOOK = "mag_cache_leader_block_hook"
_PREFETCH_HOOK = "lazy_prefetch_group_offloading"


def start_caches(experts: Sequence[Any], cache: FirstBlockCache | MagnitudeCache | None, steps: Sequence[int]) -> None:
    """Have the experts' caches ready and empty for a shot, or take them off.

    Args:
        experts: WanTransformer3DModels, the high-noise one first.
        cache: which; None: no cache at all.
        steps: how many steps of the shot each expert makes.

    Raises:
        UsageError: the cache's ratios were measured for other numbers of steps.
    """
    for number, expert in enumerate(experts):
        if cache is None:
            if expert.is_cache_enabled:
                expert.disable_cache()
        elif isinstance(cache, FirstBlockCache):
            _enable(expert, FirstBlockCacheConfig(threshold=cache.threshold))
        elif steps[number] == 0:
            _enable(expert, MagCacheConfig(num_inference_steps=1, mag_ratios=[1.0]))
        else:
            ratios = (cache.high_noise, cache.low_noise)[number]
            if len(ratios) != steps[number]:
                raise UsageError(
                    f"the magnitude cache was measured for {len(cache.high_noise)} + {len(cache.low_noise)} steps of "
                    f"the experts, this shot makes {' + '.join(map(str, steps))}: measure it anew for these steps"
                )
            _enable(expert, MagCacheConfig(
                threshold=cache.threshold, max_skip_steps=cache.longest, retention_ratio=cache.retained,
                num_inference_steps=steps[number], mag_ratios=list(ratios),
            ))


def trace_offloading(experts: Sequence[Any]) -> None:
    """Let experts whose blocks are fetched ahead find the order of their blocks, on one token and before any cache.

    diffusers notes that order in the first forward, with a hook on every block that it takes away afterwards; a cache
    that was put on in between would go with it, and the first shot would be made in full.
    """
    for expert in experts:
        registry = HookRegistry.check_if_exists_or_initialize(expert)
        if registry.get_hook(_PREFETCH_HOOK) is None:
            continue
        config, number = expert.config, expert.patch_embedding.weight.dtype
        expert(
            hidden_states=torch.zeros(1, config.in_channels, *config.patch_size, dtype=number),
            timestep=torch.zeros(1),
            encoder_hidden_states=torch.zeros(1, 1, config.text_dim, dtype=number),
            return_dict=False,
        )


def start_measuring(experts: Sequence[Any], steps: Sequence[int]) -> None:
    """Have the experts measure how their residuals change, skipping nothing; see `measured_ratios`."""
    for expert, count in zip(experts, steps, strict=True):
        # One step more than there will be: diffusers prints and forgets its ratios at the last one.
        _enable(expert, MagCacheConfig(num_inference_steps=count + 1, calibrate=True))


def measured_ratios(expert: Any) -> Ratios:
    """Return the ratios that an expert measured, one a step, averaged over the branches of guidance.

    They are there until the shot's last step has ended.
    """
    hook = HookRegistry.check_if_exists_or_initialize(expert.blocks[0]).get_hook(_MAGNITUDE_HOOK)
    branches = [state.calibration_ratios for state in hook.state_manager._state_cache.values()]
    return tuple(sum(step) / len(step) for step in zip(*branches, strict=True))


def _enable(expert: Any, config: Any) -> None:
    if expert.is_cache_enabled:
        expert.disable_cache()
    expert.enable_cache(config)
