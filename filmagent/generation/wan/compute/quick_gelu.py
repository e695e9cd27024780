"""Makes an expert quicker where a CPU computes in bfloat16, with the same weights and, up to rounding, the same frames.

Wan's MLPs have the GELU whose error function is approximated by a hyperbolic tangent, which was quicker once. torch
computes the error function itself six times as fast on a CPU, and with 8 bits of mantissa the two cannot be told
apart: they differ by at most 0.0005, and bfloat16 rounds away from either by 0.002 on average. Knows no shapes.
"""

from __future__ import annotations

from torch import nn

from filmagent.generation.wan.library import GELU


def quicken(expert: nn.Module) -> None:
    """Let all MLPs of an expert compute the error function itself."""
    for module in expert.modules():
        if isinstance(module, GELU):
            module.approximate = "none"
