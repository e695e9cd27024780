"""Puts a configuration's speed options on loaded models, once; refuses what could not work on them.

Only compiled blocks (`compiling`) come earlier, before anything is hooked. Knows loaded models and options; the loop
that uses them is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from filmagent.errors import UsageError
from filmagent.generation.wan.compute.attention import ask_for_attention
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.denoising.schedule import make_fixed_scheduler
from filmagent.generation.wan.fast.caches import trace_offloading
from filmagent.generation.wan.fast.distilled import NAME, attach_distilled
from filmagent.generation.wan.library import WanTransformer3DModel

if TYPE_CHECKING:
    from filmagent.generation.wan.models import LoadedModels

LoadExpert = Callable[[WanConfig, str, torch.dtype], Any]


def with_distilled(load_expert: LoadExpert) -> LoadExpert:
    """Return a loader of experts that puts the few-step adapter on them as well, before anything is hooked."""

    def load(config: WanConfig, part: str, dtype: torch.dtype) -> Any:
        expert = load_expert(config, part, dtype)
        attach_distilled(expert, config, part)
        return expert

    return load


def make_faster(models: LoadedModels, config: WanConfig) -> None:
    """Switch a configuration's speed options on, on models that were loaded with it a moment ago.

    Args:
        models: the models; nothing was generated with them yet.
        config: whose `speed`, `sampling` and `distilled` are meant.

    Raises:
        UsageError: an option cannot work on these models or on this machine.
    """
    pipeline, speed = models.pipeline, config.speed
    experts = pipeline.experts()
    if speed.joint_guidance and (own := next((each for each in experts if type(each) is not WanTransformer3DModel),
                                             None)):
        raise UsageError(
            f"joint guidance: a {type(own).__name__} reads one sequence at a time; guide in two forwards"
        )
    if config.distilled is not None and any(NAME not in getattr(each, "peft_config", {}) for each in experts):
        raise UsageError(f"{config.distilled.card.name}: this generator takes no few-step adapter; leave it out")
    if config.sampling.sigmas:
        pipeline.scheduler = make_fixed_scheduler(config.sampling.sigmas, config.sampling.shift)
    if speed.attention is not None:
        precision = models.precision
        dtype = torch.bfloat16 if precision.autocast else precision.expert_dtype
        ask_for_attention(experts, speed.attention, precision.device, dtype)
    if speed.cache is not None:
        with torch.no_grad(), models.precision.context():
            trace_offloading(experts)
    pipeline.speed = speed
