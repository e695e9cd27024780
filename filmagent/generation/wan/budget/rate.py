"""How fast this machine multiplies matrices, in a second at most; and what share of that a shot is assumed to reach.

Knows devices; nothing of models.
"""

from __future__ import annotations

import math
import time

import torch

from filmagent.generation.costs import MachineRate
from filmagent.generation.wan.compute.precision import Precision

SECONDS = 0.4
SIDES = {"cuda": 8192, "cpu": 768}
"""Side of the square matrices: large enough to fill the device, small enough for a second."""
EFFICIENCY = {"cuda": 0.6, "cpu": 0.25}
REASONS = {
    "cuda": "Wan2.2's own 326.9 s for 80 forwards on an H100 are 0.41 PFLOP/s, and such a card multiplies about 0.7",
    "cpu": "the built-in model's small layers, as measured once on two cores",
}


def matmul_rate(precision: Precision) -> MachineRate:
    """Multiply matrices in a precision for about half a second."""
    kind = precision.device.type
    side = SIDES[kind]
    dtype = torch.bfloat16 if precision.autocast else precision.expert_dtype
    left = torch.randn(side, side, device=precision.device).to(dtype)
    _wait(precision.device, left @ left)
    started, fastest = time.perf_counter(), math.inf
    while (before := time.perf_counter()) - started < SECONDS:
        _wait(precision.device, left @ left)
        fastest = min(fastest, time.perf_counter() - before)  # the others were disturbed
    return MachineRate(2.0 * side**3 / fastest, EFFICIENCY[kind], REASONS[kind])


def device_name(device: torch.device) -> str:
    """Return a device's name as a take records it: the card's, or the number of the CPU's threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU with {torch.get_num_threads()} threads"


def _wait(device: torch.device, product: torch.Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(product.device)
