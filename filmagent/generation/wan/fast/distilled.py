"""A few-step adapter beside the memory's: read whole, put on the experts, switched on together with it.

LightX2V's files name Wan2.2's own layers, with lora_down, lora_up and perhaps alpha; the update is alpha / rank times
up times down (alpha / rank is 1 where there is no alpha). Other savers' files hold differences as well (`diff`,
`diff_b`, `diff_m`) or layers that Wan2.2 does not have (`k_img`): such a file is refused, naming the key.

Source: wan/utils/utils.py of github.com/ModelTC/Wan2.2-Lightning. Knows experts and files; nothing of sampling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.models.catalogue import FEW_STEP_SET, how_to_get
from filmagent.generation.wan.config import DistilledAdapter, WanConfig
from filmagent.generation.wan.weights.checkpoints import check_safetensors, files_revision
from filmagent.generation.wan.weights.files import shapes_of
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS, attach_weights, fit_lora

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
    for file in files_of(adapter):
        check_safetensors(file, todo_for(adapter))
    return files_revision(files_of(adapter))


def files_of(adapter: DistilledAdapter) -> list[Path]:
    """Return the adapter's files, that of the high-noise expert first."""
    return [file for file in (adapter.high_noise, adapter.low_noise) if file is not None]


def todo_for(adapter: DistilledAdapter) -> str:
    """Return what a person does when an adapter's files are missing; ends a message."""
    return f"give a whole file of {adapter.card.name}; LightX2V's: {how_to_get(FEW_STEP_SET)}"


def check_distilled_fits(expert: Any, file: Path, todo: str) -> None:
    """Raise ModelFilesError unless a few-step file adapts every linear layer of every block of an expert.

    Args:
        expert: may lie on the meta device: only names and shapes are looked at.
        file: a safetensors file.
        todo: what a person does when it does not fit.
    """
    empty: dict[str, Tensor] = {}
    for name, shape in shapes_of(file, todo).items():
        if name.endswith(_ALPHA) and math.prod(shape) != 1:
            raise ModelFilesError(f"{str(file)!r} holds {name!r} in shape {shape} instead of one number: {todo}")
        empty[name] = torch.ones(shape) if name.endswith(_ALPHA) else torch.empty(shape, device="meta")
    _, layers, _ = fit_lora(expert, fold_alphas(empty, file), file)
    if len(layers) != (wanted := len(ORIGINAL_TO_DIFFUSERS) * len(expert.blocks)):
        raise ModelFilesError(f"{str(file)!r} adapts {len(layers)} layers instead of {wanted}: {todo}")


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
