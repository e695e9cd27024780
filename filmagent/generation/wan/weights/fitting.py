"""Whether model files fit the classes that load them, by names and shapes alone.

The classes are built on torch's meta device, which holds shapes and no numbers: a 14B expert takes a second and no
memory. Only the headers of the files are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.budget.cost import ExpertShape
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.library import AutoencoderKLWan, UMT5Config, UMT5EncoderModel, WanTransformer3DModel
from filmagent.generation.wan.weights.checkpoints import check_safetensors, weight_files
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS, fit_lora

DIFFUSERS_CLASSES = {
    "vae": AutoencoderKLWan, "transformer": WanTransformer3DModel, "transformer_2": WanTransformer3DModel,
}
A14B = {
    "patch_size": (1, 2, 2), "num_attention_heads": 40, "attention_head_dim": 128, "in_channels": 36,
    "out_channels": 16, "text_dim": 4096, "freq_dim": 256, "ffn_dim": 13824, "num_layers": 40,
}
"""Sizes of a Wan2.2-I2V-A14B expert; those of T2V-A14B differ in `in_channels` alone. Source: wan/configs of Wan2.2."""


def empty_a14b() -> Any:
    """Return an expert of the published size on the meta device."""
    with torch.device("meta"):
        return WanTransformer3DModel(**A14B)


def empty_part(folder: Path, part: str) -> Any:
    """Return a part of a model folder, as its config.json says, on the meta device.

    Raises:
        ModelFilesError: config.json is missing or does not describe such a model.
    """
    home = folder / part
    try:
        with torch.device("meta"):
            if part == "text_encoder":
                return UMT5EncoderModel(UMT5Config.from_pretrained(home, local_files_only=True))
            kind = DIFFUSERS_CLASSES[part]
            return kind.from_config(kind.load_config(home, local_files_only=True))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ModelFilesError(f"{str(home / 'config.json')!r} describes no such model ({error})") from error


def check_experts_see(config: WanConfig, shape: ExpertShape) -> None:
    """Raise ModelFilesError unless a folder's experts are of the kind that a configuration films with.

    Image-to-video experts read mask and pictures beside the noise, text-to-video ones the noise alone.
    """
    from_text, sees = shape.in_channels == shape.out_channels, config.max_memory > 0 or config.links != {"scene_cut"}
    if from_text and sees:
        raise ModelFilesError(
            f"{str(config.folder)!r} holds text-to-video experts, which see neither memory nor the shot before: film "
            f"with --generator wan-text:FOLDER, or {config.how_to_get}"
        )
    if not from_text and not sees:
        raise ModelFilesError(
            f"{str(config.folder)!r} holds image-to-video experts, which want to be shown pictures: film with "
            f"--generator wan-storymem:FOLDER, or {config.how_to_get}"
        )


def check_part_fits(folder: Path, part: str, how_to_get: str) -> None:
    """Raise ModelFilesError unless the part's files hold exactly the tensors of its class, in their shapes."""
    home = folder / part
    shapes: dict[str, tuple[int, ...]] = {}
    for file in weight_files(folder, part, how_to_get):
        shapes |= tensor_shapes(file, how_to_get)
    model = empty_part(folder, part)
    wanted = model.state_dict(keep_vars=True)
    ending = f"fetch it again; {how_to_get}"
    for name, shape in shapes.items():
        if name not in wanted:
            raise ModelFilesError(f"{str(home)!r} holds {name!r}, which {type(model).__name__} does not have: {ending}")
        if shape != tuple(wanted[name].shape):
            raise ModelFilesError(
                f"{str(home)!r} holds {name!r} in shape {shape} instead of {tuple(wanted[name].shape)}: {ending}"
            )
    for names in _names_of_one_tensor(wanted):
        if not any(name in shapes for name in names):
            raise ModelFilesError(f"{str(home)!r} lacks {names[0]!r}: {ending}")


def check_lora_fits(expert: Any, file: Path, how_to_get: str) -> None:
    """Raise ModelFilesError unless a file adapts every linear layer of every block of an expert, in its shapes."""
    empty = {name: torch.empty(shape, device="meta") for name, shape in tensor_shapes(file, how_to_get).items()}
    _, layers, _ = fit_lora(expert, empty, file)
    if len(layers) != (wanted := len(ORIGINAL_TO_DIFFUSERS) * len(expert.blocks)):
        raise ModelFilesError(
            f"{str(file)!r} adapts {len(layers)} layers instead of {wanted}: fetch it again; {how_to_get}"
        )


def tensor_shapes(file: Path, how_to_get: str) -> dict[str, tuple[int, ...]]:
    """Return name -> shape from the header of a safetensors file. Raises ModelFilesError if it is none."""
    from safetensors import safe_open

    check_safetensors(file, how_to_get)
    with safe_open(file, framework="numpy") as weights:
        return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118


def _names_of_one_tensor(state: Mapping[str, Any]) -> list[list[str]]:
    """Group names that stand for the same tensor: files hold shared weights under one of them."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, tensor in state.items():
        names[id(tensor)].append(name)
    return list(names.values())
