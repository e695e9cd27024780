"""Which attention kernel the experts run on: flash-attn where it is installed and can run, else torch's own.

Knows nothing of what is attended to.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch


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
