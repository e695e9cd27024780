"""The sizes of a OneStory memory, and how a budget of tokens is shared out among ranked frames.

A budget is counted in latent frames: the tokens that so many frames of the shot itself have. Source: An et al.,
"OneStory" (arXiv 2512.07802), sections on frame selection and the adaptive conditioner, which name the budgets 1, 2
and 3; how many frames share one, and how, the paper leaves open. Pure; knows no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NEVER_COARSEST = 2
"""So many frames, the most relevant ones, are shown finer than the rest even when memory is full."""


@dataclass(frozen=True)
class Budget:
    """How much memory a shot is shown."""

    latent_frames: int
    """Tokens in all, in latent frames of the shot."""
    frames: int
    """At most so many memory frames share them."""


BUDGETS: Mapping[int, Budget] = {1: Budget(1, 9), 2: Budget(2, 10), 3: Budget(3, 11)}
"""The paper's three budgets. At 832x480 each fills up to 0, 1 or 2 frames in the finest patches, 2 in the middle ones,
and 7 in the coarsest."""


@dataclass(frozen=True)
class MemoryShape:
    """What a OneStory memory is built of; stored with its weights."""

    queries: int = 8
    """Learned queries of the selector."""
    projection: int = 8
    """Side of the square of latents that the selector's projector makes one feature of."""
    kernels: tuple[int, ...] = (2, 4, 8)
    """Sides of the conditioner's patches in latents, finest first; multiples of the base's patch."""
    budget: int = 1
    """One of `BUDGETS`."""

    @classmethod
    def told(cls, entries: Mapping[str, Any]) -> MemoryShape:
        """Return the shape that a file's header tells of. Raises KeyError, TypeError or ValueError."""
        shape = cls(**{**entries, "kernels": tuple(entries["kernels"])})
        if shape.budget not in BUDGETS:
            raise ValueError(f"budget {shape.budget!r}")
        return shape

    @property
    def shown(self) -> Budget:
        """The budget itself."""
        return BUDGETS[self.budget]


def patch_tokens(kernel: int, height: int, width: int) -> int:
    """Return the tokens of one latent frame in patches of this side; what is left at the edges makes whole ones."""
    return -(-height // kernel) * -(-width // kernel)


def share_out(frames: int, costs: Sequence[int], room: int) -> tuple[int, ...]:
    """Return how many of the ranked frames get each kind of patch, finest first; the ranking is from most relevant.

    Everybody begins with the coarsest patches, the first `NEVER_COARSEST` frames one step finer; the least relevant
    are left out until all fit. Then, from the most relevant on, each is refined as far as the rest of the room allows.

    Args:
        frames: ranked memory frames, 0 or more.
        costs: tokens of one frame in each kind of patch, finest first, not rising.
        room: tokens in all.
    """
    coarsest = len(costs) - 1
    levels = [max(0, coarsest - (rank < NEVER_COARSEST)) for rank in range(frames)]
    while levels and sum(costs[level] for level in levels) > room:
        levels.pop()
    left = room - sum(costs[level] for level in levels)
    for rank, level in enumerate(levels):
        finer = next(better for better in range(level + 1) if costs[better] - costs[level] <= left)
        left -= costs[finer] - costs[level]
        levels[rank] = finer
    return tuple(levels.count(level) for level in range(len(costs)))
