"""How many frames each kind of Memento's learned queries chooses: both kinds, or in ablations one of them.

Source: Wei et al., "Memento" (arXiv 2606.14667): eight frames, six by local queries and two by global ones. Pure; knows
no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Queries = Literal["both", "local", "global"]
"""Which of the learned queries choose."""
QUERIES: tuple[Queries, ...] = get_args(Queries)


@dataclass(frozen=True)
class Quota:
    """How many frames are chosen."""

    local: int = 6
    overall: int = 2
    """By the global queries."""

    @property
    def frames(self) -> int:
        """Frames in all."""
        return self.local + self.overall

    @classmethod
    def of(cls, frames: int, queries: Queries = "both") -> Quota:
        """Share out fewer frames as Memento shares out eight, a quarter global; one kind alone chooses all of them."""
        overall = {"both": frames // 4, "local": 0, "global": frames}[queries]
        return cls(frames - overall, overall)


MEMENTOS = Quota()
"""Memento's own."""
