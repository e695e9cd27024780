"""Writes trained weights as the folders that the stock diffusers and transformers classes load. Trains nothing."""

from __future__ import annotations

import copy
import json
import math
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.card import Card, write_card
from filmagent.generation.wan.config import PictureFilming
from filmagent.generation.wan.library import AutoencoderKLWan, ModelMixin, PreTrainedModel, UniPCMultistepScheduler
from filmagent.training.papercut.denoiser import SHIFT
from filmagent.training.papercut.drawn import ON_TWOS
from filmagent.training.papercut.excerpts import AT_ONCE, LOOKS_BACK
from filmagent.training.papercut.latents import UNKNOWN_SHOWS
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.sheet import curve, held_out_rows, sample_sheet
from filmagent.training.papercut.text import MAX_WORDS, build_tokenizer
from filmagent.training.papercut.trainer import CHECKPOINT, DenoiserTraining, Models, averaged_models
from filmagent.training.papercut.vae import pixels
from filmagent.training.papercut.world import FPS, FRAMES, HEIGHT, WIDTH, render_shot, sample_shot, sample_story


@dataclass(frozen=True)
class VaeMeasure:
    """What a VAE does on shots it was not trained on."""

    psnr: float
    psnr_first_frames: float
    mean: list[float]
    std: list[float]


def held_out_shots(count: int, seed: int = 20_261_121) -> np.ndarray:
    """Frames [count, F, H, W, 3] of stories that no training seed makes."""
    rng = random.Random(f"held out {seed}")
    return np.stack([render_shot(sample_shot(rng, sample_story(rng))).frames for _ in range(count)])


@torch.no_grad()
def measure_vae(vae: AutoencoderKLWan, frames: np.ndarray, batch: int = 4) -> tuple[VaeMeasure, Tensor]:
    """PSNR over whole shots and over first frames, latent statistics, and the reconstructions."""
    latents, made = [], []
    vae = vae.cpu().eval()
    for start in range(0, len(frames), batch):
        with autocast(torch.device("cpu")):
            found = vae.encode(pixels(frames[start : start + batch])).latent_dist.mode()
            made.append(vae.decode(found).sample.float().clamp(-1, 1))
        latents.append(found.float())
    every, true = torch.cat(latents), pixels(frames)
    off = ((torch.cat(made) - true) / 2).pow(2)
    measure = VaeMeasure(
        psnr=_decibels(off),
        psnr_first_frames=_decibels(off[:, :, 0]),
        mean=[round(value, 5) for value in every.mean(dim=(0, 2, 3, 4)).tolist()],
        std=[round(value, 5) for value in every.std(dim=(0, 2, 3, 4)).tolist()],
    )
    return measure, torch.cat(made)


def _decibels(squares: Tensor) -> float:
    return round(-10 * math.log10(float(squares.mean())), 2)


def export_vae(vae: AutoencoderKLWan, measure: VaeMeasure, folder: Path) -> None:
    """Write the VAE with its measured latent statistics; the one in use keeps those that it has."""
    exported = copy.deepcopy(vae)
    exported.register_to_config(latents_mean=measure.mean, latents_std=measure.std)
    _save_half(exported, folder)


def export_decoder(refined: AutoencoderKLWan, folder: Path) -> None:
    """Put a refined decoder into an exported VAE; encoder and latent statistics stay what the denoiser learned."""
    vae = AutoencoderKLWan.from_pretrained(folder)
    statistics = VaeMeasure(0.0, 0.0, list(vae.config.latents_mean), list(vae.config.latents_std))
    export_vae(refined, statistics, folder)


def export_denoiser(averaged: Models, folder: Path) -> None:
    """Write everything of a Wan image-to-video pipeline but the VAE."""
    denoiser, encoder = averaged.denoiser, averaged.encoder
    _save_half(denoiser, folder / "transformer")
    _save_half(encoder, folder / "text_encoder")
    build_tokenizer().save_pretrained(folder / "tokenizer")
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT)
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "WanImageToVideoPipeline",
        "_diffusers_version": "0.42.1",
        "boundary_ratio": None,
        "expand_timesteps": False,
        "image_encoder": [None, None],
        "image_processor": [None, None],
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    card = Card(
        width=WIDTH,
        height=HEIGHT,
        frames=FRAMES,
        fps=FPS,
        most_words=MAX_WORDS,
        unknown_shows=UNKNOWN_SHOWS,
        steps=6,
        guidance=2.0,
        guided_by_memory=True,
        shift=SHIFT,
        filming=PictureFilming(looks_back=LOOKS_BACK, at_once=AT_ONCE, shown_for=ON_TWOS),
        steps_on=2,
    )
    write_card(card, folder)


def export_all(data: Path, weights: Path, settings: DenoiserTraining | None = None) -> list[Path]:
    """Write the averaged weights of the training in `data`, beside its VAE, with a sheet and a curve."""
    saved = data / CHECKPOINT
    if not saved.exists():
        raise ModelFilesError(f"{saved} is missing: train the denoiser first")
    averaged = averaged_models(data, settings)
    weights.mkdir(parents=True, exist_ok=True)
    if (data / "weights" / "vae").resolve() != (weights / "vae").resolve():
        shutil.copytree(data / "weights" / "vae", weights / "vae", dirs_exist_ok=True)
    export_denoiser(averaged, weights)
    curve(data / "denoiser.jsonl", ("stills", "shots")).save(weights / "training.png", optimize=True)
    sample_sheet(weights, held_out_rows(6)).quantize(256).save(weights / "samples.png", optimize=True)
    return [weights / "model_index.json", weights / "training.png", weights / "samples.png"]


def _save_half(model: ModelMixin | PreTrainedModel, folder: Path) -> None:
    """Half precision halves the folder; every weight here is far inside its range."""
    copy.deepcopy(model).half().save_pretrained(folder)
