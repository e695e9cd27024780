"""Decoupled conditioning: which memory frames an example is shown, first without the selector, then by it.

While the selector knows nothing yet, frames spread evenly over the real shots are shown, so that the conditioner
learns from what is of use. Source: An et al., "OneStory" (arXiv 2512.07802), section on training. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from filmagent.training.onestory.inflation import Origin


def uniform_ranking(origins: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Return memory frames (batch, at most `most`) spread evenly over the real shots, in random order.

    The order is random because it decides which patches a frame is shown in: all patchifiers see every kind of frame.

    Args:
        origins: an `Origin` for every frame, (batch, frames); every film has a real one.
        most: at most so many; as many as the film with the fewest real frames has.
        generator: on the CPU.
    """
    real = [(film == Origin.REAL).nonzero()[:, 0] for film in origins]
    count = min(most, *(len(frames) for frames in real))
    rows = []
    for frames in real:
        # The centre of each of `count` equal stretches.
        spread = ((torch.arange(count) + 0.5) * len(frames) / count).long()
        rows.append(frames[spread[torch.randperm(count, generator=generator)].to(frames.device)])
    return torch.stack(rows)


def split_ranking(ranking: Tensor, counts: Sequence[int]) -> tuple[Tensor, ...]:
    """Share a ranking (batch, frames) out among patchifiers, finest first; what is beyond the counts is not shown."""
    return torch.split(ranking[:, : sum(counts)], list(counts), dim=1)
