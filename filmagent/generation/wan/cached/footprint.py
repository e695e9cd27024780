"""What memory that is read once takes: the keys and values of every block, beside weights and activations. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filmagent.generation.costs import ShotShape
from filmagent.generation.wan.budget.cost import shot_tokens
from filmagent.generation.wan.budget.footprint import Footprint

if TYPE_CHECKING:
    from filmagent.generation.wan.budget.ladder import Rung


@dataclass(frozen=True)
class KeepingFootprint(Footprint):
    """The sizes of a configuration whose experts keep their memory; one of them does at a time."""

    def peak_bytes(self, rung: Rung, shot: ShotShape, number_bytes: int, *, on_card: bool) -> int:
        """Return the estimated peak of a shot on a rung; arguments as in `Footprint.peak_bytes`."""
        alone = replace(shot, memory=0)
        of_memory = shot_tokens(shot, self.shape, self.stride) - shot_tokens(alone, self.shape, self.stride)
        kept = 2 * of_memory * self.shape.width * self.shape.layers * number_bytes
        return super().peak_bytes(rung, alone, number_bytes, on_card=on_card) + kept
