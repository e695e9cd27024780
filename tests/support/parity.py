"""The numbers of the reference implementations, and the experts that they were computed with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from filmagent.generation.wan.weights.checkpoints import expert_from_original

FOLDER = Path(__file__).parent.parent / "generation" / "parity"


def manifest() -> dict[str, Any]:
    """Return the configuration and the cases."""
    return json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def numbers(name: str) -> dict[str, Any]:
    """Return the tensors of one file."""
    from safetensors.torch import load_file

    return load_file(FOLDER / f"{name}.safetensors")


def expert_config() -> dict[str, Any]:
    """Return the arguments of WanTransformer3DModel for the reference's experts."""
    config = manifest()["config"]
    return {
        "patch_size": tuple(config["patch_size"]),
        "num_attention_heads": config["num_heads"],
        "attention_head_dim": config["dim"] // config["num_heads"],
        "in_channels": config["in_dim"],
        "out_channels": config["out_dim"],
        "text_dim": config["text_dim"],
        "freq_dim": config["freq_dim"],
        "ffn_dim": config["ffn_dim"],
        "num_layers": config["num_layers"],
        "cross_attn_norm": config["cross_attn_norm"],
    }


def expert(name: str) -> Any:
    """Return the WanTransformer3DModel with the reference's weights, converted from their original names."""
    return expert_from_original(numbers(name), **expert_config())


def padded(context: Any) -> Any:
    """Return text features (n, width) as (1, text length, width), zeros behind: the experts read no length."""
    import torch

    length = manifest()["config"]["text_len"]
    return torch.nn.functional.pad(context, (0, 0, 0, length - len(context)))[None]
