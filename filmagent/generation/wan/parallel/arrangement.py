"""How many GPUs work on what: one pure decision, made before any weight is loaded. Knows numbers; no torch, no GPU."""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.errors import UsageError

MOST = 128
"""Numbers of GPUs that a refusal looks through for one that works."""


@dataclass(frozen=True)
class Arrangement:
    """Which GPU does what; GPU r works on branch r // span, at place r % span of the sequence."""

    branches: int
    """2: the conditional and the unconditional forward of guidance run at the same time; 1: one after the other."""
    span: int
    """GPUs that one forward is dealt out to: tokens outside of attention, heads within (Ulysses)."""

    @property
    def size(self) -> int:
        """GPUs in all."""
        return self.branches * self.span

    def branch_of(self, rank: int) -> int:
        """Return the branch of guidance that a GPU works on: 0 towards the prompt, 1 away from the negative one."""
        return rank // self.span

    def __str__(self) -> str:
        return f"{self.branches} branch{'es' * (self.branches > 1)} on {self.span} each"


def arrange(size: int, heads: int, guided: bool) -> Arrangement:
    """Return the arrangement of a number of GPUs.

    Guidance is parted first where that is possible: its branches meet once a step, the parts of a sequence in every
    layer.

    Args:
        size: GPUs.
        heads: attention heads of the experts; 40 in Wan2.2-A14B.
        guided: whether shots are guided, so that a step takes two forwards.

    Raises:
        UsageError: the heads cannot be dealt out evenly to so many; names the nearest numbers that work.
    """
    if (found := _arranged(size, heads, guided)) is not None:
        return found
    fewer = next((count for count in range(size - 1, 0, -1) if _arranged(count, heads, guided)), None)
    more = next((count for count in range(max(1, size + 1), MOST) if _arranged(count, heads, guided)), None)
    raise UsageError(
        f"--gpus {size}: {heads} attention heads cannot be dealt out evenly to so many; "
        f"use {' or '.join(str(count) for count in (fewer, more) if count is not None)}"
    )


def _arranged(size: int, heads: int, guided: bool) -> Arrangement | None:
    if size < 1:
        return None
    branches = 2 if guided and size % 2 == 0 else 1
    span = size // branches
    return Arrangement(branches, span) if heads % span == 0 else None
