"""At which noise levels a shot is denoised: UniPC on Wan's own grid or on diffusers', or given ones. Knows no model.

Wan2.2's sampler starts from linspace(0.999, 0, steps + 1) without its last value; diffusers' from linspace(1, 0.001).
Both are shifted by s -> shift s / (1 + (shift - 1) s). Up to 4 of 1000 timesteps lie between them. Few-step adapters
are distilled for a handful of levels, shifted alike and walked in Euler steps.

Levels and timesteps stay in Python and on the CPU, wherever the experts run: a card is never waited for to know them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filmagent.generation.wan.config import SigmaGrid
from filmagent.generation.wan.library import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler


@dataclass(frozen=True)
class _Stretch:
    """One step from noise level `start` to `end`, in the terms of UniPC for rectified flow (alpha = 1 - sigma).

    Source: Zhao et al., "UniPC" (arXiv 2302.04867), algorithms 5 to 8 with B(h) = exp(h) - 1 and data prediction.
    """

    start: float
    end: float

    @property
    def length(self) -> float:
        """h: the growth of half the logarithm of the signal-to-noise ratio; infinite where noise ends."""
        return _half_log_snr(self.end) - _half_log_snr(self.start)

    @property
    def growth(self) -> float:
        """exp(-h) - 1."""
        return math.expm1(-self.length)

    def ratio(self, before: float) -> float:
        """r: how far back the level `before` lies, in units of h; negative."""
        return (_half_log_snr(before) - _half_log_snr(self.start)) / self.length

    def weights(self, before: float) -> tuple[float, float]:
        """Return the corrector's weights of the differences to the step before and to this step's own end."""
        back, growth, ratio = -self.length, self.growth, self.ratio(before)
        first = growth / back - 1
        second = first / back - 0.5
        earlier = (first - 2 * second) / growth / (1 - ratio)
        return earlier, first / growth - earlier

    def go(self, sample: Tensor, known: Tensor, bend: Tensor | float) -> Tensor:
        """Return the sample at the end, where the prediction `known` of clean latents is bent by `bend`."""
        alpha = 1 - self.end
        return (self.end / self.start) * sample - (alpha * self.growth) * (known + bend)


def _half_log_snr(sigma: float) -> float:
    return math.log1p(-sigma) - math.log(sigma) if sigma > 0 else math.inf


class WanUniPCScheduler(UniPCMultistepScheduler):  # type: ignore[misc]  # diffusers has no types
    """UniPC of order 2 for flow matching, with a choice of grid, in float32 and without waiting for the device.

    The stock class computes the same from tensors on the device, and solves a system of equations there.
    """

    grid: SigmaGrid = "wan"
    _levels: tuple[float, ...] = ()

    def set_timesteps(self, num_inference_steps: int, device: Any = None, sigmas: Any = None, mu: Any = None) -> None:
        """Choose the timesteps of a shot; given sigmas win over the grid. They stay on the CPU."""
        if sigmas is None and self.grid == "wan":
            sigmas = np.linspace(0.999, 0, num_inference_steps + 1)[:-1]
        super().set_timesteps(num_inference_steps, sigmas=sigmas, mu=mu)
        self._levels = tuple(self.sigmas.double().tolist())

    def step(self, model_output: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Take one step. The solver's sums need float32, whatever autocast makes of products."""
        with torch.autocast(model_output.device.type, enabled=False):
            return super().step(model_output.float(), *args, **kwargs)

    def multistep_uni_p_bh_update(self, model_output: Tensor, *, sample: Tensor, order: int) -> Tensor:
        """Predict the next sample. The signature is diffusers'."""
        now = self.step_index
        stretch, known = _Stretch(self._levels[now], self._levels[now + 1]), self.model_outputs[-1]
        if order == 1:
            return stretch.go(sample, known, 0.0)
        return stretch.go(sample, known, 0.5 / stretch.ratio(self._levels[now - 1]) * (self.model_outputs[-2] - known))

    def multistep_uni_c_bh_update(
        self, this_model_output: Tensor, *, last_sample: Tensor, this_sample: Tensor, order: int
    ) -> Tensor:
        """Correct the sample by what was predicted from it. The signature is diffusers'."""
        now = self.step_index
        stretch, known = _Stretch(self._levels[now - 1], self._levels[now]), self.model_outputs[-1]
        gap = this_model_output - known
        if order == 1:
            return stretch.go(last_sample, known, 0.5 * gap)
        before = self._levels[now - 2]
        earlier, here = stretch.weights(before)
        bend = earlier / stretch.ratio(before) * (self.model_outputs[-2] - known) + here * gap
        return stretch.go(last_sample, known, bend)


def make_scheduler(grid: SigmaGrid, shift: float) -> WanUniPCScheduler:
    """Make the solver of a Wan generator."""
    scheduler = WanUniPCScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift, solver_order=2
    )
    scheduler.grid = grid
    return scheduler


class FixedSigmaScheduler(FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]  # diffusers has no types
    """Euler steps between noise levels that are given once; however many steps are asked for, they must be these."""

    fixed: tuple[float, ...] = (1.0,)

    def set_timesteps(self, num_inference_steps: int | None = None, device: Any = None, **_: Any) -> None:
        """Choose the timesteps of a shot; they stay on the CPU. Raises ValueError for another number of steps."""
        super().set_timesteps(num_inference_steps, sigmas=list(self.fixed))

    def step(self, model_output: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Take one step, in float32."""
        return super().step(model_output.float(), *args, **kwargs)


def make_fixed_scheduler(sigmas: tuple[float, ...], shift: float) -> FixedSigmaScheduler:
    """Make the solver of a few-step adapter from its noise levels before the shift."""
    scheduler = FixedSigmaScheduler(shift=shift)
    scheduler.fixed = sigmas
    return scheduler
