"""What may be traded for speed in the sampling loop, as frozen data: each choice off unless it is asked for.

Everything that changes the frames has a name, which goes into the fingerprint of a take and into its notes. Knows no
torch, no model and no device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from filmagent.errors import UsageError

Ratios = tuple[float, ...]
"""How much larger the residual of an expert's blocks is than in the step before: one a step of that expert."""


@dataclass(frozen=True)
class FirstBlockCache:
    """Skip all blocks but the first while that one does about what it did before (ParaAttention's first-block cache).

    Every expert, and of each the conditional and the unconditional branch, remembers for itself.
    """

    threshold: float = 0.05
    """Mean change of the first block's residual, relative to its mean size, below which the others are skipped."""

    def __post_init__(self) -> None:
        """Raise UsageError for a threshold that is none."""
        if not self.threshold > 0:
            raise UsageError(f"first-block cache: threshold {self.threshold:g} skips nothing; give one above 0")

    @property
    def name(self) -> str:
        """The cache as a take records it."""
        return f"first-block cache {self.threshold:g}"


@dataclass(frozen=True)
class MagnitudeCache:
    """Skip whole steps while the foretold error stays small (MagCache, arXiv 2506.09045).

    The error of step n, summed since the last computed step, is |1 - product of ratios|. Ratios come from
    `filmagent.generation.wan.fast.calibration`, measured with memory in the sequence, each expert apart.
    """

    high_noise: Ratios
    """Of the first expert, one a step that it makes."""
    low_noise: Ratios = ()
    """Of the second one; empty when there is one expert."""
    threshold: float = 0.06
    longest: int = 3
    """Steps in a row that may be skipped."""
    retained: float = 0.2
    """Share of each expert's first steps that is always computed, 0 to 1."""

    def __post_init__(self) -> None:
        """Raise UsageError for values that skip nothing or everything."""
        if not (self.threshold > 0 and self.longest >= 1 and 0 <= self.retained < 1):
            raise UsageError(
                f"magnitude cache: threshold {self.threshold:g}, longest {self.longest} and retained "
                f"{self.retained:g} skip nothing; give a threshold above 0, a longest from 1 and a share below 1"
            )

    @property
    def name(self) -> str:
        """The cache as a take records it; the ratios by a digest."""
        ratios = hashlib.sha256(repr((self.high_noise, self.low_noise)).encode()).hexdigest()[:8]
        return f"magnitude cache {self.threshold:g}, at most {self.longest}, after {self.retained:g}, ratios {ratios}"


@dataclass(frozen=True)
class SpeedOptions:
    """How the sampling loop is made faster. The defaults change nothing."""

    joint_guidance: bool = False
    """Both branches of guidance in one forward of twice the batch: exact but for the order of sums. Needs room for
    twice the activations."""
    guidance_interval: tuple[float, float] | None = None
    """Guide only at noise levels from the first to the second number, 0 to 1 (arXiv 2404.07724); None: at all."""
    cache: FirstBlockCache | MagnitudeCache | None = None
    compiled: bool = False
    """Compile the experts' blocks: a minute once, and other rounding."""
    attention: str | None = None
    """Attention kernel by diffusers' name, such as `_flash_3` or `sage`; None: chosen for the machine."""

    def __post_init__(self) -> None:
        """Raise UsageError for choices that would do nothing, or mix up what is remembered."""
        if self.guidance_interval is not None:
            low, high = self.guidance_interval
            if not 0 <= low < high <= 1:
                raise UsageError(f"guidance interval {low:g} to {high:g}: give two rising noise levels from 0 to 1")
            if isinstance(self.cache, MagnitudeCache):
                raise UsageError(
                    "a magnitude cache counts the steps of both guidance branches alike, and an interval leaves steps "
                    "of one out: choose the first-block cache, or guide at all noise levels"
                )
            if self.cache is not None and self.joint_guidance:
                raise UsageError(
                    "a cache remembers both guidance branches together, and an interval leaves one out: choose two "
                    "forwards (no joint guidance), or guide at all noise levels"
                )

    @property
    def guides(self) -> bool:
        """Whether a choice is about guidance: it would do nothing for a shot without."""
        return self.joint_guidance or self.guidance_interval is not None

    @property
    def name(self) -> str:
        """Everything that is switched on, as a take records it; empty for the plain loop."""
        words = []
        if self.joint_guidance:
            words.append("joint guidance")
        if self.guidance_interval is not None:
            words.append("guidance from {:g} to {:g}".format(*self.guidance_interval))
        if self.cache is not None:
            words.append(self.cache.name)
        if self.compiled:
            words.append("compiled blocks")
        if self.attention is not None:
            words.append(f"attention {self.attention}")
        return "; ".join(words)


PLAIN = SpeedOptions()
