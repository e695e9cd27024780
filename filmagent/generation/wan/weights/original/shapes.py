"""How large the models of a folder in Wan2.2's own format are, as arguments of the stock classes.

Wan's files say it nowhere whole: an expert's config.json leaves out what its class has fixed, and the `.pth` files
have none. So sizes are read from the shapes of the tensors, and what no shape tells is Wan's own constant. Knows
names and shapes; opens no file.

Sources: wan/modules/model.py, t5.py (umt5_xxl) and vae2_1.py of github.com/Wan-Video/Wan2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.weights.original.names import Names, expert_names, text_encoder_names, vae_names

Shapes = Mapping[str, tuple[int, ...]]

STAGES = (1, 2, 4, 4)
"""Widths of the VAE's stages, in multiples of its base width."""
RESIDUALS = 2
TEMPORAL = (False, True, True)
"""The steps between stages that halve time as well."""
_SETTINGS = ("dim", "ffn_dim", "freq_dim", "in_dim", "out_dim", "num_heads", "num_layers")


def expert_arguments(settings: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
    """Return the arguments of WanTransformer3DModel.

    Args:
        settings: the expert's config.json.
        shapes: of its tensors, in Wan's own names.

    Raises:
        ModelFilesError: a size is missing.
    """
    lacking = [name for name in _SETTINGS if type(settings.get(name)) is not int or settings[name] < 1]
    if lacking:
        raise ModelFilesError(f"config.json does not tell {lacking[0]!r} of a Wan expert")
    width, heads = settings["dim"], settings["num_heads"]
    return {
        "patch_size": _shape(shapes, "patch_embedding.weight", 5)[2:],
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "in_channels": settings["in_dim"],
        "out_channels": settings["out_dim"],
        "text_dim": _shape(shapes, "text_embedding.0.weight", 2)[1],
        "freq_dim": settings["freq_dim"],
        "ffn_dim": settings["ffn_dim"],
        "num_layers": settings["num_layers"],
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "eps": float(settings.get("eps", 1e-6)),
    }


def text_encoder_arguments(shapes: Shapes) -> dict[str, Any]:
    """Return the arguments of UMT5Config. Raises ModelFilesError if a tensor that tells a size is missing."""
    words, width = _shape(shapes, "token_embedding.weight", 2)
    buckets, heads = _shape(shapes, "blocks.0.pos_embedding.embedding.weight", 2)
    return {
        "vocab_size": words,
        "d_model": width,
        "d_kv": _shape(shapes, "blocks.0.attn.q.weight", 2)[0] // heads,
        "d_ff": _shape(shapes, "blocks.0.ffn.fc1.weight", 2)[0],
        "num_layers": _blocks(shapes),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "gated-gelu",
        "layer_norm_epsilon": 1e-6,
    }


def vae_arguments(shapes: Shapes) -> dict[str, Any]:
    """Return the arguments of AutoencoderKLWan; its latents' means and deviations are the class's own, which are Wan's.

    Raises:
        ModelFilesError: a tensor that tells a size is missing.
    """
    return {
        "base_dim": _shape(shapes, "encoder.conv1.weight", 5)[0],
        "z_dim": _shape(shapes, "conv2.weight", 5)[0],
        "dim_mult": list(STAGES),
        "num_res_blocks": RESIDUALS,
        "temperal_downsample": list(TEMPORAL),
    }


def names_of(part: str, arguments: Mapping[str, Any]) -> Names:
    """Return the names of all tensors of a part of this size."""
    if part == "vae":
        return vae_names(arguments["dim_mult"], arguments["num_res_blocks"], arguments["temperal_downsample"])
    return (text_encoder_names if part == "text_encoder" else expert_names)(arguments["num_layers"])


def _shape(shapes: Shapes, name: str, axes: int) -> tuple[int, ...]:
    if len(found := shapes.get(name, ())) != axes:
        raise ModelFilesError(f"it {'lacks' if not found else 'holds in another shape'} {name!r}")
    return found


def _blocks(names: Iterable[str]) -> int:
    return 1 + max(int(found[1]) for name in names if (found := re.match(r"blocks\.(\d+)\.", name)))
