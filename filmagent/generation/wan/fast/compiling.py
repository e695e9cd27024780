"""Compiled blocks, beneath all hooks. Knows experts; nothing of where they lie or who calls them."""

from __future__ import annotations

from typing import Any

import torch

from filmagent.generation.wan.fast.caches import start_caches

COMPILER = "inductor"


def compile_blocks(experts: list[Any], compiler: Any = None) -> None:
    """Compile the blocks of experts, one program for all of them, whatever the length of the sequence.

    Beneath the hooks of offloading, which move weights from place to place, and of caches, which every shot puts on
    anew: diffusers' `compile_repeated_blocks` compiles around them, and then a magnitude cache runs no compiled code
    at all, and a first-block cache a program for every block.

    Args:
        experts: with adapters on them, and without any hook of offloading.
        compiler: backend of torch.compile; None: torch's own.
    """
    start_caches(experts, None, ())
    for expert in experts:
        for block in expert.blocks:
            block.forward = torch.compile(block.forward, backend=compiler or COMPILER, dynamic=True, fullgraph=True)
