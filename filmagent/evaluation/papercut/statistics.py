"""Shares with their 95 % intervals: the percentile bootstrap over stories. Knows no stories, only tallies.

Shots of one story are no independent witnesses, so whole stories are drawn again, with all their shots and seeds
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13: percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
CONFIDENCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean, its interval, and what it rests on."""

    value: float
    low: float
    high: float
    stories: int
    """Stories in which there was something to count."""
    asked: float
    """What was counted in all of them."""


def estimate(
    totals: Sequence[float], counts: Sequence[float], *, draws: int = DRAWS, seed: int = SEED
) -> Estimate | None:
    """The mean of everything counted, with its interval; None when nothing was counted.

    Args:
        totals: for every story the sum of what was measured.
        counts: for every story how many measurements that sum holds, 0 or more.
        draws: how often the stories are drawn again.
        seed: of those draws; equal seeds draw equal stories for every row of a table.
    """
    top, below = np.asarray(totals, np.float64), np.asarray(counts, np.float64)
    _check(top, below)
    if below.sum() == 0:
        return None
    means = _ratios(_draw(len(top), draws, seed), top, below)
    low, high = _interval(means)
    return Estimate(float(top.sum() / below.sum()), low, high, int((below > 0).sum()), float(below.sum()))


def difference(
    first: tuple[Sequence[float], Sequence[float]],
    second: tuple[Sequence[float], Sequence[float]],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Estimate | None:
    """How much greater the first mean is than the second over the same stories, paired; None where one has nothing.

    Args:
        first: totals and counts, story by story.
        second: those of the same stories under another treatment.
        draws: how often the stories are drawn again.
        seed: of those draws.
    """
    sides = [(np.asarray(top, np.float64), np.asarray(below, np.float64)) for top, below in (first, second)]
    for top, below in sides:
        _check(top, below)
    if len(sides[0][0]) != len(sides[1][0]):
        raise ValueError(f"{len(sides[0][0])} stories cannot be paired with {len(sides[1][0])}")
    if any(below.sum() == 0 for _, below in sides):
        return None
    chosen = _draw(len(sides[0][0]), draws, seed)
    one, other = (_ratios(chosen, top, below) for top, below in sides)
    low, high = _interval(one - other)
    value, base = (float(top.sum() / below.sum()) for top, below in sides)
    both = (sides[0][1] > 0) & (sides[1][1] > 0)
    return Estimate(value - base, low, high, int(both.sum()), float(sides[0][1].sum()))


def _check(top: Floats, below: Floats) -> None:
    if top.ndim != 1 or top.shape != below.shape:
        raise ValueError(f"totals of shape {top.shape} and counts of shape {below.shape} belong to no stories")
    if not np.isfinite(top).all() or not np.isfinite(below).all() or (below < 0).any():
        raise ValueError("totals must be finite numbers, counts finite and not below zero")


def _draw(stories: int, draws: int, seed: int) -> Floats:
    """How often every draw [draws, stories] takes every story."""
    chances = np.full(stories, 1 / stories)
    return np.random.default_rng(seed).multinomial(stories, chances, size=draws).astype(np.float64)


def _ratios(chosen: Floats, top: Floats, below: Floats) -> Floats:
    """The mean of every draw; NaN for a draw in which nothing was counted."""
    counted = chosen @ below
    return np.asarray(np.divide(chosen @ top, counted, out=np.full_like(counted, np.nan), where=counted > 0))


def _interval(means: Floats) -> tuple[float, float]:
    low, high = np.quantile(means[np.isfinite(means)], ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)
