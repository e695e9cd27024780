"""The attention kernel, chosen for the machine."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from filmagent.generation.wan.compute.attention import choose_attention, use_attention
from tests.support.tiny_wan import tiny_expert


def test_a_cpu_uses_torchs_own():
    choice = choose_attention(torch.device("cpu"), torch.float32)
    assert choice.backend == "native"
    assert "cpu" in choice.reason


@pytest.mark.parametrize(("installed", "dtype", "backend"), [
    (True, torch.bfloat16, "flash"), (True, torch.float32, "native"), (False, torch.bfloat16, "native"),
])
def test_a_gpu_uses_flash_attn_where_it_is_installed_and_can_run(monkeypatch, installed, dtype, backend):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    choice = choose_attention(torch.device("cuda"), dtype)
    assert choice.backend == backend
    assert "flash-attn" in choice.reason


def test_the_choice_is_set_on_every_attention_of_an_expert():
    expert = tiny_expert()
    use_attention([expert], choose_attention(torch.device("cpu"), torch.float32))
    assert expert.blocks[0].attn1.processor._attention_backend.value == "native"
    assert expert.blocks[1].attn2.processor._attention_backend.value == "native"
