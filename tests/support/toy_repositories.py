"""What a hub holds for Wan2.2, StoryMem and Memento, in full format at toy size: sharded experts, adapters, pickles."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from filmagent.generation.models.catalogue import MEMENTO_WEIGHTS, STORYMEM, WAN_I2V, WAN_T2V
from filmagent.generation.wan.memento.selector import KeyframeQuery
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS
from tests.support.tiny_wan import build_tiny_wan, tiny_expert

WIDTH, INNER, BLOCKS, RANK = 24, 32, 2, 4
"""Of `tiny_expert`, and the toy adapters' rank."""


def toy_repositories(home: Path) -> dict[str, Path]:
    """Write the repositories of the sets `wan2.2` and `wan2.2-storymem`; returns repository -> folder."""
    folders = {found.id: home / str(number) for number, found in enumerate((WAN_I2V, WAN_T2V, STORYMEM))}
    for repository, channels in ((WAN_I2V, 36), (WAN_T2V, 16)):
        folder = build_tiny_wan(folders[repository.id])
        for number, part in enumerate(("transformer", "transformer_2")):
            (folder / part / "diffusion_pytorch_model.safetensors").unlink()
            tiny_expert(number, channels).save_pretrained(folder / part, max_shard_size="40KB")
        (folder / "model_index.json").write_text("{}")
        (folder / "text_encoder" / "pytorch_model.bin").write_bytes(b"PK\x03\x04 never fetched")
        (folder / "README.md").write_text("never fetched")
    for seed, name in enumerate(STORYMEM.files):
        file = folders[STORYMEM.id] / name
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(toy_adapter(seed), file)
    return folders


def toy_memento(home: Path) -> dict[str, Path]:
    """Write Memento's repository as its page lists it, one `.pth` an expert; returns repository -> folder."""
    home.mkdir()
    for seed, (expert, name) in enumerate(zip(("high_noise", "low_noise"), MEMENTO_WEIGHTS.pickles, strict=True)):
        torch.save(toy_memento_weights(expert, seed), home / name)
    return {MEMENTO_WEIGHTS.id: home}


def toy_memento_weights(expert: str, seed: int) -> dict[str, torch.Tensor]:
    """Return a LoRA and a selector for `tiny_expert`, named as Memento's training saves them."""
    torch.manual_seed(seed)
    selector = KeyframeQuery(WIDTH, 2).state_dict()
    weights = {name.replace(".weight", ".default.weight"): tensor for name, tensor in toy_adapter(seed).items()}
    weights |= {f"base_model.model.keyframe_query.{name}": tensor for name, tensor in selector.items()}
    return {f"{expert}_model.{name}": tensor for name, tensor in weights.items()}


def toy_adapter(seed: int) -> dict[str, torch.Tensor]:
    """Return a LoRA for `tiny_expert` in StoryMem's names: every linear layer of both blocks."""
    noise = torch.Generator().manual_seed(seed)
    weights = {}
    for block in range(BLOCKS):
        for layer in ORIGINAL_TO_DIFFUSERS:
            wide_in = INNER if layer == "ffn.2" else WIDTH
            wide_out = INNER if layer == "ffn.0" else WIDTH
            key = f"base_model.model.blocks.{block}.{layer}.lora_"
            weights[f"{key}A.weight"] = torch.randn(RANK, wide_in, generator=noise) * 0.1
            weights[f"{key}B.weight"] = torch.randn(wide_out, RANK, generator=noise) * 0.1
    return weights
