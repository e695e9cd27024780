"""Wan2.2-I2V-A14B and StoryMem's adapters at true size, as files with true headers and no numbers.

The files are sparse: 80 GB by their size, some pages on the disk. Whatever reads headers reads them as it would read
the real ones; whoever read a weight would find nothing but zeros.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS

WIDTH, INNER, BLOCKS, RANK = 5120, 13824, 40, 128
Shapes = Mapping[str, tuple[int, ...]]
BYTES = {"BF16": 2, "F32": 4}


def true_expert() -> Any:
    """Return an image-to-video expert on the meta device."""
    from filmagent.generation.wan.library import WanTransformer3DModel

    with torch.device("meta"):
        return WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=40, attention_head_dim=128, in_channels=36, out_channels=16,
            text_dim=4096, freq_dim=256, ffn_dim=INNER, num_layers=BLOCKS, cross_attn_norm=True,
            qk_norm="rms_norm_across_heads", eps=1e-6,
        ).eval()


def adapter_shapes(rank: int = RANK, prefix: str = "base_model.model.", halves: str = "AB") -> dict[str, Any]:
    """Return name -> shape of a LoRA on every linear layer of every block; `halves` names down and up."""
    down, up = ("lora_A", "lora_B") if halves == "AB" else ("lora_down", "lora_up")
    shapes = {}
    for block in range(BLOCKS):
        for layer in ORIGINAL_TO_DIFFUSERS:
            wide_in, wide_out = (INNER if layer == end else WIDTH for end in ("ffn.2", "ffn.0"))
            shapes[f"{prefix}blocks.{block}.{layer}.{down}.weight"] = (rank, wide_in)
            shapes[f"{prefix}blocks.{block}.{layer}.{up}.weight"] = (wide_out, rank)
    return shapes


def write_hollow(file: Path, shapes: Shapes, kind: str) -> None:
    """Write a safetensors file whose numbers are a hole."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape) * BYTES[kind]
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(len(words).to_bytes(8, "little") + words)
        stream.truncate(8 + len(words) + end)


def build_true_size(folder: Path) -> Path:
    """Write the folder that `--generator wan-storymem:FOLDER` takes: diffusers' format, adapters in `storymem/`."""
    from transformers import UMT5Config

    from filmagent.generation.wan.library import AutoencoderKLWan, UMT5EncoderModel
    from tests.support.tiny_wan import _write_tokenizer as write_tokenizer

    text = UMT5Config(vocab_size=256384, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64)
    with torch.device("meta"):
        vae, encoder = AutoencoderKLWan(), UMT5EncoderModel(text)
    expert = true_expert()
    for part in ("transformer", "transformer_2"):
        expert.save_config(folder / part)
        write_hollow(folder / part / "diffusion_pytorch_model.safetensors", shapes_in(expert), "BF16")
    vae.save_config(folder / "vae")
    write_hollow(folder / "vae/diffusion_pytorch_model.safetensors", shapes_in(vae), "F32")
    text.save_pretrained(folder / "text_encoder")
    shared = {name: shape for name, shape in shapes_in(encoder).items() if name != "encoder.embed_tokens.weight"}
    write_hollow(folder / "text_encoder/model.safetensors", shared, "BF16")
    write_tokenizer(folder / "tokenizer")
    for link in ("MI2V", "MM2V"):
        for noise in ("high", "low"):
            file = folder / f"storymem/Wan2.2-{link}-A14B/backbone_{noise}_noise.safetensors"
            write_hollow(file, adapter_shapes(), "F32")
    return folder


def shapes_in(model: Any) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a model's weights."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
