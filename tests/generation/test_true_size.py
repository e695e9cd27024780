"""Wan2.2-A14B with StoryMem at true size, without its numbers: every key has its place, and all is counted right."""

from __future__ import annotations

import json
import math

import pytest
import torch

from filmagent.cli import main
from filmagent.errors import ModelFilesError
from filmagent.generation.costs import ShotShape
from filmagent.generation.models.catalogue import STORYMEM
from filmagent.generation.port import FrameSize
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.fast.distilled import fold_alphas
from filmagent.generation.wan.weights.checkpoints import needed_files, parts_of
from filmagent.generation.wan.weights.fitting import check_lora_fits, check_part_fits
from filmagent.generation.wan.weights.lora import attach_weights, fit_lora, use_lora
from tests.support.true_size import adapter_shapes, build_true_size, true_expert, write_hollow

EXPERT, ADAPTER = 14_288_901_184, 613_416_960
SHOT = ShotShape(FrameSize(832, 480), 81, 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_true_size(tmp_path_factory.mktemp("true"))


@pytest.fixture(scope="module")
def generator(folder):
    return create_generator(f"wan-storymem:{folder}")


@pytest.fixture(scope="module")
def expert():
    return true_expert()


def meta(shapes):
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_every_key_of_all_parts_and_of_all_four_adapters_has_its_place(folder, generator, expert):
    files = needed_files(generator.config)
    assert len(files) == 4 + 4
    for part in parts_of(two_experts=True):
        check_part_fits(folder, part, "")
    adapters = [file for file in files if "storymem" in file.parts]
    for file in adapters:
        check_lora_fits(expert, file, "")
    published = STORYMEM.bytes
    assert published is not None
    assert sum(file.stat().st_size for file in adapters) == pytest.approx(published, rel=1e-3)


def test_what_is_counted_are_wans_and_storymems_numbers(generator):
    footprint = footprint_of(generator.config)
    assert [weights.linear + weights.other for weights in footprint.experts] == [EXPERT, EXPERT]
    assert [weights.adapters for weights in footprint.experts] == [2 * ADAPTER] * 2, "MI2V's and MM2V's"
    assert footprint.text == 5_680_910_336
    assert sum(map(math.prod, footprint.vae.values())) == 126_892_531
    assert generator.model_bytes() == sum(file.stat().st_size for file in needed_files(generator.config)) > 70 * 10**9
    assert generator.cost(SHOT).tokens == 48_360
    assert generator._models is None


def test_the_estimate_comes_from_headers_alone(folder, tmp_path, monkeypatch, capsys):
    """Were a weight read, zeros of 57 GB would have to fit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("filmagent.generation.wan.budget.rate.SECONDS", 0.01)
    assert main(["a cat", "--shots", "4", "--generator", f"wan-storymem:{folder}", "--estimate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["shots"], found["calibrated_on"], found["last_error"]) == (4, 0, None)
    assert found["seconds_least"] > 0
    assert found["model_bytes"] > 70 * 10**9
    assert any("80 forwards" in line for line in found["rests_on"])


def test_an_adapter_goes_on_an_expert_whole_and_at_its_true_scale(tmp_path):
    expert = true_expert()
    with torch.device("meta"):  # peft makes an adapter's weights where tensors are made
        attached = attach_weights(expert, meta(adapter_shapes()), tmp_path / "mi2v", "mi2v")
    assert (attached.layers, attached.rank) == (400, 128)
    use_lora(expert, "mi2v")
    adapted = [module for module in expert.modules() if "mi2v" in getattr(module, "scaling", {})]
    assert len(adapted) == 400
    assert all(module.active_adapters == ["mi2v"] for module in adapted)
    assert all(module.scaling["mi2v"] == pytest.approx(128 / 128**0.5) for module in adapted)
    held = [weight.numel() for key, weight in expert.named_parameters() if "lora_" in key]
    assert (len(held), sum(held)) == (800, ADAPTER)
    assert sum(weight.numel() for weight in expert.parameters()) == EXPERT + ADAPTER


def test_a_few_step_adapter_of_rank_64_is_used_whole(expert, tmp_path):
    shapes = adapter_shapes(64, "diffusion_model.", "down and up")
    weights = meta(shapes) | {name.replace("lora_down.weight", "alpha"): torch.tensor(8.0)
                              for name in shapes if "lora_down" in name}
    assert len(weights) == 1200
    renamed, layers, rank = fit_lora(expert, fold_alphas(weights, tmp_path / "few"), tmp_path / "few")
    assert (len(renamed), len(layers), rank) == (800, 400, 64)
    assert sum(tensor.numel() for tensor in renamed.values()) == ADAPTER // 2


@pytest.mark.parametrize(("change", "says"), [
    (lambda shapes: shapes.pop("base_model.model.blocks.39.ffn.2.lora_B.weight"), r"blocks\.39\.ffn\.net\.2' lacks"),
    (lambda shapes: shapes.update({"base_model.model.blocks.40.ffn.2.lora_A.weight": (128, 13824)}), r"blocks\.40"),
    (lambda shapes: shapes.update({"base_model.model.blocks.7.self_attn.k.lora_A.weight": (128, 5119)}),
     r"blocks\.7\.attn1\.to_k' has shapes"),
])
def test_one_key_among_800_that_does_not_fit_is_named(expert, tmp_path, change, says):
    shapes = adapter_shapes()
    change(shapes)
    write_hollow(tmp_path / "adapter.safetensors", shapes, "F32")
    with pytest.raises(ModelFilesError, match=says):
        check_lora_fits(expert, tmp_path / "adapter.safetensors", "")
