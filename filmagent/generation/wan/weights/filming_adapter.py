"""A LoRA that an expert films on with, picture by picture; for pictures that nothing is known of it has its own.

It belongs to one expert's weights, which its header names, and to no other. Loaded, it is a set of matrices. Knows
files and experts; nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import ModelCard, WanConfig
from filmagent.generation.wan.weights.checkpoints import check_safetensors, files_revision, weight_files

if TYPE_CHECKING:
    from torch import Tensor

BASE = "filmagent_filming_base"
"""The header's entry: revision of the expert that the adapter belongs to."""
SET = "filming"
"""Of the expert's matrices."""


def save_filming_adapter(weights: Mapping[str, Tensor], folder: Path, file: Path) -> None:
    """Write an adapter (weights in diffusers' names) for the expert of a model folder.

    Raises:
        ModelFilesError: the folder lacks its expert.
    """
    from filmagent.generation.wan.weights.lora import save_lora

    save_lora(weights, file, {BASE: _expert_revision(folder, "give a whole model folder")})


def install_filming_adapter(expert: Any, config: WanConfig) -> None:
    """Give an expert the matrices of a configuration's filming adapter, if there is one, for filming on.

    Raises:
        ModelFilesError: the file is missing or broken, does not fit, or belongs to another expert.
    """
    file = config.filming_adapter
    if file is None:
        return
    from safetensors import safe_open

    from filmagent.generation.wan.weights.lora import fit_lora
    from filmagent.generation.wan.weights.matrices import install_matrices

    check_safetensors(file, config.how_to_get)
    with safe_open(file, framework="pt") as opened:
        told = (opened.metadata() or {}).get(BASE)
        weights = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118
    if told != (found := _expert_revision(config.folder, config.how_to_get)):
        raise ModelFilesError(
            f"{str(file)!r} was trained on an expert of revision {told}; {str(config.folder)!r} holds {found}: "
            f"train it again, or take it out of the card; {config.how_to_get}"
        )
    renamed, layers, rank = fit_lora(expert, weights, file)
    scale = rank**0.5  # rsLoRA with alpha = rank
    updates = {
        name: renamed[f"{name}.lora_B.weight"] @ renamed[f"{name}.lora_A.weight"] * scale for name in layers
    }
    install_matrices(expert, SET, updates)


def filming_fingerprint(config: WanConfig) -> dict[str, str]:
    """Return what decides a film besides the experts' weights: how it is filmed picture by picture, and the adapter.

    Raises:
        ModelFilesError: the adapter's file is missing or broken.
    """
    found = {} if config.filming is None else {"behind_seams": config.filming.says}
    if (adapter := config.filming_adapter) is not None:
        check_safetensors(adapter, config.how_to_get)
        found["filming_adapter"] = files_revision([adapter])
    return found


def filming_card(base: ModelCard) -> ModelCard:
    """Return the adapter as the manifest names it beside the model that it belongs to; it is licensed alike."""
    return ModelCard(f"{base.name} filming", base.licence, "LoRA for what follows a shot's first picture")


def _expert_revision(folder: Path, how_to_get: str) -> str:
    return files_revision(weight_files(folder, "transformer", how_to_get))
