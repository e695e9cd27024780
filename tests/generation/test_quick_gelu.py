"""The quicker GELU: in bfloat16 it cannot be told from the one that was trained, and elsewhere it is not used."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.compute.quick_gelu import quicken
from filmagent.generation.wan.library import GELU
from filmagent.generation.wan.models import choose_placement, load_models
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert


def kinds(expert):
    return {module.approximate for module in expert.modules() if isinstance(module, GELU)}


def test_in_bfloat16_it_is_as_near_the_truth_as_the_one_that_was_trained():
    gelu = GELU(256, 2048, approximate="tanh")
    rows = 3 * torch.randn(64, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.nn.init.normal_(gelu.proj.weight, std=0.08)
        true = gelu(rows)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            stock = gelu(rows)
            quicken(gelu)
            quick = gelu(rows)
    assert not torch.equal(stock, quick)
    off = [(each.float() - true).pow(2).mean().sqrt() for each in (stock, quick)]
    assert off[1] < 1.02 * off[0]


def test_every_mlp_of_an_expert_takes_it_and_its_weights_stay():
    expert = tiny_expert()
    before = {name: weight.clone() for name, weight in expert.state_dict().items()}
    assert kinds(expert) == {"tanh"}
    quicken(expert)
    assert kinds(expert) == {"none"}
    assert all(torch.equal(weight, before[name]) for name, weight in expert.state_dict().items())


@pytest.mark.parametrize(("precision", "kind"), [("float32", "tanh"), ("bfloat16", "none")])
def test_a_generator_uses_it_where_it_computes_in_bfloat16(tmp_path, precision, kind):
    config = replace(tiny_config(build_tiny_wan(tmp_path)), precision=precision)
    models = load_models(config, choose_placement(footprint_of(config)))
    if models.precision.device.type == "cpu":
        assert [kinds(expert) for expert in models.pipeline.experts()] == [{kind}, {kind}]
