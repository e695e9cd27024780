"""What the probe learns from several times: kept as it was, held otherwise, replaced by what is new."""

from __future__ import annotations

import random
from dataclasses import replace

import torch

from filmagent.generation.papercut.vocabulary import KINDS
from filmagent.training.papercut.probe.data import batch_of, sample_of
from filmagent.training.papercut.probe.net import WINDOW, CloseLook, ProbeNet
from filmagent.training.papercut.probe.pools import LookPool, Looks, SamplePool, held_otherwise, looks_of
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS
from tests.support.toy_probe import BOTH, CPU, TINY


def test_a_look_is_kept_as_it_was():
    torch.manual_seed(0)
    kinds = torch.arange(7)
    windows = torch.rand(7, 6, WINDOW, WINDOW) - 0.5, torch.rand(7, 1, WINDOW, WINDOW)
    look = CloseLook(*windows, 100 * torch.rand(7), torch.randn(7, 3), torch.randn(7, 5), kinds)
    pool = LookPool(9)
    pool.add(Looks(look, {question: 10 * kinds for question in FIGURE_QUESTIONS}, 0.5 * kinds))
    kept = pool.draw(60, CPU)
    same = kept.look.kinds
    assert set(same.tolist()) == set(range(7))
    for name in ("window", "own", "side", "whole", "shape"):
        torch.testing.assert_close(getattr(kept.look, name), getattr(look, name)[same], atol=3e-3, rtol=1e-2)
    assert all(torch.equal(labels, 10 * same) for labels in kept.truth.values())
    assert torch.equal(kept.heights, 0.5 * same)


def test_a_look_held_otherwise_shows_the_same_figure_elsewhere():
    torch.manual_seed(0)
    own = torch.zeros(6, 1, WINDOW, WINDOW)
    own[:, :, 30:66, 36:54] = 1
    sides = torch.full((6,), 80.0)
    look = CloseLook(own.repeat(1, 6, 1, 1) * 0.5, own, sides, torch.rand(6, 3), torch.rand(6, 5), torch.arange(6))
    held = held_otherwise(look)
    assert torch.equal(held.whole, look.whole) and torch.equal(held.shape, look.shape)
    assert torch.equal(held.kinds, look.kinds)
    area = held.own.sum((1, 2, 3))
    middle = (held.own * torch.arange(float(WINDOW))).sum((1, 2, 3)) / area
    assert middle.std() > 1.5 and abs(float(middle.mean()) - 44.5) < 15
    assert (area / own[0].sum()).std() > 0.05, "some are nearer"
    torch.testing.assert_close(area * held.side**2, own[0].sum() * sides**2, rtol=0.03, atol=1.0)
    assert (held.window[held.own.expand_as(held.window) > 0.99] > 0.25).all(), "the map moves with the window"
    assert (held.window[held.own.expand_as(held.window) == 0] < 0.25).all()


def test_new_looks_take_the_place_of_the_oldest():
    batch = batch_of([sample_of(BOTH, start) for start in range(4)], CPU)
    looks = looks_of(ProbeNet(TINY).eval(), batch)
    pool = LookPool(6)
    pool.add(looks)
    assert len(pool) == 6
    other = batch_of([sample_of(replace(BOTH, performances=BOTH.performances[1:]), start) for start in range(6)], CPU)
    pool.add(looks_of(ProbeNet(TINY).eval(), other))
    assert set(pool.draw(50, CPU).look.kinds.tolist()) == {KINDS.index("dog")}


def test_samples_come_back_and_new_ones_come_in():
    drawn = iter(range(100))
    pool = SamplePool(10, drawn, random.Random(0))
    assert sorted(pool.draw(4, 2)) == [0, 1, 2, 3]
    for _ in range(20):
        pool.draw(4, 2)
    assert min(pool.draw(10, 0)) > 10, "the first ones had to go"
    assert next(drawn) == 44
