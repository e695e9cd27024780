"""Training looks at some of the tokens: which ones, for how many they stand, and that positions and words stay true."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.training.papercut.denoiser import build_denoiser
from filmagent.training.papercut.some_tokens import (
    KeptTokens,
    choose_tokens,
    flow_of_tokens,
    read_short_texts,
    tokens_of,
)

TEXT_WIDTH = 32


def toy_denoiser():
    denoiser = build_denoiser(width=48, layers=1, text_width=TEXT_WIDTH, inner_width=96)
    read_short_texts(denoiser)
    return denoiser


def test_a_denoiser_that_sees_every_token_is_the_whole_denoiser():
    denoiser = toy_denoiser()
    told, time, text = torch.randn(2, 36, 3, 6, 8), torch.tensor([300.0, 700.0]), torch.randn(2, 5, TEXT_WIDTH)
    everything = torch.arange(3 * 12).expand(2, -1)
    with memory_positions([install_memory_rope(denoiser)], 1, 5):
        whole = denoiser(told, time, text, return_dict=False)[0]
        flow = flow_of_tokens(denoiser, told, time, text, everything, 5)
        some = everything[:, 5:20]
        alone = flow_of_tokens(denoiser, told, time, text, some, 5)
    assert torch.allclose(flow, tokens_of(whole, everything), atol=1e-5)
    assert alone.shape == (2, 15, 16, 4)
    assert not torch.allclose(alone, flow[:, 5:20], atol=1e-5), "the others were seen"


def test_one_zero_stands_for_all_that_follow():
    denoiser = toy_denoiser()
    told, time, index = torch.randn(2, 36, 1, 6, 8), torch.tensor([300.0, 700.0]), torch.arange(12).expand(2, -1)
    said = torch.randn(2, 3, TEXT_WIDTH)
    whole, cut = (torch.nn.functional.pad(said, (0, 0, 0, zeros)) for zeros in (6, 1))
    long, short = (flow_of_tokens(denoiser, told, time, text, index, 9) for text in (whole, cut))
    assert torch.allclose(long, short, atol=1e-5)
    assert not torch.allclose(long, flow_of_tokens(denoiser, told, time, cut, index, 4), atol=1e-5)


@given(st.integers(0, 2**16), st.floats(0, 1), st.integers(0, 3), st.floats(0.05, 1), st.floats(0.05, 1))
def test_the_chosen_tokens_stand_for_all_and_figures_come_first(seed, covered, memory, of_memory, of_shot):
    generator = torch.Generator().manual_seed(seed)
    figures = torch.rand(3, memory + 2, 24, generator=generator) < covered
    kept = KeptTokens(of_memory, of_shot)
    chosen = choose_tokens(figures, memory, kept)
    counts = kept.counts(24)
    assert chosen.index.shape == (3, memory * counts.memory + 2 * counts.shot)
    for index, stands_for, shown in zip(chosen.index, chosen.stands_for, figures.flatten(1), strict=True):
        assert len(set(index.tolist())) == len(index)
        taken = shown[index]
        for frame in range(memory + 2):
            inside = index // 24 == frame
            count = counts.memory if frame < memory else counts.shot
            assert int(inside.sum()) == count
            there = shown[frame * 24 : (frame + 1) * 24]
            least = min(int(there.sum()), max(1, round(0.75 * count)))
            assert int((inside & taken).sum()) >= least, "figures come first"
            for sort in (True, False):
                kept_of_it = inside & (taken == sort)
                if kept_of_it.any():
                    assert stands_for[kept_of_it].sum() == pytest.approx(int((there == sort).sum()), rel=1e-4)
