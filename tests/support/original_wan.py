"""The same toy weights in two full folders: diffusers' format and Wan2.2's own, as it is released."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from filmagent.generation.wan.weights.original.names import text_encoder_names, vae_names
from filmagent.generation.wan.weights.original.shapes import RESIDUALS, STAGES, TEMPORAL
from tests.support.tiny_memento import original_name
from tests.support.tiny_wan import TEXT_WIDTH, build_tiny_wan

STOCK_WEIGHTS = "diffusion_pytorch_model.safetensors"
T5, VAE = "models_t5_umt5-xxl-enc-bf16.pth", "Wan2.1_VAE.pth"
EXPERTS = {"transformer": "high_noise_model", "transformer_2": "low_noise_model"}
SHARDS = ("diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors")
INDEX = "diffusion_pytorch_model.safetensors.index.json"


def build_stock(folder: Path) -> Path:
    """Write a folder in diffusers' format whose VAE has Wan2.1's stages, which its own format implies."""
    return with_wans_vae(build_tiny_wan(folder))


def with_wans_vae(folder: Path) -> Path:
    """Put a VAE with Wan2.1's stages into a folder in diffusers' format."""
    from filmagent.generation.wan.library import AutoencoderKLWan

    shutil.rmtree(folder / "vae")
    torch.manual_seed(0)
    AutoencoderKLWan(base_dim=2, z_dim=16).eval().save_pretrained(folder / "vae")
    return folder


def build_original(stock: Path, folder: Path) -> Path:
    """Write the weights of a stock folder in Wan's own format: two shards an expert, `.pth` for the rest."""
    for part, name in EXPERTS.items():
        home, config = folder / name, json.loads((stock / part / "config.json").read_text())
        home.mkdir(parents=True)
        weights = {original_name(key): tensor for key, tensor in load_file(stock / part / STOCK_WEIGHTS).items()}
        (home / "config.json").write_text(json.dumps(own_config(config)))
        halves = sorted(weights)[::2], sorted(weights)[1::2]
        for shard, names in zip(SHARDS, halves, strict=True):
            save_file({key: weights[key] for key in names}, home / shard)
        shards = {key: shard for shard, names in zip(SHARDS, halves, strict=True) for key in names}
        (home / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    text = load_file(stock / "text_encoder/model.safetensors")
    torch.save({own: text[name] for own, name in text_encoder_names(1)}, folder / T5)
    vae = load_file(stock / "vae" / STOCK_WEIGHTS)
    torch.save({own: vae[name] for own, name in vae_names(STAGES, RESIDUALS, TEMPORAL)}, folder / VAE)
    shutil.copytree(stock / "tokenizer", folder / "google/umt5-xxl")
    return folder


def own_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return what WanModel's config.json says of an expert of this stock configuration: not all of it."""
    heads = config["num_attention_heads"]
    return {
        "_class_name": "WanModel", "_diffusers_version": "0.33.0", "dim": heads * config["attention_head_dim"],
        "eps": 1e-6, "ffn_dim": config["ffn_dim"], "freq_dim": config["freq_dim"], "in_dim": config["in_channels"],
        "model_type": "i2v", "num_heads": heads, "num_layers": config["num_layers"],
        "out_dim": config["out_channels"], "text_len": TEXT_WIDTH,
    }


def lay_out_alike(pipeline: Any) -> None:
    """Copy every tensor into torch's own memory: a CPU rounds by where a tensor starts, which is chance in a file."""
    for name in ("transformer", "transformer_2", "text_encoder", "vae"):
        for tensor in getattr(pipeline, name).parameters():
            tensor.data = tensor.data.clone()


def edit(file: Path, change: Any) -> None:
    """Change the tensors of a file in place, whichever kind it is."""
    pickled = file.suffix == ".pth"
    weights = torch.load(file, weights_only=True) if pickled else load_file(file)
    change(weights)
    file.unlink()
    (torch.save if pickled else save_file)(weights, file)
