"""Weights that an expert films on with, picture by picture; for pictures that nothing is known of it has its own.

They are stored as a LoRA, which belongs to one expert's weights, named in its header, and to no other. Loaded, they
are a second set of matrices: an adapter beside the first set would take half as long again in every forward. Knows
files and experts; nothing of pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.checkpoints import check_safetensors, files_revision, weight_files
from filmagent.generation.wan.config import WanConfig

if TYPE_CHECKING:
    from torch import Tensor

BASE = "filmagent_filming_base"
"""The header's entry: revision of the expert that the adapter belongs to."""
_OTHER = "weight_for_filming_on"
"""The buffer with a layer's other matrix: it goes where the layer goes."""


def save_filming_adapter(weights: Mapping[str, Tensor], folder: Path, file: Path) -> None:
    """Write an adapter (weights in diffusers' names) for the expert of a model folder.

    Raises:
        ModelFilesError: the folder lacks its expert.
    """
    from filmagent.generation.wan.lora import save_lora

    save_lora(weights, file, {BASE: _expert_revision(folder, "give a whole model folder")})


def install_filming_adapter(expert: Any, config: WanConfig) -> None:
    """Give an expert the matrices of a configuration's filming adapter, if there is one, for `filming_on`.

    Raises:
        ModelFilesError: the file is missing or broken, does not fit, or belongs to another expert.
    """
    file = config.filming_adapter
    if file is None:
        return
    from safetensors import safe_open

    from filmagent.generation.wan.lora import fit_lora

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
    for name in layers:
        layer = expert.get_submodule(name)
        layer = getattr(layer, "base_layer", layer)
        update = renamed[f"{name}.lora_B.weight"] @ renamed[f"{name}.lora_A.weight"] * rank**0.5  # rsLoRA, alpha = rank
        layer.register_buffer(_OTHER, (layer.weight.data + update).to(layer.weight.dtype), persistent=False)


@contextmanager
def filming_on(experts: Iterable[Any]) -> Iterator[None]:
    """Let experts film with their other matrices for a while; those that have none stay as they are."""
    layers = [module for expert in experts for module in expert.modules() if _OTHER in module._buffers]
    _exchange(layers)
    try:
        yield
    finally:
        _exchange(layers)


def _exchange(layers: Iterable[Any]) -> None:
    for layer in layers:
        layer.weight.data, layer._buffers[_OTHER] = layer._buffers[_OTHER], layer.weight.data


def filming_fingerprint(config: WanConfig) -> dict[str, str]:
    """Return what decides a film besides the experts' weights where it is filmed picture by picture.

    Raises:
        ModelFilesError: the adapter's file is missing.
    """
    if config.filming is None:
        return {}
    adapter = config.filming_adapter
    if adapter is None:
        return {"behind_seams": config.filming.says}
    check_safetensors(adapter, config.how_to_get)
    return {"behind_seams": config.filming.says, "filming_adapter": files_revision([adapter])}


def _expert_revision(folder: Path, how_to_get: str) -> str:
    return files_revision(weight_files(folder, "transformer", how_to_get))
