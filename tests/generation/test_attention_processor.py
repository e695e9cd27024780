"""Wan's attention taken apart: diffusers' own, and on a CPU in bfloat16 as near to the truth in another way."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from filmagent.generation.wan.compute import matrix_attention
from filmagent.generation.wan.compute.attention_processor import OpenAttention, open_attention
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.library import WanAttnProcessor
from tests.support.tiny_wan import TEXT_WIDTH, tiny_expert


def run(expert, short=False, memory=1):
    generator = torch.Generator().manual_seed(2)
    told = {"hidden_states": torch.randn(2, 36, 3, 8, 12, generator=generator), "timestep": torch.tensor([500.0, 20.0]),
            "encoder_hidden_states": torch.randn(2, 5, TEXT_WIDTH, generator=generator)}
    ropes = [install_memory_rope(expert)]
    precision = choose_precision("bfloat16" if short else "float32", torch.device("cpu"))
    with torch.inference_mode(), memory_positions(ropes, memory, 5), precision.context():
        return expert(**told, return_dict=False)[0].float()


@pytest.fixture
def kernel_calls(monkeypatch):
    """How often torch's own attention was called."""
    calls = []
    kernel = functional.scaled_dot_product_attention
    monkeypatch.setattr(functional, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or kernel(*a, **k))
    return calls


def test_in_float32_it_is_diffusers_own(kernel_calls):
    stock, opened = tiny_expert(), tiny_expert()
    open_attention(opened)
    assert {type(block.attn1.processor) for block in opened.blocks} == {OpenAttention}
    assert {type(block.attn2.processor) for block in opened.blocks} == {OpenAttention}
    assert torch.allclose(run(stock), run(opened), atol=1e-6)
    assert len(kernel_calls) == 8, "two blocks, to itself and to the text, two experts"


def test_in_bfloat16_it_takes_products_of_matrices_and_is_as_near_the_truth(kernel_calls):
    stock, opened = tiny_expert(), tiny_expert()
    open_attention(opened)
    true = run(stock)
    kernel_calls.clear()
    off = run(opened, short=True) - true
    assert not kernel_calls
    assert off.norm() < 1.1 * (run(stock, short=True) - true).norm()


def test_what_is_long_is_left_to_the_kernel(kernel_calls, monkeypatch):
    expert = tiny_expert()
    open_attention(expert)
    query = torch.randn(1, 8, 2, 12, dtype=torch.bfloat16)
    attention = expert.blocks[0].attn1.processor
    attention.attend(query, query, query)
    assert not kernel_calls
    monkeypatch.setattr(matrix_attention, "MOST_SCORES", 8 * 8 - 1)
    attention.attend(query, query, query)
    assert len(kernel_calls) == 1


def test_a_mask_is_left_to_diffusers():
    attention = tiny_expert().blocks[0].attn2
    hidden, text = torch.randn(1, 6, 24), torch.randn(1, 4, 24)
    mask = torch.tensor([[[[0.0, 0.0, float("-inf"), float("-inf")]]]])
    with torch.inference_mode():
        some = OpenAttention()(attention, hidden, text, mask)
        assert torch.equal(some, WanAttnProcessor()(attention, hidden, text, mask))
        assert torch.allclose(some, OpenAttention()(attention, hidden, text[:, :2]), atol=1e-6)


def test_an_attention_of_ones_own_stays():
    expert = tiny_expert()
    own = type("Own", (WanAttnProcessor,), {})()
    expert.blocks[0].attn1.set_processor(own)
    open_attention(expert)
    assert expert.blocks[0].attn1.processor is own
