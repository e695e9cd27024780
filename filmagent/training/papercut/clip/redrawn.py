"""Pictures as a papercut denoiser draws them, with the renderer's truth: what the critic's eyes see in films.

A drawn picture's latents are drowned in noise and denoised again in two steps, told in words what was there (SDEdit,
Meng et al., arXiv 2108.01073). Figures stay where they are, so the truth of every pixel holds; edges, faces and
textures become the model's. Knows no CLIP model and no loss.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel, WanTransformer3DModel
from filmagent.training.papercut.captions import said
from filmagent.training.papercut.clip.pictures import Shown
from filmagent.training.papercut.denoiser import MASK_CHANNELS
from filmagent.training.papercut.latents import open_encoder, unknown_condition
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.text import MAX_WORDS, encode_text
from filmagent.training.papercut.vae import pixels

LEAST_NOISE, MOST_NOISE = 0.5, 0.88
"""Shares of noise that a picture is drowned in: with more, words alone must say who is there."""


class Redrawer:
    """Draws pictures again with exported papercut weights. Raises ModelFilesError where there is no VAE."""

    def __init__(self, weights: Path) -> None:
        self._encoder = open_encoder(weights / "vae")
        self._denoiser = WanTransformer3DModel.from_pretrained(weights / "transformer").float().eval()
        self._text_encoder = UMT5EncoderModel.from_pretrained(weights / "text_encoder").float().eval()
        self._tokenizer = PreTrainedTokenizerFast.from_pretrained(weights / "tokenizer")
        self._unknown = unknown_condition(self._encoder)[None, :, :1]

    @torch.no_grad()
    def __call__(self, shown: Sequence[Shown], rng: random.Random) -> list[Shown]:
        """The same pictures, drawn again; noise comes from torch's generator, wordings from `rng`."""
        pictures = self._draw(shown, rng)
        return [replace(old, picture=new) for old, new in zip(shown, pictures, strict=True)]

    def _draw(self, shown: Sequence[Shown], rng: random.Random) -> np.ndarray:
        sentences = [said(each.script, rng, with_attributes=True, with_layout=True).sentence for each in shown]
        text = encode_text(self._tokenizer, self._text_encoder, sentences, MAX_WORDS)
        latents = self._encoder(pixels(np.stack([each.picture for each in shown])[:, None]))
        share = torch.empty(len(latents), 1, 1, 1, 1).uniform_(LEAST_NOISE, MOST_NOISE)
        for noise_share in (share, share / 2):
            latents = self._denoised(latents, noise_share, text)
        with autocast(latents.device):
            found = self._encoder.vae.decode(latents * self._encoder.std + self._encoder.mean).sample
        values = (found.float().clamp(-1, 1)[:, :, 0] + 1) * 127.5
        pictures: np.ndarray = values.round().byte().permute(0, 2, 3, 1).numpy()
        return pictures

    def _denoised(self, latents: Tensor, share: Tensor, text: Tensor) -> Tensor:
        """What one prediction makes of latents [B, 16, 1, h, w] at noise shares [B, 1, 1, 1, 1]."""
        noisy = (1 - share) * latents + share * torch.randn_like(latents)
        mask = torch.zeros(len(latents), MASK_CHANNELS, *latents.shape[2:])
        told = torch.cat([noisy, mask, self._unknown.expand_as(latents)], dim=1)
        with autocast(latents.device):
            (flow,) = self._denoiser(told, share.flatten() * 1000, text, return_dict=False)
        found: Tensor = noisy - share * flow.float()
        return found
