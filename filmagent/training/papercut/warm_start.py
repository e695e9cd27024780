"""Begins a training with exported weights, word by word where the vocabulary has changed. Trains nothing.

Networks may have wider MLPs than those weights: what is new begins with no part in what they say (Chen et al.,
"Net2Net", arXiv 1511.05641), so that nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from filmagent.errors import UsageError
from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel, WanTransformer3DModel

_INTO_MLP = ("ffn.net.0.proj.weight", "ffn.net.0.proj.bias")
_OUT_OF_MLP = ("ffn.net.2.weight",)


def take_over(
    folder: Path, tokenizer: PreTrainedTokenizerFast, denoiser: WanTransformer3DModel, encoder: UMT5EncoderModel
) -> frozenset[str]:
    """Fill both networks from the weights in `folder`; returns the words they do not know, which stay as they are.

    Raises UsageError where the denoiser is not of the same shape, wider MLPs aside.
    """
    weights = WanTransformer3DModel.from_pretrained(folder / "transformer").float().state_dict()
    denoiser.load_state_dict(widened(weights, denoiser.state_dict()))
    known = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer").get_vocab()
    state = UMT5EncoderModel.from_pretrained(folder / "text_encoder").float().state_dict()
    words = encoder.shared.weight.detach().clone()
    for word, index in tokenizer.get_vocab().items():
        if word in known:
            words[index] = state["shared.weight"][known[word]]
    for name in ("shared.weight", "encoder.embed_tokens.weight"):
        if name in state:
            state[name] = words
    with torch.no_grad():
        encoder.load_state_dict(state)
    return frozenset(tokenizer.get_vocab()) - frozenset(known)


def widened(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a denoiser in the shapes of another with as wide or wider MLPs, which computes the same.

    Args:
        weights: those there are.
        wanted: those of a fresh network; what is new inside of its MLPs is taken from it.

    Raises:
        UsageError: they differ in anything else.
    """
    found = {}
    for name, fresh in wanted.items():
        old = weights.get(name)
        into, out_of = name.endswith(_INTO_MLP), name.endswith(_OUT_OF_MLP)
        if old is None or (old.shape != fresh.shape and not _fits(old, fresh, into, out_of)):
            said = "there is no such weight" if old is None else f"{tuple(old.shape)} does not fit {tuple(fresh.shape)}"
            raise UsageError(f"these weights are of another network, at {name}: {said}; give its own sizes")
        found[name] = torch.zeros_like(fresh) if out_of else fresh.clone()
        found[name][tuple(slice(0, size) for size in old.shape)] = old
    return found


def _fits(old: Tensor, fresh: Tensor, into: bool, out_of: bool) -> bool:
    """Whether only the MLP's inside is wider: the rows of what leads into it, the columns of what leads out."""
    if into:
        return len(old) <= len(fresh) and old.shape[1:] == fresh.shape[1:]
    return out_of and len(old) == len(fresh) and old.shape[1] <= fresh.shape[1]
