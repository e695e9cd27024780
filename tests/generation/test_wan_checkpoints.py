"""Model folders: whole or refused, and recognisable."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.weights import checkpoints
from filmagent.generation.wan.weights.checkpoints import (
    expert_from_original,
    files_revision,
    load_part,
    needed_files,
    revision_of,
)
from tests.support import parity
from tests.support.tiny_wan import corrupt, tiny_config

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


def test_a_whole_folder_lists_its_weights(own_wan):
    assert [str(file.relative_to(own_wan)) for file in needed_files(tiny_config(own_wan))] == [
        "vae/diffusion_pytorch_model.safetensors", WEIGHTS, "transformer_2/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
    ]


@pytest.mark.parametrize("gone", [
    "vae/config.json", WEIGHTS, "transformer_2/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
])
def test_a_missing_file_is_named_with_what_to_do(own_wan, gone):
    (own_wan / gone).unlink()
    with pytest.raises(ModelFilesError, match=gone.split("/")[1 if "tok" not in gone else 0]) as error:
        needed_files(tiny_config(own_wan))
    assert tiny_config(own_wan).how_to_get in str(error.value)


@pytest.mark.parametrize("part", ["vae", "transformer", "transformer_2", "text_encoder"])
def test_a_cut_file_is_refused(own_wan, part):
    corrupt(next((own_wan / part).glob("*.safetensors")))
    with pytest.raises(ModelFilesError, match="broken"):
        needed_files(tiny_config(own_wan))


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelFilesError, match="no model folder"):
        needed_files(tiny_config(tmp_path / "nowhere"))


def test_a_missing_shard_is_refused(own_wan):
    index = own_wan / "transformer/diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}))
    (own_wan / WEIGHTS).rename(own_wan / "transformer/part-1.safetensors")
    with pytest.raises(ModelFilesError, match="part-2"):
        needed_files(tiny_config(own_wan))


@pytest.mark.parametrize("change", ["missing", "unexpected", "mismatched"])
def test_weights_that_do_not_fit_their_class_are_refused(own_wan, change):
    weights = load_file(own_wan / WEIGHTS)
    if change == "missing":
        del weights["proj_out.bias"]
    elif change == "unexpected":
        weights["proj_out.extra"] = torch.zeros(1)
    else:
        weights["proj_out.bias"] = torch.zeros(3)
    save_file(weights, own_wan / WEIGHTS)
    with pytest.raises(ModelFilesError, match="transformer"):
        load_part(WanTransformer3DModel, own_wan, "transformer", torch.float32)


def test_half_precision_keeps_wans_float32_islands(own_wan):
    expert = load_part(WanTransformer3DModel, own_wan, "transformer", torch.bfloat16)
    assert expert.blocks[0].attn1.to_q.weight.dtype == torch.bfloat16
    assert expert.scale_shift_table.dtype == expert.rope.freqs_cos.dtype == torch.float32


@pytest.mark.parametrize("changed", [WEIGHTS, "vae/config.json", "tokenizer/tokenizer.json"])
def test_the_revision_follows_the_contents(own_wan, changed):
    config = tiny_config(own_wan)
    before = revision_of(config)
    assert revision_of(config) == before
    if changed == WEIGHTS:
        weights = load_file(own_wan / WEIGHTS)
        weights["proj_out.bias"] += 1
        save_file(weights, own_wan / WEIGHTS)
    else:
        (own_wan / changed).write_text((own_wan / changed).read_text() + "\n")
    assert revision_of(config) != before


def test_the_revision_of_large_files_follows_their_samples(own_wan, monkeypatch):
    monkeypatch.setattr(checkpoints, "WHOLE_HASH_BYTES", 1000)
    monkeypatch.setattr(checkpoints, "SAMPLE_BYTES", 100)
    file = own_wan / WEIGHTS
    before = files_revision([file])
    content = bytearray(file.read_bytes())
    content[-50] ^= 1
    file.write_bytes(content)
    assert files_revision([file]) != before


def test_original_names_must_all_fit():
    weights = parity.numbers("storymem_dit")
    given = set(weights)
    del weights["blocks.0.ffn.0.bias"]
    with pytest.raises(ModelFilesError, match=r"blocks\.0\.ffn"):
        expert_from_original(weights, num_attention_heads=2, attention_head_dim=32, in_channels=36, text_dim=32,
                             freq_dim=64, ffn_dim=128, num_layers=2)
    assert set(weights) == given - {"blocks.0.ffn.0.bias"}, "the caller's weights stay as they are"
