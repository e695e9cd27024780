"""Keeps what the probe learns from several times: rendered samples, and later close looks at their figures.

What a close look is shown, the rest of the network has to see only once: so most of that half of a training goes into
what is still to be learned. Trains nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from filmagent.training.papercut.probe.data import Batch, Sample, soften
from filmagent.training.papercut.probe.net import CloseLook, ProbeNet
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS

LEVELS = 255
"""Windows are kept in bytes."""
SHIFT, ZOOM = 0.15, 0.2
"""How far a window is moved, in halves of its side, and made larger or smaller."""


class SamplePool:
    """Up to `room` rendered samples; new ones take the place of others by chance."""

    def __init__(self, room: int, drawn: Iterator[Sample], rng: random.Random) -> None:
        self._room, self._drawn, self._rng = room, drawn, rng
        self._kept: list[Sample] = []

    def draw(self, count: int, fresh: int) -> list[Sample]:
        """So many of the kept samples by chance, after `fresh` new ones or more have come in."""
        for sample in self.fresh(max(fresh, count - len(self._kept))):
            if len(self._kept) < self._room:
                self._kept.append(sample)
            else:
                self._kept[self._rng.randrange(self._room)] = sample
        return self._rng.sample(self._kept, count)

    def fresh(self, count: int) -> list[Sample]:
        """So many new samples that are not kept."""
        return [next(self._drawn) for _ in range(count)]

    def clear(self) -> None:
        """Keep none of them any longer."""
        self._kept = []


@dataclass(frozen=True)
class Looks:
    """Close looks, one a row, and what is true: the answers by question, and how tall the figures are shown."""

    look: CloseLook
    truth: Mapping[str, Tensor]
    heights: Tensor

    def __len__(self) -> int:
        return len(self.look.kinds)


@torch.no_grad()
def looks_of(net: ProbeNet, batch: Batch) -> Looks:
    """What the network, all but its close look, makes of every figure of a batch."""
    seen = net(soften(batch.frames))
    return Looks(net.look(seen, batch.rows, batch.kinds), batch.figures, batch.heights)


class LookPool:
    """Up to `room` figures; new ones take the place of the oldest."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._parts: dict[str, Tensor] = {}
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._room)

    def add(self, looks: Looks) -> None:
        """Keep these figures."""
        places = torch.arange(self._added, self._added + len(looks)) % self._room
        for name, values in _short(looks).items():
            if name not in self._parts:
                self._parts[name] = torch.zeros(self._room, *values.shape[1:], dtype=values.dtype)
            self._parts[name][places] = values.cpu()
        self._added += len(looks)

    def draw(self, count: int, device: torch.device) -> Looks:
        """So many of the kept figures by chance."""
        chosen = torch.randint(len(self), (count,))
        return _long({name: values[chosen].to(device) for name, values in self._parts.items()})


def _short(looks: Looks) -> dict[str, Tensor]:
    look = looks.look
    return {
        "window": ((look.window + 0.5).clamp(0, 1) * LEVELS).round().to(torch.uint8),
        "side": look.side,
        "own": (look.own.clamp(0, 1) * LEVELS).round().to(torch.uint8),
        "whole": look.whole.half(),
        "shape": look.shape.half(),
        "kinds": look.kinds,
        "heights": looks.heights,
        **{f"truth {question}": labels for question, labels in looks.truth.items()},
    }


def _long(parts: Mapping[str, Tensor]) -> Looks:
    look = CloseLook(
        window=parts["window"].float() / LEVELS - 0.5,
        own=parts["own"].float() / LEVELS,
        side=parts["side"],
        whole=parts["whole"].float(),
        shape=parts["shape"].float(),
        kinds=parts["kinds"],
    )
    return Looks(look, {question: parts[f"truth {question}"] for question in FIGURE_QUESTIONS}, parts["heights"])


def held_otherwise(look: CloseLook) -> CloseLook:
    """The same figures, each window somewhat shifted, nearer or further, some mirrored, in other light, with grain.

    A look that comes back as it was is learned by heart. Where a figure is in its picture is told beside the window,
    and how much of the picture the window shows changes with it, so no answer does.
    """
    count, device = len(look.kinds), look.window.device
    maps = torch.zeros(count, 2, 3, device=device)
    size = _between(count, 1 - ZOOM, 1 + ZOOM, device)
    maps[:, 0, 0] = size * torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    maps[:, 1, 1] = size
    maps[:, :, 2] = _between(2 * count, -SHIFT, SHIFT, device).view(count, 2)
    held = torch.cat([look.window, look.own], 1)
    grid = F.affine_grid(maps, list(held.shape), align_corners=False)
    held = F.grid_sample(held, grid, mode="bilinear", align_corners=False)
    light = _between(count, 0.9, 1.1, device).view(-1, 1, 1, 1)
    grain = _between(count, 0.0, 0.05, device).view(-1, 1, 1, 1) * torch.randn_like(held[:, :6])
    return replace(look, window=held[:, :6] * light + grain, own=held[:, 6:], side=look.side * size)


def _between(count: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.empty(count, device=device).uniform_(low, high)
