"""Memento's experts from files: whole backbones with their selector, in diffusers' names or in Wan2.2's original ones,
or stock backbones with the released adapters.

    FOLDER/transformer/, transformer_2/   high-noise and low-noise expert: config.json and safetensors; or stock ones
                                          in Wan's own format, high_noise_model/ and low_noise_model/
    FOLDER/memento/                       backbone_high_noise and backbone_low_noise, each .safetensors or .pth: LoRA
                                          and selector as released, for stock experts; absent when experts are whole

Which names a file holds is read from the names. Everything must be there, fit, and be used. Knows files; nothing of
sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.library import convert_wan_transformer_to_diffusers
from filmagent.generation.wan.memento.expert import MementoTransformer
from filmagent.generation.wan.memento.selector import KeyframeQuery
from filmagent.generation.wan.weights.checkpoints import adapter_file, describe_part, part_config, weight_files
from filmagent.generation.wan.weights.files import shapes_of, tensors_of
from filmagent.generation.wan.weights.lora import attach_weights, fit_lora
from filmagent.generation.wan.weights.original.layout import is_original

SELECTOR = "keyframe_query."
_EXPERTS = {"transformer": "high_noise_model.", "transformer_2": "low_noise_model."}
"""What a saver puts in front of an expert's weights."""
_PREFIXES = (*_EXPERTS.values(), "base_model.model.", "module.", "diffusion_model.")
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
    weights = _backbone(config, part, dtype)
    if not config.adapters:
        return _expert_of(weights, config, part, dtype)
    adapter = config.adapters[0]
    file = adapter_file(adapter.high_noise if part == "transformer" or adapter.low_noise is None else adapter.low_noise)
    selector, lora = _halves(_bare_names(dict(tensors_of(file, how)), file, part), file, how)
    if any(name.startswith(SELECTOR) for name in weights):
        raise ModelFilesError(f"{str(home)!r} holds a whole Memento expert, and {str(file)!r} holds another selector: "
                              f"take one of them away; {how}")
    expert = _expert_of({**weights, **selector}, config, part, dtype)
    attach_weights(expert, lora, file, adapter.name)
    return expert


def check_released_fits(expert: Any, file: Path, part: str, how_to_get: str) -> None:
    """Raise ModelFilesError unless a released file holds a selector and a LoRA for an expert, in their shapes.

    Args:
        expert: a stock expert; may lie on the meta device.
        file: the released file.
        part: `transformer` or `transformer_2`, whose file it is.
        how_to_get: what a person does when it does not fit.
    """
    empty = {name: torch.empty(shape, device="meta") for name, shape in shapes_of(file, how_to_get).items()}
    selector, lora = _halves(_bare_names(empty, file, part), file, how_to_get)
    size = expert.config
    with torch.device("meta"):
        wanted = KeyframeQuery(size.num_attention_heads * size.attention_head_dim, size.num_attention_heads,
                               size.out_channels, tuple(size.patch_size)).state_dict()
    held = {name.removeprefix(SELECTOR): tensor for name, tensor in selector.items()}
    for name in sorted(held.keys() | wanted.keys()):
        shapes = [tuple(of[name].shape) if name in of else None for of in (held, wanted)]
        if shapes[0] != shapes[1]:
            raise ModelFilesError(f"{str(file)!r}: the selector's {name!r} has shape {shapes[0] or 'none'} instead of "
                                  f"{shapes[1] or 'none'}: fetch it again; {how_to_get}")
    fit_lora(expert, lora, file)


def _backbone(config: WanConfig, part: str, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return an expert's weights as its folder holds them."""
    folder, how = config.folder, config.how_to_get
    if is_original(folder):
        from filmagent.generation.wan.weights.original.loading import renamed_weights

        return renamed_weights(describe_part(folder, part, how), dtype)
    weights: dict[str, Tensor] = {}
    for file in weight_files(folder, part, how):
        weights |= _bare_names(dict(tensors_of(file, how)), file, part)
    return weights


def _expert_of(weights: Mapping[str, Tensor], config: WanConfig, part: str, dtype: torch.dtype) -> MementoTransformer:
    folder, how = config.folder, config.how_to_get
    arguments = {name: value for name, value in part_config(folder, part, how).items() if not name.startswith("_")}
    try:
        return memento_expert(weights, arguments, dtype)
    except (ModelFilesError, TypeError) as error:
        raise ModelFilesError(f"{str(folder / part)!r}: {error}; {how}") from error


def _bare_names(weights: Mapping[str, Tensor], file: Path, part: str) -> dict[str, Tensor]:
    """Take the prefixes that savers add off the names. Refuses weights of the other expert, and doubles."""
    others = next(prefix for expert, prefix in _EXPERTS.items() if expert != part)
    if any(name.startswith(others) for name in weights):
        raise ModelFilesError(
            f"{str(file)!r} holds weights of the other expert ({others}*): split it into one file an expert"
        )
    bare = {_bare(name): tensor for name, tensor in weights.items()}
    if len(bare) != len(weights):
        raise ModelFilesError(f"{str(file)!r} holds the same weight twice under different prefixes")
    return bare


def _halves(
    released: Mapping[str, Tensor], file: Path, how_to_get: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return a released file's selector and its LoRA."""
    selector = {name: tensor for name, tensor in released.items() if name.startswith(SELECTOR)}
    if not selector:
        raise ModelFilesError(f"{str(file)!r} holds no selector ({SELECTOR}*): fetch it again; {how_to_get}")
    return selector, {name: tensor for name, tensor in released.items() if name not in selector}


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
