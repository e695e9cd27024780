"""The frozen expert shared out among processes: each holds a part of every block, and fetches the rest to compute it.

FSDP2 (`torch.distributed.fsdp.fully_shard`) on the blocks. What learns stays whole in every process, so that
checkpoint, average and optimizer are those of a training that shares nothing; so does what lies outside the blocks,
under 2 % of an A14B expert, which policies read outside a forward. Every forward and backward fetches, so all
processes must make the same number of them. Knows learners; nothing of steps.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import nn

from filmagent.errors import UsageError
from filmagent.generation.trained.bases import Base
from filmagent.generation.wan.weights.checkpoints import part_config
from filmagent.training.memory.adapting import learned
from filmagent.training.memory.learners import Learner
from filmagent.training.memory.settings import MemoryTraining

PLAIN_PROCESSES = ("NO", "MULTI_CPU", "MULTI_GPU")


def check_sharding(base: Base, settings: MemoryTraining) -> None:
    """Raise UsageError where weights are to be shared out that cannot be: quantised ones hang on more than numbers."""
    told = part_config(base.config.folder, settings.part, base.config.how_to_get)
    if settings.shard and told.get("quantization_config"):
        raise UsageError(
            f"{base.name}: the {settings.expert} expert is quantised, which --shard cannot share out: take a base of "
            "plain weights, or leave --shard out"
        )


def check_processes(kind: str, count: int, shard: bool) -> None:
    """Look whether processes are of a kind that trains, and enough to share.

    Args:
        kind: what accelerate is configured for, in its words (`DistributedType`).
        count: processes in all.
        shard: whether they are to share the frozen weights.

    Raises:
        UsageError: they are not.
    """
    if kind not in PLAIN_PROCESSES:
        raise UsageError(
            f"accelerate is configured for {kind}, which memory training cannot save and resume: configure plain "
            "processes, and give --shard if they are to share the frozen expert out"
        )
    if shard and count == 1:
        raise UsageError(
            "--shard shares the frozen expert out among several processes, and this is one: start more, as by "
            "`accelerate launch --num_processes 2 -m filmagent train memory ...`, or leave --shard out"
        )


def shard_frozen(learner: Learner, device: torch.device) -> None:
    """Share the frozen weights of an expert's blocks out among all processes, and put all else on the device whole.

    Blocks are moved one by one: the device never holds more than its share, what stays whole, and one block.

    Args:
        learner: on the CPU, with an expert of `load_learning_expert`; the same in every process.
        device: of this process.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    expert, mesh = learner.expert, init_device_mesh(device.type, (dist.get_world_size(),))
    inside = set(expert.blocks.parameters())
    whole = {*learned(expert).values(), *(weight for weight in learner.parameters() if weight not in inside)}
    for weight in whole:
        weight.data = weight.data.to(device)
    for block in expert.blocks:
        fully_shard(block, mesh=mesh, ignored_params=whole)
    # Shares nothing itself, but under one root the next block is fetched while the one before computes.
    fully_shard(learner, mesh=mesh, ignored_params=whole)


@torch.no_grad()
def average_gradients(weights: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all processes' gradients; each calls this with the same weights in order.

    A weight without a gradient in some processes counts as zero there. Without one in any, it is left without, so that
    the optimizer leaves it alone, as in a training by one process.
    """
    weights = list(weights)
    reached = torch.tensor([weight.grad is not None for weight in weights], device=weights[0].device).int()
    dist.all_reduce(reached, op=dist.ReduceOp.MAX)
    gradients = []
    for weight in (weight for weight, anywhere in zip(weights, reached.tolist(), strict=True) if anywhere):
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        gradients.append(weight.grad)
    for waiting in [dist.all_reduce(gradient, async_op=True) for gradient in gradients]:
        waiting.wait()
    torch._foreach_div_(gradients, dist.get_world_size())
