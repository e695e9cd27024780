"""The adapter that films on: pictures after a cut are as ever, those behind them are an adapted expert's."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.card import read_card, write_card
from filmagent.generation.papercut.generator import papercut_config, weights_folder
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.config import NOT_INSTALLED, ModelCard, PictureFilming, Sampling, WanConfig
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.weights.filming_adapter import SET, install_filming_adapter, save_filming_adapter
from filmagent.generation.wan.weights.lora import fresh_lora, lora_weights, without_lora
from filmagent.generation.wan.weights.matrices import matrices_in_use
from tests.support.tiny_wan import build_tiny_wan, tiny_expert

SIZE, RANK = FrameSize(48, 32), 2


@pytest.fixture
def folder(tmp_path):
    return build_tiny_wan(tmp_path / "wan", experts=1)


def adapter(seed=0):
    expert = tiny_expert()
    fresh_lora(expert, SET, RANK)
    chance = torch.Generator().manual_seed(seed)
    shapes = {name: weight.shape for name, weight in lora_weights(expert, SET).items()}
    return {name: 0.3 * torch.randn(shape, generator=chance) for name, shape in shapes.items()}


def config(folder, file=None):
    return WanConfig(name="papercut", folder=folder, card=ModelCard("papercut", "Apache-2.0", "all"), native_size=SIZE,
                     max_pixels=48 * 32, frames=9, fps=8, max_memory=2, precision="float32",
                     sampling=Sampling(steps=2, guidance=1.0, boundary_ratio=None), filming=PictureFilming(3, 2, 2),
                     filming_adapter=file)


def shot(folder, file=None, **changes):
    return PapercutGenerator(config(folder, file)).generate(
        replace(GenerationRequest("the cat walks", "scene_cut", 3, SIZE, 9), **changes)
    ).frames


def test_what_is_behind_a_picture_is_made_by_an_expert_that_the_adapter_was_added_to(folder, tmp_path):
    weights, file = adapter(), tmp_path / "filming.safetensors"
    save_filming_adapter(weights, folder, file)
    plain, adapted = shot(folder), shot(folder, file)
    assert np.array_equal(plain[0], adapted[0]), "an opening picture is as ever"
    assert not np.array_equal(plain[1:], adapted[1:])
    merged = tiny_expert()
    with torch.no_grad():
        for name, layer in merged.named_modules():
            if f"{name}.lora_A.weight" in weights:
                update = weights[f"{name}.lora_B.weight"] @ weights[f"{name}.lora_A.weight"]
                layer.weight += RANK / math.sqrt(RANK) * update
    seam = adapted[:1]
    merged.save_pretrained(folder / "transformer")
    assert np.abs(shot(folder, link="MI2V", seam=seam).astype(int) - adapted[1:]).max() <= 1


def test_a_shot_leaves_the_expert_as_it_was(folder, tmp_path):
    save_filming_adapter(adapter(), folder, tmp_path / "filming.safetensors")
    generator = PapercutGenerator(config(folder, tmp_path / "filming.safetensors"))
    request = GenerationRequest("the cat walks", "scene_cut", 3, SIZE, 9)
    first = generator.generate(request).frames
    assert np.array_equal(generator.generate(request).frames, first)
    assert np.array_equal(generator.generate(replace(request, frames=1)).frames, shot(folder, frames=1))


def test_it_is_told_apart_from_the_weights(folder, tmp_path):
    files = [tmp_path / name for name in ("one.safetensors", "other.safetensors")]
    for seed, file in enumerate(files):
        save_filming_adapter(adapter(seed), folder, file)
    plain, one, other = (PapercutGenerator(config(folder, file)).fingerprint for file in (None, *files))
    assert {**plain, "filming_adapter": one["filming_adapter"]} == one
    assert one["filming_adapter"] != other["filming_adapter"] and one["weights"] == other["weights"]


def test_a_films_manifest_names_it_beside_the_weights(folder, tmp_path):
    file = tmp_path / "filming.safetensors"
    generator = PapercutGenerator(config(folder, file))
    assert generator.capabilities.models[1].revision == NOT_INSTALLED
    save_filming_adapter(adapter(), folder, file)
    weights, filming = generator.capabilities.models
    assert (filming.name, filming.licence) == ("papercut filming", weights.licence)
    assert filming.revision == generator.fingerprint["filming_adapter"] != weights.revision
    assert len(PapercutGenerator(config(folder)).capabilities.models) == 1
    whole_shots = PapercutGenerator(replace(config(folder, file), filming=None))
    assert whole_shots.capabilities.models[1] == filming, "it is loaded there, too"


def test_an_adapter_of_other_weights_is_refused(folder, tmp_path):
    file = tmp_path / "filming.safetensors"
    save_filming_adapter(adapter(), folder, file)
    tiny_expert(seed=9).save_pretrained(folder / "transformer")
    with pytest.raises(ModelFilesError, match=r"was trained on an expert of revision .*: train it again"):
        shot(folder, file)
    save_file(load_file(file), file)
    with pytest.raises(ModelFilesError, match="revision None"):
        shot(folder, file)


def test_a_card_that_names_a_file_that_is_not_there(tmp_path):
    home = tmp_path / "weights"
    home.mkdir()
    for part in weights_folder().iterdir():
        if part.name != "papercut.json":
            (home / part.name).symlink_to(part)
    write_card(read_card(weights_folder()).model_copy(update={"filming_adapter": "gone.safetensors"}), home)
    assert json.loads((home / "papercut.json").read_text())["filming_adapter"] == "gone.safetensors"
    request = GenerationRequest("a cat", "scene_cut", 0, FrameSize(224, 128), 1)
    with pytest.raises(ModelFilesError, match=r"gone\.safetensors"):
        PapercutGenerator(papercut_config(home)).generate(request)


def output(expert):
    with torch.no_grad():
        given = torch.ones(1, 36, 1, 4, 6), torch.tensor([500.0]), torch.ones(1, 3, 16)
        return expert(*given, return_dict=False)[0]


def test_adapters_of_memory_do_not_see_it(folder, tmp_path):
    expert = WanTransformer3DModel.from_pretrained(folder / "transformer").eval()
    fresh_lora(expert, "memory", RANK)
    for number, weight in enumerate(lora_weights(expert, "memory").values()):
        torch.nn.init.normal_(weight, std=0.2 + 0.01 * (number % 3))
    stored, remembering = expert.state_dict().keys(), output(expert)
    save_filming_adapter(adapter(), folder, tmp_path / "filming.safetensors")
    install_filming_adapter(expert, config(folder, tmp_path / "filming.safetensors"))
    assert torch.equal(output(expert), remembering) and expert.state_dict().keys() == stored
    with without_lora([expert]):
        bare = output(expert)
        with matrices_in_use([expert], SET):
            filming = output(expert)
        assert torch.equal(output(expert), bare)
    assert torch.equal(output(expert), remembering)
    assert not torch.equal(filming, bare)
    with matrices_in_use([tiny_expert()], SET):
        pass  # an expert without other matrices is no error


def test_it_goes_where_the_expert_goes(folder, tmp_path):
    expert = WanTransformer3DModel.from_pretrained(folder / "transformer").eval()
    save_filming_adapter(adapter(), folder, tmp_path / "filming.safetensors")
    install_filming_adapter(expert, config(folder, tmp_path / "filming.safetensors"))
    expert.to(torch.float64)
    with matrices_in_use([expert], SET):
        assert {weight.dtype for weight in expert.parameters()} == {torch.float64}
