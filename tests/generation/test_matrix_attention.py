"""Attention in matrices: what torch's own attention computes, forward and backward, however the heads are grouped."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from filmagent.generation.wan.compute import matrix_attention
from filmagent.generation.wan.compute.matrix_attention import attend_in_matrices, fits_matrices


def tokens(count, dtype, seed):
    """Two examples with three heads of width 4."""
    return torch.randn(2, count, 3, 4, generator=torch.Generator().manual_seed(seed)).to(dtype).requires_grad_()


def torch_own(query, key, value):
    by_head = (part.transpose(1, 2) for part in (query, key, value))
    return functional.scaled_dot_product_attention(*by_head).transpose(1, 2)


@pytest.mark.parametrize("at_once", [1, 2 * 7 * 5, 2**19], ids=["each head alone", "two heads", "all heads"])
def test_what_is_seen_and_its_gradients_are_torchs(monkeypatch, at_once):
    monkeypatch.setattr(matrix_attention, "SCORES_AT_ONCE", at_once)
    parts = [tokens(7, torch.float64, 1), tokens(5, torch.float64, 2), tokens(5, torch.float64, 3)]
    toward = torch.randn(2, 7, 3, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    found, true = attend_in_matrices(*parts), torch_own(*parts)
    assert torch.allclose(found, true, atol=1e-12)
    of_found = torch.autograd.grad(found, parts, toward)
    for mine, theirs in zip(of_found, torch.autograd.grad(true, parts, toward), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-12)


def test_in_bfloat16_gradients_are_as_near_the_truth_as_torchs():
    parts = [tokens(40, torch.bfloat16, seed) for seed in range(3)]
    toward = torch.randn(2, 40, 3, 4, generator=torch.Generator().manual_seed(4)).bfloat16()
    exact = [part.detach().double().requires_grad_() for part in parts]
    true = torch.autograd.grad(torch_own(*exact), exact, toward.double())

    def off(attend):
        found = torch.autograd.grad(attend(*parts), parts, toward)
        return sum(float((one - other).norm()) for one, other in zip(found, true, strict=True))

    assert off(attend_in_matrices) < 1.5 * off(torch_own)


def test_matrices_are_for_bfloat16_on_a_cpu_and_for_heads_that_can_be_held(monkeypatch):
    short = torch.zeros(1, 8, 2, 4, dtype=torch.bfloat16)
    assert fits_matrices(short, short)
    assert not fits_matrices(short.float(), short.float())
    assert not fits_matrices(short.to("meta"), short.to("meta"))
    monkeypatch.setattr(matrix_attention, "MOST_SCORES", 63)
    assert not fits_matrices(short, short)
