"""The optimizer of a memory's training: AdamW, or the same with states of 8 bits where bitsandbytes is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from filmagent.errors import UsageError
from filmagent.generation.wan.memento.checkpoints import SELECTOR as MEMENTO_SELECTOR
from filmagent.generation.wan.onestory.expert import SELECTOR as ONESTORY_SELECTOR
from filmagent.training.memory.settings import MemoryTraining

SELECTORS = (MEMENTO_SELECTOR, ONESTORY_SELECTOR)
"""What the names of selectors' weights begin with."""
WEIGHT_DECAY = 0.01
CLIP = 1.0
"""Largest norm of a step's gradients."""


def check_optimizer(settings: MemoryTraining) -> None:
    """Raise UsageError where states of 8 bits are asked for and bitsandbytes is not installed."""
    if settings.eight_bit and find_spec("bitsandbytes") is None:
        raise UsageError(
            "8-bit AdamW needs bitsandbytes, which is not installed: `pip install bitsandbytes`, or leave "
            "--eight-bit out"
        )


def make_optimizer(settings: MemoryTraining, weights: Mapping[str, nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of the weights that learn; a selector has a rate of its own."""
    others = [weight for name, weight in weights.items() if not name.startswith(SELECTORS)]
    selector = [weight for name, weight in weights.items() if name.startswith(SELECTORS)]
    groups: list[dict[str, Any]] = [{"params": others, "times": 1.0}]
    if selector:
        groups.append({"params": selector, "times": settings.selector_rate})
    kind: Any = torch.optim.AdamW
    if settings.eight_bit:
        kind = import_module("bitsandbytes.optim").AdamW8bit
    optimizer: torch.optim.Optimizer = kind(groups, lr=settings.rate, weight_decay=WEIGHT_DECAY)
    return optimizer


def set_rates(optimizer: torch.optim.Optimizer, settings: MemoryTraining, step: int) -> float:
    """Set the rates of a step (from 0), which rise over the warm-up; returns the LoRA's."""
    rate = settings.rate * min(1.0, (step + 1) / settings.warm_up)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["times"]
    return rate
