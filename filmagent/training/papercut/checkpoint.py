"""Keeps training resumable: whole state in one file, written beside and renamed. Knows no model."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class Clock:
    """Counts training seconds over all runs and says when a checkpoint is due."""

    minutes: float
    every_seconds: float = 120.0
    spent: float = 0.0
    _tick: float = field(default_factory=time.monotonic)
    _saved: float = 0.0

    def advance(self) -> float:
        """Add the time since the last call; returns the share of the planned time that is spent."""
        now = time.monotonic()
        self.spent, self._tick = self.spent + now - self._tick, now
        return min(1.0, self.spent / max(self.minutes * 60, 1e-9))

    def due(self) -> bool:
        """Whether a checkpoint should be written now."""
        if self.spent - self._saved < self.every_seconds:
            return False
        self._saved = self.spent
        return True

    def resume(self, spent: float) -> None:
        """Continue counting from an earlier run."""
        self.spent, self._saved, self._tick = spent, spent, time.monotonic()


def save(path: Path, state: dict[str, Any], rng: random.Random) -> None:
    """Write the state and every random generator's state."""
    write(path, {**state, "python_rng": rng.getstate(), "torch_rng": torch.get_rng_state()})


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a file of tensors that a reader finds whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    torch.save(state, beside)
    beside.replace(path)


def load(path: Path, rng: random.Random) -> dict[str, Any] | None:
    """The saved state with the generators put back, or None where nothing was saved yet."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    rng.setstate(state.pop("python_rng"))
    torch.set_rng_state(state.pop("torch_rng"))
    return state
