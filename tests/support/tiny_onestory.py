"""Whole model folders with OneStory's memory at toy size: random experts, memory files beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.onestory.checkpoints import FORMAT, base_revision, memory_files
from filmagent.generation.wan.onestory.expert import MEMORY_PARTS, OneStoryTransformer, onestory_from_base
from filmagent.generation.wan.onestory.generator import WanOneStoryGenerator
from filmagent.generation.wan.onestory.shape import MemoryShape
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert

SHAPE = MemoryShape(queries=3, projection=4)


def tiny_onestory_expert(memory: MemoryShape = SHAPE, in_channels: int = 36, seed: int = 0) -> OneStoryTransformer:
    """Return an expert of two blocks with a random selector, and patchifiers that begin as its patch embedding."""
    base = tiny_expert(seed, in_channels)
    torch.manual_seed(seed + 100)
    return onestory_from_base(base, memory)


def save_memory(file: Path, expert: OneStoryTransformer, base: str, lora: Mapping[str, Tensor] | None = None) -> None:
    """Write an expert's selector and conditioner, and a LoRA in Wan2.2's original names; `base` is its revision."""
    weights = {name: tensor for name, tensor in expert.state_dict().items() if name.startswith(MEMORY_PARTS)}
    told = {"format": FORMAT, "base": base, "name": "tiny-wan", "shape": json.dumps(asdict(expert.memory))}
    file.parent.mkdir(exist_ok=True)
    save_file({**weights, **(lora or {})}, file, metadata=told)


def build_tiny_onestory(folder: Path, *, experts: int = 2, memory: MemoryShape = SHAPE) -> Path:
    """Write a whole Wan folder, and a memory for each expert into its subfolder onestory/."""
    build_tiny_wan(folder, experts=experts)
    files = memory_files(folder, two_experts=experts == 2)
    for seed, (part, file) in enumerate((("transformer", files.high_noise), ("transformer_2", files.low_noise))):
        if file is not None:
            expert = tiny_onestory_expert(memory, seed=seed)
            save_memory(file, expert, base_revision(folder, part))
    return folder


def tiny_onestory_config(folder: Path, *, experts: int = 2, **sampling: Any) -> WanConfig:
    """Return a configuration for such a folder: 32x32, 9 frames, two steps."""
    config = tiny_config(folder, experts=experts)
    return replace(config, name="tiny-onestory", how_to_get="mend the test",
                   sampling=replace(config.sampling, max_sequence_length=80, **sampling))


def tiny_onestory(folder: Path, *, experts: int = 2, **sampling: Any) -> WanOneStoryGenerator:
    """Return a generator over a folder that `build_tiny_onestory` wrote."""
    return WanOneStoryGenerator(tiny_onestory_config(folder, experts=experts, **sampling))
