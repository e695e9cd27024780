"""A whole Wan model folder at toy size: real classes, random weights, made in about a second without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from filmagent.generation.port import FrameSize
from filmagent.generation.wan.config import ModelCard, Sampling, WanConfig
from filmagent.generation.wan.generator import WanStoryMemGenerator

WORDS = ("a", "the", "cat", "dog", "walks", "runs", "forest", "beach", "wide", "close", "shot", "day", "red", "blue")
TEXT_WIDTH = 16


def tiny_vae(seed: int = 0) -> Any:
    """Return an AutoencoderKLWan of 8x space, 4x time and 16 channels, small enough for a test."""
    from filmagent.generation.wan.library import AutoencoderKLWan

    torch.manual_seed(seed)
    return AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.1 * (channel % 3) for channel in range(16)],
        latents_std=[1.0 + 0.1 * (channel % 4) for channel in range(16)],
    ).eval()


def tiny_expert(seed: int = 0, in_channels: int = 36) -> Any:
    """Return a WanTransformer3DModel of two blocks: for image-to-video (36 channels in) or text-to-video (16)."""
    from filmagent.generation.wan.library import WanTransformer3DModel

    torch.manual_seed(seed)
    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=in_channels, out_channels=16,
        text_dim=TEXT_WIDTH, freq_dim=16, ffn_dim=32, num_layers=2,
    ).eval()


def build_tiny_wan(folder: Path, *, experts: int = 2, seed: int = 0) -> Path:
    """Write vae/, transformer/, transformer_2/ (with two experts), text_encoder/, tokenizer/ and scheduler/."""
    from transformers import UMT5Config

    from filmagent.generation.wan.denoising.schedule import make_scheduler
    from filmagent.generation.wan.library import UMT5EncoderModel

    tiny_vae(seed).save_pretrained(folder / "vae")
    for number, name in enumerate(("transformer", "transformer_2")[:experts]):
        tiny_expert(seed + number).save_pretrained(folder / name)
    torch.manual_seed(seed)
    text = UMT5Config(vocab_size=len(WORDS) + 3, d_model=TEXT_WIDTH, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    UMT5EncoderModel(text).eval().save_pretrained(folder / "text_encoder")
    make_scheduler("wan", 3.0).save_pretrained(folder / "scheduler")
    _write_tokenizer(folder / "tokenizer")
    return folder


def tiny_config(folder: Path, *, experts: int = 2) -> WanConfig:
    """Return a configuration for such a folder: 32x32, 9 frames, two steps, three memory frames, all links."""
    return WanConfig(
        name="tiny-wan",
        folder=folder,
        card=ModelCard("tiny-wan", "Apache-2.0", "test"),
        native_size=FrameSize(32, 32),
        max_pixels=64 * 64,
        frames=9,
        fps=8,
        max_memory=3,
        sampling=Sampling(
            steps=2, guidance=2.0, shift=3.0, boundary_ratio=0.9 if experts == 2 else None, max_sequence_length=16
        ),
        precision="float32",
    )


def tiny_generator(folder: Path, *, experts: int = 2, **sampling: Any) -> WanStoryMemGenerator:
    """Return a generator over a folder that `build_tiny_wan` wrote; keyword arguments change its sampling."""
    config = tiny_config(folder, experts=experts)
    return WanStoryMemGenerator(replace(config, sampling=replace(config.sampling, **sampling)))


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    wrapped.save_pretrained(folder)


def corrupt(file: Path) -> None:
    """Cut a file in half, as a broken download does."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
