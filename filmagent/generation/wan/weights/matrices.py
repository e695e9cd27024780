"""Several sets of matrices of one expert, of which one is in use at a time: adapters that were added up ahead.

For experts so small that twice the room is nothing: an adapter beside the matrices takes half as long again in every
forward. Knows layers; nothing of files and pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

_SETS, _IN_USE = "_sets_of_matrices", "_matrices_in_use"


def install_matrices(expert: nn.Module, name: str, updates: Mapping[str, Tensor]) -> None:
    """Give linear layers, by name, a matrix more that is their own and an update; what is in use stays in use."""
    with matrices_in_use([expert], None):
        for layer_name, update in updates.items():
            layer: Any = expert.get_submodule(layer_name)
            layer = getattr(layer, "base_layer", layer)
            # A buffer goes where the layer goes, and becomes what it becomes.
            layer.register_buffer(_buffer(name), (layer.weight.data + update).to(layer.weight.dtype), persistent=False)
    setattr(expert, _SETS, {*sets_of_matrices(expert), name})


def merge_adapters(expert: Any) -> None:
    """Turn every adapter of an expert into a set of matrices of its name; the one that is in use stays so."""
    from peft.tuners.lora import LoraLayer

    layers = {name: module for name, module in expert.named_modules() if isinstance(module, LoraLayer)}
    if not layers:
        return
    some: Any = next(iter(layers.values()))
    in_use = None if some.disable_adapters else some.active_adapters[0]
    for adapter in expert.peft_config:
        install_matrices(expert, adapter, {name: layer.get_delta_weight(adapter) for name, layer in layers.items()})
    for name, layer in layers.items():
        expert.set_submodule(name, layer.base_layer)
    del expert.peft_config
    expert._hf_peft_config_loaded = False
    use_matrices(expert, in_use)


def sets_of_matrices(expert: nn.Module) -> frozenset[str]:
    """Return the names of an expert's sets besides its own."""
    return frozenset(getattr(expert, _SETS, ()))


def use_matrices(expert: nn.Module, name: str | None) -> None:
    """Put a set into use; None, or one that the expert does not have: its own."""
    before, after = getattr(expert, _IN_USE, None), name if name in sets_of_matrices(expert) else None
    for each in (before, after):
        if before != after and each is not None:
            _exchange(expert, each)
    setattr(expert, _IN_USE, after)


@contextmanager
def matrices_in_use(experts: Iterable[nn.Module], name: str | None) -> Iterator[None]:
    """Let experts compute with a set for a while, and with what they had before afterwards."""
    before = [(expert, getattr(expert, _IN_USE, None)) for expert in experts]
    for expert, _ in before:
        use_matrices(expert, name)
    try:
        yield
    finally:
        for expert, in_use in before:
            use_matrices(expert, in_use)


def _exchange(expert: nn.Module, name: str) -> None:
    for layer in expert.modules():
        if (other := layer._buffers.get(_buffer(name))) is not None:
            own: Any = layer.weight
            layer._buffers[_buffer(name)], own.data = own.data, other


def _buffer(name: str) -> str:
    return f"weight_for_{name}"
