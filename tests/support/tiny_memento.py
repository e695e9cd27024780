"""Whole Memento model folders at toy size, in each of the forms in which the weights come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from filmagent.generation.port import FrameSize
from filmagent.generation.wan.memento.expert import MementoTransformer
from filmagent.generation.wan.memento.generator import WanMementoGenerator, memento_config
from tests.support.tiny_wan import build_tiny_wan

WEIGHTS = "diffusion_pytorch_model.safetensors"
PARTS = {"high_noise": "transformer", "low_noise": "transformer_2"}


def build_tiny_memento(folder: Path) -> Path:
    """Write a folder whose experts are whole: backbone and selector together, in diffusers' names."""
    build_tiny_wan(folder)
    for seed, part in enumerate(PARTS.values()):
        (folder / part / WEIGHTS).unlink()
        torch.manual_seed(seed)
        MementoTransformer(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16,
            text_dim=16, freq_dim=16, ffn_dim=32, num_layers=2,
        ).eval().save_pretrained(folder / part)
    return folder


def in_original_names(folder: Path) -> None:
    """Rename the experts' weights in place, as Wan2.2's own files name them."""
    for part in PARTS.values():
        weights = load_file(folder / part / WEIGHTS)
        save_file({original_name(name): tensor for name, tensor in weights.items()}, folder / part / WEIGHTS)


def original_name(name: str) -> str:
    """Return Wan2.2's name for one of diffusers'."""
    if name.startswith("keyframe_query."):
        return name
    for new, old in (
        ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
        ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
        ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
        ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
        ("condition_embedder.time_proj", "time_projection.1"),
        ("attn1", "self_attn"), ("attn2", "cross_attn"), (".to_q.", ".q."), (".to_k.", ".k."), (".to_v.", ".v."),
        (".to_out.0.", ".o."), ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2"), ("norm2", "norm3"),
        ("proj_out", "head.head"),
    ):
        name = name.replace(new, old)
    return {"scale_shift_table": "head.modulation"}.get(name, name.replace("scale_shift_table", "modulation"))


def as_released(folder: Path) -> None:
    """Take the selectors out of the experts, and write them with a LoRA into memento/, as the released files are."""
    (folder / "memento").mkdir()
    noise = torch.Generator().manual_seed(7)
    for expert, part in PARTS.items():
        weights = load_file(folder / part / WEIGHTS)
        selector = {name: weights.pop(name) for name in list(weights) if name.startswith("keyframe_query.")}
        save_file(weights, folder / part / WEIGHTS)
        lora = {}
        for block in range(2):
            for layer in ("self_attn.q", "self_attn.o", "cross_attn.k"):
                for half, shape in (("A", (4, 24)), ("B", (24, 4))):
                    name = f"base_model.model.blocks.{block}.{layer}.lora_{half}.default.weight"
                    lora[name] = 0.1 * torch.randn(shape, generator=noise)
        prefixed = {f"base_model.model.{name}": tensor for name, tensor in selector.items()}
        named = {f"{expert}_model.{name}": tensor for name, tensor in {**lora, **prefixed}.items()}
        save_file(named, folder / f"memento/backbone_{expert}.safetensors")


def tiny_memento(folder: Path, **sampling: Any) -> WanMementoGenerator:
    """Return a generator over such a folder: 32x32, 9 frames, two steps that two experts share."""
    released = folder / "memento" if (folder / "memento").is_dir() else None
    config = memento_config("tiny-memento", folder, released, "mend the test")
    return WanMementoGenerator(replace(
        config, native_size=FrameSize(32, 32), max_pixels=64 * 64, frames=9, fps=8, precision="float32",
        sampling=replace(config.sampling, **({"steps": 2, "guidance": 2.0, "max_sequence_length": 80} | sampling)),
    ))
