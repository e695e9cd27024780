"""With how many bits a machine computes."""

from __future__ import annotations

import pytest
import torch

from filmagent.generation.wan.compute import precision
from filmagent.generation.wan.compute.precision import choose_precision, round_ahead
from tests.support.tiny_wan import tiny_expert

CPU = torch.device("cpu")


def test_asked_for_is_given():
    assert choose_precision("float32", CPU).name == "float32"
    assert choose_precision("bfloat16", CPU).autocast


@pytest.mark.parametrize(("units", "error", "name"), [
    ({"avx512_bf16": True}, 0.003, "bfloat16-autocast"),
    ({"amx_bf16": True}, 0.003, "bfloat16-autocast"),
    ({"amx_bf16": True}, 0.5, "float32"),
    ({"amx_bf16": True}, float("nan"), "float32"),
    ({"avx2": True}, 0.003, "float32"),
])
def test_a_cpu_uses_bfloat16_only_where_it_has_it_and_computes_it_right(monkeypatch, units, error, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)
    monkeypatch.setattr(precision, "_bfloat16_error", lambda: error)
    chosen = choose_precision("auto", CPU)
    assert (chosen.name, chosen.expert_dtype) == (name, torch.float32)
    assert chosen.reason


def test_the_measured_error_is_that_of_rounding():
    assert 0 < precision._bfloat16_error() < precision.LARGEST_ERROR


def test_a_gpu_loads_experts_in_bfloat16():
    chosen = choose_precision("auto", torch.device("cuda"))
    assert (chosen.expert_dtype, chosen.autocast) == (torch.bfloat16, False)


def test_rounding_ahead_changes_no_number_and_leaves_norms_alone():
    expert = tiny_expert()
    given = torch.ones(1, 36, 1, 4, 6), torch.tensor([500.0]), torch.ones(1, 3, 16)

    def under_autocast():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            return expert(*given, return_dict=False)[0]

    before, dtype = under_autocast(), expert.dtype
    round_ahead(expert)
    assert torch.equal(under_autocast(), before) and expert.dtype == dtype
    assert expert.blocks[0].attn1.to_q.weight.dtype == torch.bfloat16
    assert expert.blocks[0].attn1.norm_q.weight.dtype == expert.patch_embedding.weight.dtype == torch.float32
