"""What the leading process tells the others to do, as frozen data, and how it reaches them.

Every order is carried out by all followers in the order in which it was given. Knows what is said; nothing of how it
is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from filmagent.generation.wan.budget.ladder import RungName
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.parallel.arrangement import Arrangement
from filmagent.generation.wan.parallel.ensemble import Ensemble
from filmagent.schemas.story import LinkKind


@dataclass(frozen=True)
class Survey:
    """Say which rung of the memory ladder your GPU has room for. Replied to."""

    config: WanConfig
    budget: int | None
    """Bytes that a person allowed; None: all that is free."""


@dataclass(frozen=True)
class Load:
    """Load the experts of the configuration that was surveyed. Replied to."""

    rung: RungName


@dataclass(frozen=True)
class Split:
    """Part the work of the experts that were loaded."""

    arrangement: Arrangement


@dataclass(frozen=True)
class UseLink:
    """Switch the experts to the adapters of a link."""

    link: LinkKind


@dataclass(frozen=True)
class Forward:
    """Take part in one forward of an expert. Its tensors follow: latents, timestep, one text a branch."""

    expert: int
    memory: int
    stride: int
    """Where memory stands in time; see `filmagent.generation.wan.denoising.rope`."""
    guided: bool
    """Whether each branch has a text of its own and the second one's prediction is handed over."""
    tensors: tuple[tuple[torch.Size, torch.dtype], ...]


@dataclass(frozen=True)
class Rest:
    """A shot is over: give back what offloading holds."""


@dataclass(frozen=True)
class Stop:
    """The work is over."""


Order = Survey | Load | Split | UseLink | Forward | Rest | Stop


@dataclass(frozen=True)
class Reply:
    """What came of an order."""

    value: Any = None
    problem: str = ""
    """Why it could not be carried out; empty: it was."""


def give(ensemble: Ensemble, order: Order) -> None:
    """Tell all followers. Called by the leading process only."""
    dist.broadcast_object_list([order], src=0, group=ensemble.orders)


def receive(ensemble: Ensemble) -> Order:
    """Wait for the next order, however long that takes."""
    given: list[Any] = [None]
    dist.broadcast_object_list(given, src=0, group=ensemble.orders)
    order: Order = given[0]
    return order


def reply(ensemble: Ensemble, made: Reply) -> None:
    """Answer the leading process."""
    dist.gather_object(made, None, dst=0, group=ensemble.replies)


def replies(ensemble: Ensemble, own: Reply) -> list[Reply]:
    """Return what every process answered, the leading one's first."""
    given: list[Any] = [None] * ensemble.size
    dist.gather_object(own, given, dst=0, group=ensemble.replies)
    return given


def give_tensors(tensors: Sequence[Tensor]) -> None:
    """Hand tensors to all followers; the order before them says their shapes."""
    for tensor in tensors:
        dist.broadcast(tensor, src=0)


def receive_tensors(ensemble: Ensemble, order: Forward) -> list[Tensor]:
    """Return the tensors that come with an order."""
    made = [torch.empty(shape, dtype=dtype, device=ensemble.device) for shape, dtype in order.tensors]
    for tensor in made:
        dist.broadcast(tensor, src=0)
    return made
