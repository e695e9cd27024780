"""Experts with random weights, made where they compute: no file is read, no copy is made on the way.

Random weights take as long as trained ones. What a cache skips and how far a shortcut errs is another matter: that
they do not tell. Knows shapes and devices; nothing of sampling.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from filmagent.generation.wan.library import WanRotaryPosEmbed, WanTransformer3DModel
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS

UPDATE = 0.01
"""Spread of an adapter's second half: small beside the weights."""


def empty_expert(config: Mapping[str, Any]) -> Any:
    """Return a WanTransformer3DModel that takes no memory: for its shapes, or to be filled."""
    with torch.device("meta"):
        return WanTransformer3DModel(**config)


def random_expert(config: Mapping[str, Any], device: torch.device, dtype: torch.dtype, seed: int) -> Any:
    """Return a WanTransformer3DModel with random weights on a device, in the types that Wan runs in.

    Args:
        config: arguments of WanTransformer3DModel.
        device: where it is made.
        dtype: of the weights; those that Wan keeps in float32 stay so.
        seed: of the weights.
    """
    expert = empty_expert(config)
    shape, noise = expert.config, torch.Generator(device).manual_seed(seed)
    # Its tables are computed when it is made, not loaded.
    expert.rope = WanRotaryPosEmbed(shape.attention_head_dim, shape.patch_size, shape.rope_max_seq_len).to(device)
    for name, parameter in list(expert.named_parameters()):
        home, _, leaf = name.rpartition(".")
        kind = torch.float32 if any(part in expert._keep_in_fp32_modules for part in name.split(".")) else dtype
        filled = torch.empty(parameter.shape, device=device, dtype=kind)
        _fill(filled, leaf, noise)
        expert.get_submodule(home)._parameters[leaf] = nn.Parameter(filled, requires_grad=False)
    return expert.eval()


def add_random_adapter(expert: Any, name: str, rank: int, seed: int) -> int:
    """Put a random LoRA on the layers that memory adapters adapt; returns how many numbers it holds."""
    from peft import LoraConfig

    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(ORIGINAL_TO_DIFFUSERS.values()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several adapters are meant
        expert.add_adapter(config, adapter_name=name)
    numbers = 0
    for key, parameter in expert.named_parameters():
        if f".{name}." in key:
            numbers += parameter.numel()
            if "lora_B" in key:
                nn.init.normal_(parameter, std=UPDATE / math.sqrt(rank))
            parameter.requires_grad_(False)
    expert.eval()
    return numbers


def _fill(tensor: torch.Tensor, leaf: str, noise: torch.Generator) -> None:
    """Fill a weight so that features keep their size: norms 1, biases 0, all others by what they read."""
    if leaf == "bias":
        tensor.zero_()
    elif tensor.ndim == 1:
        tensor.fill_(1.0)
    else:
        tensor.normal_(0.0, 1 / math.sqrt(math.prod(tensor.shape[1:])), generator=noise)
