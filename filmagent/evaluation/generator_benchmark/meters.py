"""What is read off a shot while it is made: seconds, forwards and blocks that were really computed, peak memory.

Knows experts, clocks and devices; nothing of variants.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from filmagent.generation.wan.budget.cost import ExpertShape, forward_flops

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK_FIELD, _RESET_PEAK = "VmHWM:", "5"


@dataclass
class Work:
    """What experts really computed."""

    forwards: int = 0
    """Calls of an expert."""
    sequences: int = 0
    """Sequences in these calls: two in a call with joint guidance."""
    blocks: int = 0
    """Sequences times blocks that were not skipped."""

    def flops(self, shape: ExpertShape, tokens: int, text_tokens: int, adapters: int) -> float:
        """Return the operations of all this, for sequences of `tokens` tokens."""
        whole = forward_flops(shape, tokens, text_tokens, adapters)
        edges = forward_flops(replace(shape, layers=0), tokens, text_tokens)
        return self.sequences * edges + self.blocks * (whole - edges) / shape.layers


@contextmanager
def counted(experts: Sequence[Any], compiled: bool) -> Iterator[Work]:
    """Count what experts compute in the block. Compiled blocks are taken as computed: a hook would break them up."""
    work = Work()

    def forward(module: Any, _: Any, given: dict[str, Any]) -> None:
        work.forwards += 1
        work.blocks += given["hidden_states"].shape[0] * len(module.blocks) if compiled else 0

    def sequences(_: Any, given: tuple[Any, ...]) -> None:
        work.sequences += given[0].shape[0]

    def block(_: Any, given: tuple[Any, ...]) -> None:
        work.blocks += given[0].shape[0]

    with ExitStack() as hooks:
        for expert in experts:
            handles = [
                expert.register_forward_pre_hook(forward, with_kwargs=True),
                expert.patch_embedding.register_forward_pre_hook(sequences),
            ]
            if not compiled:
                handles += [each.attn1.register_forward_pre_hook(block) for each in expert.blocks]
            for handle in handles:
                hooks.callback(handle.remove)
        yield work


class Clock:
    """Seconds of device work."""

    def __init__(self, device: torch.device) -> None:
        """Start; everything that was asked of the device before is waited for."""
        self._device = device
        self._started = self._now()

    def seconds(self) -> float:
        """Return the seconds since the start, all work of the device done."""
        return self._now() - self._started

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def reset_peak(device: torch.device) -> None:
    """Forget the memory peak so far; on a CPU where the system lets a process do so (Linux)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        _RESET.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return


def peak_bytes(device: torch.device) -> int | None:
    """Return the memory peak since `reset_peak`: of the card's tensors, or of the whole process; None: not told."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith(_PEAK_FIELD)), None)
    return None if found is None else int(found[1]) * 1024
