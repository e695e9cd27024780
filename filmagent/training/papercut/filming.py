"""Teaches a denoiser to film on as films are made: step by step, behind pictures that it has filmed itself.

The denoiser stays as it is; an adapter learns (rsLoRA, arXiv 2312.03732), which films use behind their pictures and not
for them. Trained on true pictures alone, a network takes its own mistakes for what is there, and hands them on
(Huang et al., "Self Forcing", arXiv 2506.08009, which trains on rollouts, too). Knows no film and no story.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import UsageError
from filmagent.generation.papercut.card import read_card, write_card
from filmagent.generation.wan.compute.attention_processor import open_attention
from filmagent.generation.wan.compute.quick_gelu import quicken
from filmagent.generation.wan.denoising.rope import MemoryRope, install_memory_rope, memory_positions
from filmagent.generation.wan.library import (
    PreTrainedTokenizerFast,
    UMT5EncoderModel,
    UniPCMultistepScheduler,
    WanTransformer3DModel,
)
from filmagent.generation.wan.weights.filming_adapter import SET, save_filming_adapter
from filmagent.generation.wan.weights.lora import fresh_lora, leave_types_to_autocast, lora_weights
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.captions import said
from filmagent.training.papercut.denoiser import MASK_CHANNELS, MEMORY_STRIDE, SHIFT
from filmagent.training.papercut.drawn import CONTINUED_SHARE, drawn_clip, exposures
from filmagent.training.papercut.excerpts import AT_ONCE, LOOKS_BACK, ROUGHEST
from filmagent.training.papercut.latents import Clip, Encoder, encode_shot
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.text import encode_text
from filmagent.training.papercut.world import sample_shot, sample_story

CHECKPOINT = "filming.pt"
ADAPTER_FILE = "filming.safetensors"


@dataclass(frozen=True)
class FilmingTraining:
    """Everything that decides a training of filming on."""

    minutes: float = 75.0
    seed: int = 21
    rank: int = 32
    rate: float = 5e-4
    warm_up: int = 20
    decay_from: float = 0.5
    average: float = 0.98
    shots: int = 4
    """Shots a step; every one is filmed on to its end."""
    steps: int = 2
    """Denoising steps, as films take."""
    from_one: float = 0.75
    """Share of the steps whose shots begin with one known picture, as behind a cut; the others begin with three."""
    own_share: float = 0.75
    """Share of the steps that see the pictures that the network has filmed; the others see true ones, roughened."""
    calm_share: float = 0.35
    """How many shots in which nobody goes anywhere under a camera that stands still are kept."""
    attributes_share: float = 0.25
    figure_weight: float = 6.0
    """Of what figures cover and of what they have covered: what is behind them must be found anew."""
    swept_weight: float = 1.0
    """Of all of a set that the camera passes."""


@dataclass
class FilmingRun:
    """What such a training holds in memory."""

    denoiser: WanTransformer3DModel
    encoder: UMT5EncoderModel
    tokenizer: PreTrainedTokenizerFast
    optimizer: torch.optim.Optimizer
    averaged: dict[str, Tensor]
    rng: random.Random
    step: int = 0
    samples: int = 0
    loss: float = 0.0


@dataclass(frozen=True)
class FilmedShots:
    """Shots of one length as tensors, and what a film tells the denoiser of them."""

    latents: Tensor
    """[B, 16, T, h, w]."""
    weight: Tensor
    """Of every cell [B, T, h, w]."""
    text: Tensor
    known: int

    @property
    def starts(self) -> range:
        """The first picture of every step of filming on."""
        return range(self.known, self.latents.shape[2], AT_ONCE)


def train_filming(settings: FilmingTraining, weights: Path, encoder: Encoder, folder: Path) -> FilmingRun:
    """Train, or go on training, until the minutes are spent.

    Args:
        settings: of the training.
        weights: exported papercut weights, which stay as they are.
        encoder: their VAE's.
        folder: of the checkpoint and the log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clock = checkpoint.Clock(settings.minutes)
    run = open_filming(settings, weights, folder, clock)
    while (share := clock.advance()) < 1:
        shots = draw_shots(settings, run, encoder)
        known = film(settings, run.denoiser, shots) if run.rng.random() < settings.own_share else _rough(shots.latents)
        loss = _learn(settings, run, shots, known, share)
        run.loss = loss if run.step == 1 else 0.95 * run.loss + 0.05 * loss
        if run.step % 10 == 0:
            line = {"step": run.step, "samples": run.samples, "seconds": round(clock.spent), "filming": run.loss}
            with (folder / "filming.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if clock.due():
            _save(run, folder, clock.spent)
    _save(run, folder, clock.spent)
    return run


def open_filming(
    settings: FilmingTraining, weights: Path, folder: Path, clock: checkpoint.Clock | None = None
) -> FilmingRun:
    """A new run, or the one that `folder` holds. Raises UsageError where that is of other networks."""
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    denoiser = WanTransformer3DModel.from_pretrained(weights / "transformer").float()
    install_memory_rope(denoiser)
    fresh_lora(denoiser, SET, settings.rank)
    quicken(denoiser)
    open_attention(denoiser)
    leave_types_to_autocast(denoiser)
    text = UMT5EncoderModel.from_pretrained(weights / "text_encoder").float().eval().requires_grad_(False)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(weights / "tokenizer")
    learned = lora_weights(denoiser, SET)
    optimizer = torch.optim.AdamW(learned.values(), settings.rate, betas=(0.9, 0.95), weight_decay=0.0)
    averaged = {name: weight.detach().clone() for name, weight in learned.items()}
    run = FilmingRun(denoiser, text, tokenizer, optimizer, averaged, rng)
    if state := checkpoint.load(folder / CHECKPOINT, rng):
        if state["learned"].keys() != learned.keys() or state["rank"] != settings.rank:
            raise UsageError(f"{str(folder / CHECKPOINT)!r} is of other networks: train in a new folder")
        with torch.no_grad():
            for name, weight in learned.items():
                weight.copy_(state["learned"][name])
        optimizer.load_state_dict(state["optimizer"])
        run.averaged, run.step, run.samples, run.loss = (
            state[name] for name in ("averaged", "step", "samples", "loss")
        )
        if clock is not None:
            clock.resume(state["spent"])
    return run


def _save(run: FilmingRun, folder: Path, spent: float) -> None:
    learned = {name: weight.detach() for name, weight in lora_weights(run.denoiser, SET).items()}
    rank = next(weight.shape[0] for name, weight in learned.items() if name.endswith("lora_A.weight"))
    state = {"learned": learned, "averaged": run.averaged, "optimizer": run.optimizer.state_dict(), "rank": rank}
    state |= {"step": run.step, "samples": run.samples, "loss": run.loss, "spent": spent}
    checkpoint.save(folder / CHECKPOINT, state, run.rng)


def export_filming(run: FilmingRun, weights: Path) -> Path:
    """Write the averaged adapter beside the weights that it belongs to, in half precision, and into their card.

    Raises:
        ModelFilesError: the folder holds no whole weights.
    """
    file = weights / ADAPTER_FILE
    card = read_card(weights)
    save_filming_adapter({name: weight.half() for name, weight in run.averaged.items()}, weights, file)
    write_card(card.model_copy(update={"filming_adapter": file.name}), weights)
    return file


def draw_shots(settings: FilmingTraining, run: FilmingRun, encoder: Encoder) -> FilmedShots:
    """Fresh shots, more of them with movement."""
    known = 1 if run.rng.random() < settings.from_one else LOOKS_BACK
    clips: list[Clip] = []
    while len(clips) < settings.shots:
        script = sample_shot(run.rng, sample_story(run.rng), continued=run.rng.random() < CONTINUED_SHARE[known])
        goes = any(part.action in ("walks", "runs", "jumps", "carries") for part in script.performances)
        if goes or script.camera != "still" or run.rng.random() < settings.calm_share:
            clips.append(encode_shot(encoder, drawn_clip(exposures(script), known, True)))
    sentences = [
        said(clip.script, run.rng, with_attributes=run.rng.random() < settings.attributes_share).sentence
        for clip in clips
    ]
    with torch.no_grad():
        text = encode_text(run.tokenizer, run.encoder, sentences)
    latents = torch.stack([clip.latents.float() for clip in clips])
    return FilmedShots(latents, torch.stack([_weight(settings, clip) for clip in clips]), text, known)


def _weight(settings: FilmingTraining, clip: Clip) -> Tensor:
    covered = clip.covered.float()
    told = 1 + settings.figure_weight * covered.cummax(dim=0).values
    return told if clip.script.camera == "still" else told + settings.swept_weight


def noise_levels(steps: int) -> list[float]:
    """Shares of noise that a film's scheduler takes, and 0 at the end."""
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT)
    scheduler.set_timesteps(steps)
    return [float(level) for level in scheduler.sigmas]


