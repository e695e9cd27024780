"""The processes that make one shot together, one a GPU: how they find each other, and when they give each other up.

Three groups: tensors go over NCCL (over gloo between CPUs), orders and replies over gloo. Every exchange of tensors,
every order given and every reply has a time limit; waiting for the next order has none to speak of, since a critic or
a person may take long in between. A process that ends closes its connections, which gloo notices at once. Knows
processes; nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

WORK_LIMIT = timedelta(minutes=10)
"""Longest that giving an order, or one exchange of tensors, may take, waiting for the slowest process included."""
REPLY_LIMIT = timedelta(hours=2)
"""Longest that loading may take."""
ORDER_LIMIT = timedelta(days=365)
"""Longest that a process waits for something to do."""
_CONNECTION = ("gloo", "NCCL", "Connection closed", "Connection reset", "Broken pipe")


@dataclass(frozen=True)
class Ensemble:
    """One process' place among the others."""

    rank: int
    """0: the one that leads; all others follow."""
    size: int
    device: torch.device
    """Where this process computes."""
    orders: Any
    """The group that orders go through."""
    replies: Any
    """The group that replies go through."""


def join(*, where: str = "env://", rank: int = -1, size: int = -1, limit: timedelta = WORK_LIMIT) -> Ensemble:
    """Find the other processes. All must call it.

    Args:
        where: their meeting place, as torch.distributed takes it; `env://`: as torchrun says.
        rank: this process' number; -1: as torchrun says, which also says which GPU is its own.
        size: how many there are; -1: as torchrun says.
        limit: longest that one exchange of tensors may take.
    """
    cards = torch.cuda.is_available()
    dist.init_process_group("cpu:gloo,cuda:nccl" if cards else "gloo", init_method=where, rank=rank, world_size=size,
                            timeout=limit)
    device = torch.device("cuda", dist.get_node_local_rank(fallback_rank=0)) if cards else torch.device("cpu")
    if cards:
        torch.cuda.set_device(device)
    # Limits are each process' own: giving an order may not take long, waiting for one may.
    orders = dist.new_group(backend="gloo", timeout=limit if dist.get_rank() == 0 else ORDER_LIMIT)
    replies = dist.new_group(backend="gloo", timeout=REPLY_LIMIT)
    return Ensemble(dist.get_rank(), dist.get_world_size(), device, orders, replies)


def leave() -> None:
    """Part from the other processes, at the end of all work."""
    dist.destroy_process_group()


def lost_connection(error: BaseException) -> bool:
    """Whether an error says that another process is gone, or did not answer in time."""
    if isinstance(error, dist.DistError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _CONNECTION)
