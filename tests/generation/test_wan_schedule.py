"""The solver against the stock class and against an equation whose answer is known; nothing of it lies on a card."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.wan.denoising.schedule import make_fixed_scheduler, make_scheduler
from filmagent.generation.wan.library import UniPCMultistepScheduler


def walk(scheduler, predict):
    """Denoise from fixed noise; `predict` is given the sample and its noise level."""
    sample = torch.randn(1, 4, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    for timestep in scheduler.timesteps:
        level = float(scheduler.sigmas[scheduler.step_index or 0])
        sample = scheduler.step(predict(sample, level), timestep, sample, return_dict=False)[0]
    return sample


def curved(sample, level):
    """A prediction that bends along the way, so that all orders of the solver matter."""
    return torch.sin(3 * sample) * level + 0.3 * sample


@settings(max_examples=25, deadline=None)
@given(steps=st.integers(1, 25), shift=st.floats(1.0, 12.0))
def test_it_goes_where_the_stock_solver_goes(steps, shift):
    ours = make_scheduler("stock", shift)
    stock = UniPCMultistepScheduler.from_config(ours.config)
    for scheduler in (ours, stock):
        scheduler.set_timesteps(steps)
    expected, found = walk(stock, curved), walk(ours, curved)
    assert torch.allclose(expected, found, atol=2e-5), (expected - found).abs().max()


@pytest.mark.parametrize("grid", ["wan", "stock"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_straight_way_is_walked_to_its_end_in_any_number_of_steps(grid, steps):
    scheduler = make_scheduler(grid, 5.0)
    scheduler.set_timesteps(steps)
    made = walk(scheduler, lambda sample, level: (sample - 0.25) / level)
    assert torch.allclose(made, torch.full_like(made, 0.25), atol=1e-4)


def test_curves_are_followed_better_with_more_steps():
    """Of second order: halving the steps' length leaves about a quarter of the error."""
    ends = []
    for steps in (10, 20, 160):
        scheduler = make_scheduler("wan", 1.0)
        scheduler.set_timesteps(steps)
        ends.append(walk(scheduler, curved))
    rough, fine = ((end - ends[-1]).abs().mean() for end in ends[:2])
    assert fine < 0.4 * rough


@pytest.mark.parametrize("make", [lambda: make_scheduler("wan", 3.0), lambda: make_fixed_scheduler((1.0, 0.5), 5.0)])
def test_levels_and_timesteps_stay_on_the_cpu(make):
    scheduler = make()
    scheduler.set_timesteps(2, device="meta")
    assert scheduler.timesteps.device.type == scheduler.sigmas.device.type == "cpu"
