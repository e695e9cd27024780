"""Each kind of damage to a folder ends the first shot with one line that names the file, and no picture is made."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.port import FrameSize, GenerationRequest
from tests.support.tiny_wan import corrupt, tiny_generator

EXPERT = "transformer/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
NAMES = {EXPERT: "proj_out.bias", TEXT: "encoder.final_layer_norm.weight", VAE: "decoder.conv_out.bias"}
REQUEST = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9)


def rewrite(file, change):
    weights = load_file(file)
    change(weights)
    file.unlink()
    save_file(weights, file, metadata={"format": "pt"})


def refusal(folder):
    generator = tiny_generator(folder)
    with pytest.raises(ModelFilesError) as refused:
        generator.generate(REQUEST)
    assert generator._models is None
    return str(refused.value)


@pytest.mark.parametrize("file", [EXPERT, TEXT, VAE])
@pytest.mark.parametrize("damage", ["renamed", "misshapen", "missing", "left over"])
def test_tensors_that_do_not_fit(own_wan, file, damage):
    name = NAMES[file]

    def change(weights):
        if damage in ("renamed", "missing"):
            tensor = weights.pop(name)
        if damage == "renamed":
            weights[f"{name}s"] = tensor
        elif damage == "misshapen":
            weights[name] = torch.zeros(weights[name].shape[0] + 1)
        elif damage == "left over":
            weights["program.weight"] = torch.zeros(1)

    rewrite(own_wan / file, change)
    said = refusal(own_wan)
    assert file.split("/")[0] in said
    assert (name if damage != "left over" else "program.weight") in said
    assert "\n" not in said


@pytest.mark.parametrize("file", [EXPERT, TEXT, VAE])
@pytest.mark.parametrize("damage", ["gone", "cut", "pickle", "pickle under its name", "empty", "a shard is gone"])
def test_files_that_are_none(own_wan, file, damage):
    place = own_wan / file
    if damage == "cut":
        corrupt(place)
    elif damage == "empty":
        place.write_bytes(b"")
    elif damage == "a shard is gone":
        place.rename(place.with_name("first.safetensors"))
        shards = {"weight_map": {"a": "first.safetensors", "b": "second.safetensors"}}
        place.with_suffix(".safetensors.index.json").write_text(json.dumps(shards))
    else:
        place.unlink()
        if damage == "pickle":
            torch.save({"program": print}, place.with_suffix(".bin"))
        elif damage == "pickle under its name":
            torch.save({"program": print}, place)
    said = refusal(own_wan)
    assert ("second.safetensors" if "shard" in damage else place.name) in said
    assert ("pickle, which can run programs" in said) == ("pickle" in damage)
    assert "\n" not in said
