"""At which noise levels an expert is trained: its own share of the levels that the base is sampled at.

Uniform before the shift s -> shift s / (1 + (shift - 1) s), as Memento's programme draws from the shifted schedule; of
two experts, each sees its side of the boundary. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.generation.trained.names import Expert
from filmagent.generation.wan.config import Sampling

TIMESTEPS = 1000


@dataclass(frozen=True)
class LevelRange:
    """Shares of noise that an expert sees."""

    shift: float
    lowest: float
    highest: float
    """Both before the shift, from 0 to 1."""

    def at(self, place: float) -> float:
        """Return the share of noise at a place of the range, 0 (lowest) to 1."""
        plain = self.lowest + place * (self.highest - self.lowest)
        return self.shift * plain / (1 + (self.shift - 1) * plain)


def levels_of(sampling: Sampling, expert: Expert) -> LevelRange:
    """Return the levels of an expert of a base that is sampled so."""
    shift, boundary = sampling.shift, sampling.boundary_ratio
    if boundary is None or expert == "denoiser":
        return LevelRange(shift, 0.0, 1.0)
    plain = boundary / (shift - (shift - 1) * boundary)
    return LevelRange(shift, plain, 1.0) if expert == "high_noise" else LevelRange(shift, 0.0, plain)
