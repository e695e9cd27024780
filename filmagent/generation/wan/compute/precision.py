"""With how many bits a machine computes: chosen from what the processor can do, and checked by a small sum.

Weights are never cast as a whole: Wan keeps its positions, norms and time embedding in float32, and `.to(bfloat16)`
would break that. On a CPU the weights stay float32 and single operations run in bfloat16 (autocast).
Knows devices; nothing of models.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from filmagent.generation.wan.config import PrecisionName

LARGEST_ERROR = 0.02
"""Relative error of bfloat16 sums against float32 that is still rounding: 8 bits of mantissa give about 0.003."""


@dataclass(frozen=True)
class Precision:
    """How the experts are loaded and run on one device, and why."""

    name: str
    device: torch.device
    expert_dtype: torch.dtype
    autocast: bool
    reason: str

    @contextmanager
    def context(self) -> Iterator[None]:
        """Run models in this precision."""
        if not self.autocast:
            yield
            return
        with warnings.catch_warnings(), torch.autocast(self.device.type, dtype=torch.bfloat16):
            # Norms with float32 weights are what is wanted; torch would only fuse them otherwise.
            warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
            yield


def choose_precision(wanted: PrecisionName, device: torch.device) -> Precision:
    """Choose the precision on a device; `auto` takes bfloat16 only where the hardware has it and computes it right."""
    if wanted == "float32":
        return Precision("float32", device, torch.float32, False, "asked for")
    if device.type == "cuda":
        return Precision("bfloat16", device, torch.bfloat16, False, "experts in bfloat16 on CUDA, as Wan2.2 runs")
    trouble = None if wanted == "bfloat16" else _bfloat16_trouble()
    if trouble is not None:
        return Precision("float32", device, torch.float32, False, trouble)
    reason = "asked for" if wanted == "bfloat16" else "this CPU has bfloat16 arithmetic, and it computes right"
    return Precision("bfloat16-autocast", device, torch.float32, True, reason)


def round_ahead(expert: Any) -> None:
    """Store the matrices of an expert's blocks as autocast would round them in every forward, with the same results.

    What autocast leaves in float32, such as norms, stays so. Frozen weights, which all adapters have beneath them, are
    rounded anew each time otherwise; and what is stored takes half the room.
    """
    for module in expert.blocks.modules():
        if isinstance(module, torch.nn.Linear):
            module.to(torch.bfloat16)


def _bfloat16_trouble() -> str | None:
    """Return why this CPU should not compute in bfloat16, or None."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if not any(capabilities.get(unit) for unit in ("amx_bf16", "avx512_bf16")):
        return "this CPU has no bfloat16 arithmetic"
    error = _bfloat16_error()
    return None if error < LARGEST_ERROR else f"bfloat16 arithmetic is off by {error:.3g} on this machine"


def _bfloat16_error() -> float:
    """Return the larger relative error, of a matrix product and a convolution, in bfloat16 against float32."""
    noise = torch.Generator().manual_seed(0)
    rows, columns = torch.randn(64, 256, generator=noise), torch.randn(256, 64, generator=noise)
    clip, kernel = torch.randn(1, 16, 3, 16, 16, generator=noise), torch.randn(16, 16, 3, 3, 3, generator=noise)

    def both() -> tuple[torch.Tensor, torch.Tensor]:
        return rows @ columns, torch.nn.functional.conv3d(clip, kernel)

    exact = both()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = both()
    return max(float((a - b.float()).norm() / a.norm()) for a, b in zip(exact, rough, strict=True))
