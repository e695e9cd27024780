"""Begins a training with exported weights, word by word where the vocabulary has changed. Trains nothing."""

from __future__ import annotations

from pathlib import Path

import torch

from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel, WanTransformer3DModel


def take_over(
    folder: Path, tokenizer: PreTrainedTokenizerFast, denoiser: WanTransformer3DModel, encoder: UMT5EncoderModel
) -> frozenset[str]:
    """Fill both networks from the weights in `folder`; returns the words they do not know, which stay as they are."""
    denoiser.load_state_dict(WanTransformer3DModel.from_pretrained(folder / "transformer").float().state_dict())
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
