"""At which noise levels a shot is denoised: UniPC on Wan's own grid or on diffusers', or given ones. Knows no model.

Wan2.2's sampler starts from linspace(0.999, 0, steps + 1) without its last value; diffusers' from linspace(1, 0.001).
Both are shifted by s -> shift s / (1 + (shift - 1) s). Up to 4 of 1000 timesteps lie between them. Few-step adapters
are distilled for a handful of levels, shifted alike and walked in Euler steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from filmagent.generation.wan.config import SigmaGrid
from filmagent.generation.wan.library import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler


class WanUniPCScheduler(UniPCMultistepScheduler):  # type: ignore[misc]  # diffusers has no types
    """UniPC of order 2 for flow matching, with a choice of grid, and its own arithmetic always in float32."""

    grid: SigmaGrid = "wan"

    def set_timesteps(self, num_inference_steps: int, device: Any = None, sigmas: Any = None, mu: Any = None) -> None:
        """Choose the timesteps of a shot; given sigmas win over the grid."""
        if sigmas is None and self.grid == "wan":
            sigmas = np.linspace(0.999, 0, num_inference_steps + 1)[:-1]
        super().set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu)

    def step(self, model_output: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Take one step. Autocast would turn the solver's einsum into bfloat16: its small sums need float32."""
        with torch.autocast(model_output.device.type, enabled=False):
            return super().step(model_output.float(), *args, **kwargs)


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
        """Choose the timesteps of a shot. Raises ValueError for another number of steps."""
        super().set_timesteps(num_inference_steps, device=device, sigmas=list(self.fixed))

    def step(self, model_output: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Take one step, in float32."""
        return super().step(model_output.float(), *args, **kwargs)


def make_fixed_scheduler(sigmas: tuple[float, ...], shift: float) -> FixedSigmaScheduler:
    """Make the solver of a few-step adapter from its noise levels before the shift."""
    scheduler = FixedSigmaScheduler(shift=shift)
    scheduler.fixed = sigmas
    return scheduler
