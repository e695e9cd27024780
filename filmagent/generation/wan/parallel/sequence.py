"""Deals one forward of an expert out to several GPUs: Ulysses, by diffusers' own hooks and attention.

Outside of attention every GPU has a part of the tokens, memory in front included; within self-attention every one has
all tokens of some of the heads (DeepSpeed-Ulysses, arXiv 2309.14509). Memory's positions are turned out whole and then
cut like the tokens, so nothing has to be known of them here.

Two things are not diffusers' own. Its `enable_parallelism` divides by the number of accelerators, which a CPU has none
of; what it does for Ulysses is done here. And its gathering of uneven parts is nothing that gloo can do: here parts
are filled up to one length, gathered, and cut again, so that filling is never computed with. Lengths that divide run
plain Ulysses, others `ulysses_anything`, which exchanges lengths in every layer. Knows experts; nothing of shots.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.nn.functional import pad

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.wan.parallel.arrangement import Arrangement
from filmagent.generation.wan.parallel.ensemble import Ensemble

SPLIT = ("rope", "blocks.0")
"""Entries of the expert's own plan that are used: where positions and tokens are cut."""


def split_experts(experts: list[Any], ensemble: Ensemble, arrangement: Arrangement) -> None:
    """Deal the forwards of WanTransformer3DModels out. All processes must call it, with equal arguments.

    An expert must have its memory positions and its place on the device already.

    Raises:
        GenerationError: the arrangement is of another number of GPUs.
    """
    if arrangement.size != ensemble.size:
        raise GenerationError(f"{arrangement} is an arrangement of {arrangement.size} GPUs, and there are "
                              f"{ensemble.size}")
    if arrangement.span == 1:
        return
    shape = (arrangement.branches, 1, arrangement.span)
    mesh = init_device_mesh(ensemble.device.type, shape, mesh_dim_names=("guidance", "ring", "ulysses"))
    for expert in experts:
        _split(expert, ensemble, arrangement.span, mesh)


def check_kernel(kernel: str) -> None:
    """Raise UsageError for an attention kernel that diffusers cannot deal out."""
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    possible = sorted(_AttentionBackendRegistry._supports_context_parallel)
    if kernel not in {str(each.value) for each in AttentionBackendName} or kernel not in possible:
        raise UsageError(f"attention {kernel!r} cannot be dealt out to several GPUs: leave it out, or choose from "
                         f"{', '.join(possible)}")


def part_sizes(tokens: int, parts: int) -> list[int]:
    """Return how many tokens every part has: as even as can be, the first ones longer."""
    return [tokens // parts + (part < tokens % parts) for part in range(parts)]


def _split(expert: Any, ensemble: Ensemble, span: int, mesh: DeviceMesh) -> None:
    from diffusers import ContextParallelConfig, ParallelConfig
    from diffusers.hooks.context_parallel import apply_context_parallel

    context = ContextParallelConfig(ulysses_degree=span, ulysses_anything=True)
    shared = ParallelConfig(context_parallel_config=context)
    shared.setup(ensemble.rank, ensemble.size, ensemble.device, mesh=mesh)
    for module in expert.modules():
        processor: Any = getattr(module, "processor", None)
        if hasattr(processor, "_parallel_config"):
            processor._parallel_config = shared
    apply_context_parallel(expert, context, {name: expert._cp_plan[name] for name in SPLIT})
    group, tokens = mesh["ulysses"].get_group(), 0

    def measure(_: Any, __: tuple[Any, ...], given: dict[str, Any]) -> None:
        nonlocal tokens
        tokens = math.prod(given["hidden_states"].shape[2:]) // math.prod(expert.config.patch_size)
        context.ulysses_anything = tokens % span != 0

    def gather(_: Any, __: tuple[Any, ...], mine: Tensor) -> Tensor:
        sizes = part_sizes(tokens, span)
        filled = pad(mine, (0, 0, 0, sizes[0] - mine.shape[1])).contiguous()
        parts = [torch.empty_like(filled) for _ in sizes]
        dist.all_gather(parts, filled, group=group)
        return torch.cat([part[:, :size] for part, size in zip(parts, sizes, strict=True)], dim=1)

    expert.register_forward_pre_hook(measure, with_kwargs=True)
    expert.proj_out.register_forward_hook(gather)
