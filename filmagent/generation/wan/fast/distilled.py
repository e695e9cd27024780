"""A few-step adapter beside the memory's: read whole, put on the experts, switched on together with it.

LightX2V's files name Wan2.2's own layers, with lora_down, lora_up and perhaps alpha; the update is alpha / rank times
up times down (alpha / rank is 1 where there is no alpha). Knows experts and files; nothing of sampling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.wan.checkpoints import check_safetensors, files_revision
from filmagent.generation.wan.config import DistilledAdapter, WanConfig
from filmagent.generation.wan.lora import attach_weights

NAME = "few-step"
"""The adapter's name on an expert."""
_HALVES = {
    ".lora_down.weight": ".lora_A.weight", ".lora_up.weight": ".lora_B.weight",
    ".lora_A.weight": ".lora_A.weight", ".lora_B.weight": ".lora_B.weight",
}
_ALPHA = ".alpha"


def attach_distilled(expert: Any, config: WanConfig, part: str) -> None:
    """Put the file for an expert (`transformer`, `transformer_2`) on it. Nothing without a distilled adapter.

    Raises:
        ModelFilesError: the file is missing or broken, or holds a key that has no place, no partner or another shape.
    """
    from safetensors.torch import load_file

    adapter = config.distilled
    if adapter is None:
        return
    file = adapter.high_noise if part == "transformer" else adapter.low_noise
    if file is None:
        raise ModelFilesError(f"{adapter.card.name} has no file for the second expert: give one for each")
    weights = fold_alphas(load_file(file), file)
    rank = next(tensor.shape[0] for key, tensor in weights.items() if key.endswith(".lora_A.weight"))
    attach_weights(expert, weights, file, NAME, alpha=math.sqrt(rank))  # rank-stabilised scale: 1, alphas are folded


def revision_of_distilled(adapter: DistilledAdapter) -> str:
    """Return 16 hex digits that identify the adapter's files. Raises ModelFilesError for one missing or broken."""
    files = [file for file in (adapter.high_noise, adapter.low_noise) if file is not None]
    for file in files:
        check_safetensors(file, f"give a whole file of {adapter.card.name}")
    return files_revision(files)


def use_distilled(experts: list[Any], adapter: DistilledAdapter) -> None:
    """Switch the few-step adapter on beside whichever is active.

    Raises:
        UsageError: it is not on these experts: their loader does not know it.
    """
    for expert in experts:
        if NAME not in getattr(expert, "peft_config", {}):
            raise UsageError(f"{adapter.card.name}: this generator loads its experts without a few-step adapter; "
                             "leave it out")
        beside = [name for name in _active(expert) if name != NAME]
        expert.enable_adapters()
        expert.set_adapters([*beside, NAME], [*[1.0] * len(beside), adapter.strength])


def fold_alphas(weights: Mapping[str, Tensor], file: Path) -> dict[str, Tensor]:
    """Return a file's weights as lora_A and lora_B with alpha / rank multiplied into lora_B.

    Raises:
        ModelFilesError: naming a key that is none of down, up and alpha, such as a difference of a norm or a bias.
    """
    folded: dict[str, Tensor] = {}
    alphas: dict[str, float] = {}
    for key, tensor in weights.items():
        if key.endswith(_ALPHA):
            alphas[key.removesuffix(_ALPHA)] = float(tensor)
            continue
        half = next((half for half in _HALVES if key.endswith(half)), None)
        if half is None:
            raise ModelFilesError(f"{str(file)!r}: {key!r} is no half of a LoRA layer and no alpha; leaving it out "
                                  "would make another adapter: give a file of LoRA layers alone")
        folded[key.removesuffix(half) + _HALVES[half]] = tensor
    for layer, alpha in alphas.items():
        down, up = (folded.get(f"{layer}.lora_{half}.weight") for half in "AB")
        if down is None or up is None:
            raise ModelFilesError(f"{str(file)!r}: {layer!r} has an alpha, but not both halves: fetch it again")
        folded[f"{layer}.lora_B.weight"] = up * (alpha / down.shape[0])
    if not any(key.endswith(".lora_A.weight") for key in folded):
        raise ModelFilesError(f"{str(file)!r} holds no LoRA layer: give a whole file")
    return folded


def _active(expert: Any) -> list[str]:
    """Return the adapters that are switched on."""
    if all(name == NAME for name in expert.peft_config):
        return []
    return list(expert.active_adapters())
