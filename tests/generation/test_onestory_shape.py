"""How a budget of tokens is shared out among ranked frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.wan.onestory.shape import BUDGETS, MemoryShape, patch_tokens, share_out


def counts_at(height, width, budget, frames):
    shape = MemoryShape(budget=budget)
    costs = [patch_tokens(kernel, height, width) for kernel in shape.kernels]
    room = shape.shown.latent_frames * patch_tokens(2, height, width)
    counts = share_out(min(frames, shape.shown.frames), costs, room)
    return counts, sum(count * cost for count, cost in zip(counts, costs, strict=True)), room


@pytest.mark.parametrize(("budget", "counts", "tokens"), [(1, (0, 2, 7), 1508), (2, (1, 2, 7), 3068),
                                                          (3, (2, 2, 7), 4628)])
def test_the_papers_budgets_at_its_own_size(budget, counts, tokens):
    assert counts_at(60, 104, budget, 1000)[:2] == (counts, tokens)


def test_a_single_frame_takes_the_finest_patches():
    assert counts_at(60, 104, 1, 1) == ((1, 0, 0), 1560, 1560)
    assert counts_at(60, 104, 1, 3)[0] == (0, 3, 0)
    assert counts_at(60, 104, 3, 0)[0] == (0, 0, 0)


def test_the_small_models_size_leaves_the_least_relevant_out():
    assert counts_at(12, 20, 1, 100) == ((0, 2, 5), 60, 60)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(sorted(BUDGETS)), st.integers(0, 1000))
def test_no_budget_is_ever_exceeded_and_the_best_frame_is_always_shown(rows, columns, budget, frames):
    counts, tokens, room = counts_at(2 * rows, 2 * columns, budget, frames)
    assert tokens <= room
    assert sum(counts) <= min(frames, BUDGETS[budget].frames)
    assert (sum(counts) > 0) == (frames > 0)


@given(st.integers(0, 30), st.lists(st.integers(1, 99), min_size=1, max_size=5), st.integers(0, 400))
def test_room_is_kept_whatever_the_patches_cost(frames, costs, room):
    costs.sort(reverse=True)
    counts = share_out(frames, costs, room)
    assert sum(count * cost for count, cost in zip(counts, costs, strict=True)) <= room
    assert sum(counts) <= frames
