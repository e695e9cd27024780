"""The bootstrap against cases whose answer is known, and what must hold whatever is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from filmagent.evaluation.papercut.statistics import difference, estimate

COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30)


def test_the_interval_of_independent_coins_is_the_textbooks():
    heads = np.random.default_rng(1).random(400) < 0.3
    found = estimate(heads.astype(float), np.ones(400))
    share = heads.mean()
    error = 1.96 * math.sqrt(share * (1 - share) / 400)
    assert found.value == pytest.approx(share)
    assert found.low == pytest.approx(share - error, abs=0.008)
    assert found.high == pytest.approx(share + error, abs=0.008)
    assert (found.stories, found.asked) == (400, 400)


def test_equal_shots_of_one_story_are_one_witness():
    heads = (np.random.default_rng(1).random(40) < 0.5).astype(float)
    apart = estimate(np.repeat(heads, 10), np.ones(400))
    together = estimate(heads * 10, np.full(40, 10.0))
    assert together.value == apart.value
    assert (together.high - together.low) > 2.5 * (apart.high - apart.low)


def test_a_story_counts_as_much_as_it_asks():
    assert estimate([9, 0], [9, 1]).value == pytest.approx(0.9)


def test_nothing_counted_is_no_figure():
    assert estimate([0, 0], [0, 0]) is None
    assert estimate([], []) is None
    assert difference(([1], [1]), ([0], [0])) is None


def test_stories_without_a_count_widen_nothing_but_are_not_counted():
    found = estimate([3, 0, 4], [4, 0, 4])
    assert found.stories == 2
    assert found.value == pytest.approx(7 / 8)


@pytest.mark.parametrize(
    ("totals", "counts"), [([1, 2], [1]), ([1], [-1]), ([math.nan], [1]), ([1], [math.inf]), ([[1]], [[1]])]
)
def test_what_is_no_tally_is_refused(totals, counts):
    with pytest.raises(ValueError, match="counts"):
        estimate(totals, counts)


def test_a_paired_difference_sees_what_unpaired_intervals_hide():
    easy = np.random.default_rng(2).random(60) * 8  # stories differ much more than the two rows do
    worse, better = estimate(easy, np.full(60, 10.0)), estimate(easy + 1, np.full(60, 10.0))
    assert worse.high > better.low
    found = difference((easy + 1, np.full(60, 10.0)), (easy, np.full(60, 10.0)))
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)


def test_a_difference_needs_the_same_stories():
    with pytest.raises(ValueError, match="paired"):
        difference(([1, 1], [1, 1]), ([1], [1]))


@given(COUNTS, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_an_interval_lies_among_the_stories_and_holds_the_value(pairs, seed):
    totals, counts = [float(min(pair)) for pair in pairs], [float(pair[1]) for pair in pairs]
    assume(sum(counts) > 0)
    found = estimate(totals, counts, draws=300, seed=seed)
    shares = [total / count for total, count in zip(totals, counts, strict=True) if count]
    assert min(shares) - 1e-9 <= found.low <= found.high <= max(shares) + 1e-9
    assert min(shares) - 1e-9 <= found.value <= max(shares) + 1e-9
    assert found == estimate(totals, counts, draws=300, seed=seed)


@given(COUNTS)
@settings(max_examples=40, deadline=None)
def test_a_row_does_not_differ_from_itself(pairs):
    totals, counts = [float(min(pair)) for pair in pairs], [float(pair[1]) for pair in pairs]
    assume(sum(counts) > 0)
    found = difference((totals, counts), (totals, counts), draws=200)
    assert (found.value, found.low, found.high) == (0, 0, 0)
