"""StoryMem's LoRA files on a Wan expert: checked whole, attached at their true scale, switched without reloading.

The files hold no alpha. StoryMem trains with rank-stabilised LoRA (rsLoRA, arXiv 2312.03732) and alpha = rank, so the
update is alpha / sqrt(rank) B A: 11.3 for rank 128, where a plain loader would use 1. A weight that finds no place
would be an adapter that silently does less; so any is refused, before the expert is changed.

Knows experts and adapters; nothing of memory or sampling.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.weights.checkpoints import check_safetensors
from filmagent.generation.wan.weights.matrices import matrices_in_use, sets_of_matrices, use_matrices

ORIGINAL_TO_DIFFUSERS: Mapping[str, str] = {
    **{f"self_attn.{old}": f"attn1.{new}" for old, new in
       (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"))},
    **{f"cross_attn.{old}": f"attn2.{new}" for old, new in
       (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"))},
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
}
"""The linear layers of a block that StoryMem adapts: Wan2.2's name -> diffusers' name."""
_DIFFUSERS_TO_ORIGINAL = {new: old for old, new in ORIGINAL_TO_DIFFUSERS.items()}
_PREFIXES = ("base_model.model.", "module.", "diffusion_model.")
_KEY = re.compile(r"(?P<layer>blocks\.\d+\..+)\.lora_(?P<half>[AB])(?:\.default)?\.weight")


@dataclass(frozen=True)
class AttachedLora:
    """An adapter on an expert."""

    name: str
    layers: int
    rank: int
    scale: float
    """What B A is multiplied with."""


def attach_lora(expert: Any, file: Path, name: str, alpha: float | None = None) -> AttachedLora:
    """Put a LoRA file on a WanTransformer3DModel and make it the active adapter.

    Args:
        expert: the model; left in eval mode, so that no dropout stays on.
        file: a safetensors file in StoryMem's names, with or without the prefixes that savers add.
        name: the adapter's name, for `use_lora`.
        alpha: rsLoRA's alpha; None: the rank, as StoryMem trains.

    Raises:
        ModelFilesError: naming the key that has no place, no partner or another shape. The expert is unchanged.
    """
    from safetensors.torch import load_file

    check_safetensors(file, "give a whole LoRA file")
    return attach_weights(expert, load_file(file), file, name, alpha)


def attach_weights(
    expert: Any, weights: Mapping[str, Tensor], file: Path, name: str, alpha: float | None = None
) -> AttachedLora:
    """Put LoRA weights that were read from a file on an expert; everything else is as in `attach_lora`."""
    from peft import LoraConfig, set_peft_model_state_dict

    renamed, layers, rank = fit_lora(expert, weights, file)
    config = LoraConfig(
        r=rank, lora_alpha=rank if alpha is None else alpha, use_rslora=True, lora_dropout=0.0, bias="none",
        target_modules=layers,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several adapters are meant
        expert.add_adapter(config, adapter_name=name)
    result = set_peft_model_state_dict(expert, renamed, adapter_name=name)
    if result.unexpected_keys:
        expert.delete_adapters(name)
        raise ModelFilesError(f"{str(file)!r}: {result.unexpected_keys[0]!r} found no place in the expert")
    expert.eval()
    return AttachedLora(name, len(layers), rank, (rank if alpha is None else alpha) / math.sqrt(rank))


def fit_lora(
    expert: nn.Module, weights: Mapping[str, Tensor], file: Path
) -> tuple[dict[str, Tensor], list[str], int]:
    """Return a LoRA file's weights in diffusers' names, the layers that they adapt, and their rank.

    Looks at names and shapes only: the expert and the weights may lie on the meta device.

    Raises:
        ModelFilesError: naming the key that has no place, no partner or another shape.
    """
    renamed = _in_diffusers_names(weights, file)
    layers = sorted({key.rsplit(".lora_", 1)[0] for key in renamed})
    rank = _check_shapes(expert, layers, renamed, file)
    _check_coverage(expert, layers, file)
    return renamed, layers, rank


def fresh_lora(expert: Any, name: str, rank: int, dropout: float = 0.0) -> None:
    """Freeze an expert, and put a float32 adapter on every linear layer of its blocks that learns and does nothing yet.

    Rank-stabilised, with alpha = rank, as StoryMem and Memento train.
    """
    from peft import LoraConfig

    expert.requires_grad_(False)
    layers = [
        f"blocks.{block}.{layer}" for block in range(len(expert.blocks)) for layer in ORIGINAL_TO_DIFFUSERS.values()
    ]
    config = LoraConfig(
        r=rank, lora_alpha=rank, use_rslora=True, lora_dropout=dropout, bias="none", target_modules=layers
    )
    expert.add_adapter(config, adapter_name=name)
    for weight in lora_weights(expert, name).values():
        weight.data = weight.data.float()


def lora_weights(expert: nn.Module, name: str) -> dict[str, nn.Parameter]:
    """Return an adapter's weights in diffusers' names (`blocks.0.attn1.to_q.lora_A.weight`)."""
    mark = f".{name}."
    return {
        key.replace(mark, "."): weight for key, weight in expert.named_parameters() if ".lora_" in key and mark in key
    }


def save_lora(weights: Mapping[str, Tensor], file: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write weights as a file that `attach_lora` reads; a reader never sees half of it.

    Args:
        weights: in diffusers' names; what is no LoRA weight keeps its name.
        file: where; its folder is made.
        metadata: of the file. One entry at most: safetensors writes several in an order of chance, and equal weights
            should be equal files.
    """
    from safetensors.torch import save_file

    named = {_original_name(name): tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.part")
    save_file(named, beside, metadata=None if metadata is None else dict(metadata))
    beside.replace(file)


def _original_name(name: str) -> str:
    """`blocks.N.attn1.to_q.lora_A.weight` -> `base_model.model.blocks.N.self_attn.q.lora_A.weight`."""
    if ".lora_" not in name:
        return name
    layer, _, half = name.rpartition(".lora_")
    blocks, block, inner = layer.split(".", 2)
    return f"base_model.model.{blocks}.{block}.{_DIFFUSERS_TO_ORIGINAL[inner]}.lora_{half}"


def use_lora(expert: Any, name: str | None) -> None:
    """Make one attached adapter the active one; None: the expert alone."""
    if name in (merged := sets_of_matrices(expert)) or (merged and name is None):
        use_matrices(expert, name)
        return
    if not getattr(expert, "_hf_peft_config_loaded", False):
        if name is not None:
            raise ModelFilesError(f"no adapter {name!r} is attached to this expert: attach it first")
        return
    if name is None:
        expert.disable_adapters()
        return
    if name not in expert.peft_config:
        raise ModelFilesError(f"no adapter {name!r} is attached; there is {', '.join(expert.peft_config)}")
    expert.enable_adapters()
    expert.set_adapter(name)


@contextmanager
def without_lora(experts: Iterable[Any]) -> Iterator[None]:
    """Let experts be the base alone for a while; those that have no adapter are it anyway."""
    experts = list(experts)
    adapted = [expert for expert in experts if getattr(expert, "_hf_peft_config_loaded", False)]
    for expert in adapted:
        expert.disable_adapters()
    try:
        with matrices_in_use(experts, None):
            yield
    finally:
        for expert in adapted:
            expert.enable_adapters()


def leave_types_to_autocast(expert: nn.Module) -> None:
    """Keep adapters from turning what they read into their own type: under autocast it is turned back at once."""
    for module in expert.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = False  # type: ignore[assignment]  # peft's LoraLayer


def _in_diffusers_names(weights: Mapping[str, Tensor], file: Path) -> dict[str, Tensor]:
    """Rename `[prefixes]blocks.N.self_attn.q.lora_A[.default].weight` to diffusers' names."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        bare = key
        while prefix := next((prefix for prefix in _PREFIXES if bare.startswith(prefix)), ""):
            bare = bare.removeprefix(prefix)
        match = _KEY.fullmatch(bare)
        block, _, inner = (match["layer"].removeprefix("blocks.") if match else "").partition(".")
        if match is None or inner not in ORIGINAL_TO_DIFFUSERS:
            raise ModelFilesError(
                f"{str(file)!r}: key {key!r} is no LoRA weight of a Wan block "
                "(blocks.N.{self_attn|cross_attn}.{q|k|v|o} or blocks.N.ffn.{0|2})"
            )
        renamed[f"blocks.{block}.{ORIGINAL_TO_DIFFUSERS[inner]}.lora_{match['half']}.weight"] = tensor
    if len(renamed) != len(weights):
        raise ModelFilesError(f"{str(file)!r} holds the same layer twice under different prefixes")
    return renamed


def _check_shapes(expert: nn.Module, layers: list[str], weights: Mapping[str, Tensor], file: Path) -> int:
    """Refuse halves without partner, layers that the expert lacks, and shapes that do not fit; returns the rank."""
    ranks: set[int] = set()
    modules = dict(expert.named_modules())
    for layer in layers:
        for half in "AB":
            if f"{layer}.lora_{half}.weight" not in weights:
                raise ModelFilesError(f"{str(file)!r}: {layer!r} lacks its lora_{half}")
        if layer not in modules:
            raise ModelFilesError(f"{str(file)!r}: the expert has no layer {layer!r}")
        down, up = weights[f"{layer}.lora_A.weight"], weights[f"{layer}.lora_B.weight"]
        base: Any = getattr(modules[layer], "base_layer", modules[layer])
        wanted = (base.in_features, base.out_features)
        if (down.shape[1], up.shape[0]) != wanted or down.shape[0] != up.shape[1]:
            raise ModelFilesError(
                f"{str(file)!r}: {layer!r} has shapes {tuple(down.shape)} and {tuple(up.shape)}; "
                f"the expert's layer maps {wanted[0]} to {wanted[1]}"
            )
        ranks.add(down.shape[0])
    if len(ranks) != 1:
        raise ModelFilesError(f"{str(file)!r} holds ranks {sorted(ranks)}; one rank is needed")
    return ranks.pop()


def _check_coverage(expert: Any, layers: list[str], file: Path) -> None:
    """Refuse a file that adapts a kind of layer in some blocks only: that is a file with a piece missing."""
    blocks = len(expert.blocks)
    for kind, count in Counter(layer.split(".", 2)[2] for layer in layers).items():
        if count != blocks:
            raise ModelFilesError(f"{str(file)!r} adapts {kind!r} in {count} of {blocks} blocks: fetch it again")
