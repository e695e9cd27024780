"""Memento's experts from files: whole backbones with their selector, in diffusers' names or in Wan2.2's original ones,
or stock backbones with the released adapters.

    FOLDER/transformer/, transformer_2/   high-noise and low-noise expert: config.json and safetensors
    FOLDER/memento/                       backbone_high_noise.safetensors, backbone_low_noise.safetensors: LoRA and
                                          selector as released, for stock experts; absent when experts are whole

Which names a file holds is read from the names. Everything must be there, fit, and be used. Knows files; nothing of
sampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.checkpoints import check_safetensors, weight_files
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.library import convert_wan_transformer_to_diffusers
from filmagent.generation.wan.lora import attach_weights
from filmagent.generation.wan.memento.expert import MementoTransformer

SELECTOR = "keyframe_query."
_PREFIXES = ("low_noise_model.", "high_noise_model.", "base_model.model.", "module.", "diffusion_model.")
_ORIGINAL = (".self_attn.", ".cross_attn.")


def memento_expert(weights: Mapping[str, Tensor], config: Mapping[str, Any],
                   dtype: torch.dtype = torch.float32) -> MementoTransformer:
    """Return an expert with these weights, in eval mode.

    Args:
        weights: name -> tensor, in diffusers' names or Wan2.2's original ones, the selector's among them; left as is.
        config: arguments of WanTransformer3DModel.
        dtype: type of the weights; what Wan keeps in float32, and the selector, stay so.

    Raises:
        ModelFilesError: a weight is missing, is left over, or has another shape.
    """
    from accelerate import init_empty_weights

    named = _in_diffusers_names(weights)
    kept = MementoTransformer._keep_in_fp32_modules
    typed = {name: tensor.to(torch.float32 if any(part in name.split(".") for part in kept) else dtype)
             for name, tensor in named.items()}
    with init_empty_weights():
        expert = MementoTransformer(**config)
    try:
        expert.load_state_dict(typed, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelFilesError(f"these weights do not fit a Memento expert of this configuration: {error}") from error
    ready: MementoTransformer = expert.eval()
    return ready


def load_configured_expert(config: WanConfig, part: str, dtype: torch.dtype) -> Any:
    """Load an expert of a configuration, whole or stock with the released adapter.

    Args:
        config: with no adapters, the folder's experts must be whole; else the first one's file is the released one.
        part: `transformer` or `transformer_2`.
        dtype: as in `memento_expert`.

    Raises:
        ModelFilesError: a file is missing, broken, or does not fit.
    """
    home, how = config.folder / part, config.how_to_get
    weights = _read(weight_files(config.folder, part, how))
    if not config.adapters:
        return _expert_of(weights, home, dtype, how)
    adapter = config.adapters[0]
    file = adapter.high_noise if part == "transformer" or adapter.low_noise is None else adapter.low_noise
    added = _read([file])
    selector = {name: tensor for name, tensor in added.items() if name.startswith(SELECTOR)}
    if not selector:
        raise ModelFilesError(f"{str(file)!r} holds no selector ({SELECTOR}*): fetch it again; {how}")
    if any(name.startswith(SELECTOR) for name in weights):
        raise ModelFilesError(f"{str(home)!r} holds a whole Memento expert, and {str(file)!r} holds another selector: "
                              f"take one of them away; {how}")
    expert = _expert_of({**weights, **selector}, home, dtype, how)
    lora = {name: tensor for name, tensor in added.items() if name not in selector}
    attach_weights(expert, lora, file, adapter.name)
    return expert


def _expert_of(weights: Mapping[str, Tensor], home: Path, dtype: torch.dtype, how_to_get: str) -> MementoTransformer:
    config = {name: value for name, value in MementoTransformer.load_config(home, local_files_only=True).items()
              if not name.startswith("_")}
    try:
        return memento_expert(weights, config, dtype)
    except (ModelFilesError, TypeError) as error:
        raise ModelFilesError(f"{str(home)!r}: {error}; {how_to_get}") from error


def _read(files: Iterable[Path]) -> dict[str, Tensor]:
    """Return all weights of some files, without the prefixes that savers add."""
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = {}
    for file in files:
        check_safetensors(file, "give a whole file")
        weights.update((_bare(name), tensor) for name, tensor in load_file(file).items())
    return weights


def _in_diffusers_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a backbone's weights if they are Wan2.2's; the selector has one naming only."""
    bare = {_bare(name): tensor for name, tensor in weights.items()}
    selector = {name: tensor for name, tensor in bare.items() if name.startswith(SELECTOR)}
    backbone = {name: tensor for name, tensor in bare.items() if name not in selector}
    if any(mark in name for name in backbone for mark in _ORIGINAL):
        backbone = convert_wan_transformer_to_diffusers(backbone)
    return {**backbone, **selector}


def _bare(name: str) -> str:
    """Take off the prefixes that savers add."""
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(prefix)
    return name