@torch.no_grad()
def film(settings: FilmingTraining, denoiser: WanTransformer3DModel, shots: FilmedShots) -> Tensor:
    """The shots' pictures [B, 16, T, h, w] behind those that are known, as a film makes them."""
    filmed = shots.latents[:, :, : shots.known]
    for at in shots.starts:
        new = min(AT_ONCE, shots.latents.shape[2] - at)
        shown = shown_at(shots.latents, filmed, at, new)
        made = torch.randn_like(shown[:, MASK_CHANNELS:])
        for level, lower in pairwise(noise_levels(settings.steps)):
            made = made + (lower - level) * _flow(denoiser, shots.text, made, shown, level)
        filmed = torch.cat([filmed, made[:, :, -new:]], dim=2)
    return filmed


def shown_at(latents: Tensor, filmed: Tensor, at: int, new: int) -> Tensor:
    """What is told [B, 4 + 16, 1 + known + new, h, w] when `new` pictures from number `at` on are filmed.

    The shot's first picture is in memory, and what was filmed before stands behind it.
    """
    behind = filmed[:, :, max(0, at - LOOKS_BACK) : at]
    told = torch.cat([latents[:, :, :1], behind, behind[:, :, -1:].expand(-1, -1, new, -1, -1)], dim=2)
    mask = torch.ones_like(told[:, :MASK_CHANNELS])
    mask[:, :, -new:] = 0
    return torch.cat([mask, told], dim=1)


