"""Both branches of guidance in one forward: the batch is doubled before an expert, and guided behind it.

Done by torch's own hooks around the whole expert, so that the sampling loop, offloading and caches stay as they are.
Knows one expert and its scale; nothing of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

DOUBLED = ("hidden_states", "timestep")


@contextmanager
def joint_guidance(
    experts: Sequence[tuple[Any, Callable[[], float]]], negative: Tensor, guided: Callable[[], bool]
) -> Iterator[None]:
    """Guide the experts' predictions inside of their forwards, for the time of the block.

    The sampling loop must then take what an expert returns as it is.

    Args:
        experts: WanTransformer3DModels called with keyword arguments and `return_dict=False`, each with its scale.
        negative: features of what is guided away from, shaped as those of the prompt.
        guided: asked before every forward whether it is guided at all.
    """
    with ExitStack() as hooks:
        for expert, scale in experts:
            for handle in _hooks(expert, scale, negative, guided):
                hooks.callback(handle.remove)
        yield


def _hooks(expert: Any, scale: Callable[[], float], negative: Tensor, guided: Callable[[], bool]) -> list[Any]:
    def double(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if not guided():
            return None
        text = given["encoder_hidden_states"]
        joint = {name: torch.cat([given[name], given[name]]) for name in DOUBLED}
        return args, {**given, **joint, "encoder_hidden_states": torch.cat([text, negative.to(text)])}

    def guide(_: Any, __: tuple[Any, ...], made: tuple[Tensor]) -> tuple[Tensor] | None:
        if not guided():
            return None
        wanted, unwanted = made[0].chunk(2)
        return (unwanted + scale() * (wanted - unwanted),)

    return [expert.register_forward_pre_hook(double, with_kwargs=True), expert.register_forward_hook(guide)]
