"""Which attention kernel the experts run on: flash-attn where it is installed and can run, else torch's own.

A person may ask for another by diffusers' name; it is tried on a few numbers first. Knows nothing of what is attended
to.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from filmagent.errors import UsageError


@dataclass(frozen=True)
class AttentionChoice:
    """A backend of diffusers' attention dispatcher, and why it was chosen."""

    backend: str
    reason: str


def choose_attention(device: torch.device, dtype: torch.dtype) -> AttentionChoice:
    """Choose the backend for experts on this device with weights of this type."""
    if device.type != "cuda":
        return AttentionChoice("native", f"flash-attn runs on CUDA only, not on {device.type}")
    if dtype not in (torch.bfloat16, torch.float16):
        return AttentionChoice("native", f"flash-attn needs bfloat16 or float16, not {dtype}")
    if importlib.util.find_spec("flash_attn") is None:
        return AttentionChoice("native", "flash-attn is not installed (pip install 'filmagent[flash]')")
    return AttentionChoice("flash", "flash-attn is installed")


def use_attention(experts: Sequence[Any], choice: AttentionChoice) -> None:
    """Set the backend on WanTransformer3DModels. diffusers also makes it the default of the whole process."""
    for expert in experts:
        expert.set_attention_backend(choice.backend)


def ask_for_attention(experts: Sequence[Any], backend: str, device: torch.device, dtype: torch.dtype) -> None:
    """Set the kernel that a person named, after it has attended over a few tokens of the experts' head size.

    Raises:
        UsageError: there is no such kernel, its package is missing, or it cannot run on this device and type.
    """
    from filmagent.generation.wan.library import dispatch_attention_fn

    try:
        use_attention(experts, AttentionChoice(backend, "asked for"))
        sample = torch.zeros(1, 16, 1, experts[0].config.attention_head_dim, device=device, dtype=dtype)
        dispatch_attention_fn(sample, sample, sample, backend=backend)
    except (ValueError, RuntimeError, ImportError, TypeError, AssertionError) as error:
        use_attention(experts, AttentionChoice("native", "the one asked for cannot run"))
        why = str(error).strip().split("\n")[0][:300] or type(error).__name__
        raise UsageError(f"attention {backend!r} cannot run on {device.type} in {dtype}: {why}") from error
