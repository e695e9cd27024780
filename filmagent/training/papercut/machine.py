"""How a training computes on the machine it runs on: precision and attention. Knows no model."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from filmagent.generation.wan.compute.precision import Precision, choose_precision


@cache
def _precision(device: str) -> Precision:
    return choose_precision("auto", torch.device(device))


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Matrices in bfloat16 where the machine has such arithmetic: without it they are up to eighty times slower."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return _precision(device.type).context()


def short_type(device: torch.device) -> torch.dtype:
    """The shortest number that this machine multiplies quickly."""
    short = device.type == "cuda" or _precision(device.type).autocast
    return torch.bfloat16 if short else torch.float32


def plain_attention(device: torch.device) -> AbstractContextManager[object]:
    """On a CPU, attention without the fused kernel, whose backward pass is slow at these lengths; a GPU chooses."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def many_shapes(compiled: bool) -> AbstractContextManager[object]:
    """Lets what is compiled be compiled for every shape of batch that a training has, not only for the first eight."""
    if not compiled:
        return nullcontext()
    import torch._dynamo

    patch: AbstractContextManager[object] = torch._dynamo.config.patch(recompile_limit=64)
    return patch
