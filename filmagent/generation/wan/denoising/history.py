"""Guides a shot by its memory as well as by its words: what is guided away from knows neither of them.

Vanilla history guidance (Song et al., "History-Guided Video Diffusion", arXiv 2502.06764), for models that were trained
without memory, too. StoryMem guides by words alone: both of its branches remember. The second branch is also shorter
by memory's tokens. Done by torch's own hooks around the whole expert, so that the sampling loop, offloading and caches
stay as they are. Knows one expert and its scale; nothing of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from filmagent.generation.wan.denoising.remembering import forgetting
from filmagent.generation.wan.denoising.rope import MemoryRope


@contextmanager
def history_guidance(
    experts: Sequence[tuple[Any, Callable[[], float]]], negative: Tensor, memory: int, guided: Callable[[], bool]
) -> Iterator[None]:
    """Guide the experts' predictions away from a shot without words and memory, for the time of the block.

    The sampling loop must then take what an expert returns as it is. Predictions for memory's own positions are those
    of the branch that has them.

    Args:
        experts: WanTransformer3DModels called with keyword arguments and `return_dict=False`, each with its scale.
        negative: text features of what is guided away from, (1, tokens, width).
        memory: memory frames in front of the shot's latent frames; experts with a memory of their own forget that, too.
        guided: asked before every forward whether it is guided at all.
    """
    with ExitStack() as hooks:
        for expert, scale in experts:
            hooks.callback(_guide(expert, scale, negative, memory, guided).remove)
        yield


def _guide(
    expert: Any, scale: Callable[[], float], negative: Tensor, memory: int, guided: Callable[[], bool]
) -> Any:
    forgets = False

    def guide(_: Any, __: tuple[Any, ...], given: dict[str, Any], made: tuple[Tensor]) -> tuple[Tensor] | None:
        nonlocal forgets
        if forgets or not guided():
            return None
        forgets = True
        try:
            with _without_memory(expert), expert.cache_context("uncond"):
                shot, text = given["hidden_states"][:, :, memory:], given["encoder_hidden_states"]
                (unwanted,) = expert(**{**given, "hidden_states": shot, "encoder_hidden_states": negative.to(text)})
        finally:
            forgets = False
        of_memory, wanted = made[0][:, :, :memory], made[0][:, :, memory:]
        return (torch.cat([of_memory, unwanted + scale() * (wanted - unwanted)], dim=2),)

    return expert.register_forward_hook(guide, with_kwargs=True)


@contextmanager
def _without_memory(expert: Any) -> Iterator[None]:
    rope: MemoryRope = expert.rope
    remembered, rope.memory = rope.memory, 0
    try:
        with forgetting(expert):
            yield
    finally:
        rope.memory = remembered