def _flow(denoiser: Any, text: Tensor, noisy: Tensor, shown: Tensor, level: float) -> Tensor:
    time = torch.full((len(noisy),), 1000 * level)
    rope: MemoryRope = install_memory_rope(denoiser)
    with autocast(noisy.device), memory_positions([rope], 1, MEMORY_STRIDE):
        flow: Tensor = denoiser(torch.cat([noisy, shown], dim=1), time, text, return_dict=False)[0]
    return flow.float()


def _rough(latents: Tensor) -> Tensor:
    return latents + ROUGHEST * torch.rand(()) * torch.randn_like(latents)


def _learn(settings: FilmingTraining, run: FilmingRun, shots: FilmedShots, known: Tensor, share: float) -> float:
    """One step: every picture of the shots is asked for, at every share of noise of a film's own way down."""
    falling = 1.0 if share < settings.decay_from else (1 - share) / (1 - settings.decay_from)
    for parameters in run.optimizer.param_groups:
        parameters["lr"] = settings.rate * min(1.0, (run.step + 1) / settings.warm_up) * max(falling, 0.02)
    run.optimizer.zero_grad()
    total = 0.0
    for starts in _groups(shots):
        loss = _loss(settings, run, shots, known, starts) * len(starts) / len(shots.starts)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    learned = lora_weights(run.denoiser, SET)
    torch.nn.utils.clip_grad_norm_(learned.values(), 1.0)
    run.optimizer.step()
    run.step += 1
    run.samples += len(shots.latents) * len(shots.starts)
    old = min(settings.average, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(run.averaged.values()), list(learned.values()), 1 - old)
    return total


def _groups(shots: FilmedShots) -> list[list[int]]:
    """The starts of steps that see as many pictures, so that they fit in one batch."""
    seen: dict[tuple[int, int], list[int]] = {}
    for at in shots.starts:
        seen.setdefault((min(at, LOOKS_BACK), min(AT_ONCE, shots.latents.shape[2] - at)), []).append(at)
    return list(seen.values())


def _loss(
    settings: FilmingTraining, run: FilmingRun, shots: FilmedShots, known: Tensor, starts: Sequence[int]
) -> Tensor:
    """Weighted squared error of the pictures that each prediction foresees, in the latents' own variance."""
    new = min(AT_ONCE, shots.latents.shape[2] - starts[0])
    shown = torch.cat([shown_at(shots.latents, known, at, new) for at in starts])
    true = torch.cat([shots.latents[:, :, at : at + new] for at in starts])
    weight = torch.cat([shots.weight[:, at : at + new] for at in starts])[:, None]
    text = shots.text.repeat(len(starts), 1, 1)
    noisy, off = torch.randn_like(shown[:, MASK_CHANNELS:]), torch.zeros(())
    for level, lower in pairwise(noise_levels(settings.steps)):
        flow = _flow(run.denoiser, text, noisy, shown, level)
        error = ((noisy - level * flow)[:, :, -new:] - true).pow(2)
        off = off + (error * weight).sum() / (weight.sum() * error.shape[1])
        noisy = noisy + (lower - level) * flow.detach()
    return off / settings.steps
