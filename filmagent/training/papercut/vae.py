"""Trains the small AutoencoderKLWan on clips of the papercut world. Knows no text and no denoiser."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filmagent.generation.limits import TEMPORAL_STRIDE
from filmagent.generation.wan.compute.quick_vae import speed_up
from filmagent.generation.wan.library import AutoencoderKLWan
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.muon import Muon, split_weights
from filmagent.training.papercut.single_frames import SingleFrames
from filmagent.training.papercut.world import (
    FRAMES,
    RenderedShot,
    render_frames,
    render_shot,
    sample_shot,
    sample_story,
)

LATENT_CHANNELS = 16
FIGURE_WEIGHT = 3.0
OUTER_LAYERS = ("encoder.conv_in", "decoder.conv_out", "encoder.conv_out", "decoder.conv_in", "quant_conv", "gamma")

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Weights = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class VaeTraining:
    """Everything that decides a VAE training."""

    minutes: float = 20.0
    seed: int = 1
    batch: int = 2
    stills: int = 8
    crop: tuple[int, int, int] = (13, 64, 96)
    still_crop: tuple[int, int, int] = (1, 96, 160)
    stills_only_until: float = 0.5
    """Until here only single frames are learned: four to six times as many pixels a second as in clips."""
    clip_share: float = 0.7
    rate: float = 2e-3
    matrix_rate: float = 3e-3
    pool: int = 48
    still_pool: int = 2000
    stills_a_step: int = 2
    latent_noise: float = 0.05
    edge_weight: float = 0.5
    edge_weight_late: float = 1.0
    base: int = 24
    decoder_base: int = 32
    decoder_only: bool = False
    """Refine the decoder of a finished VAE: its latents, and what was trained on them, stay valid."""
    start_from: Path | None = None
    """A folder of exported VAE weights to begin with, where no checkpoint is there to continue."""
    compiled: bool = False
    """Compile the way of single frames: twice as fast here, after two minutes."""
    device: str = "cpu"


def build_vae(base: int = 24, decoder_base: int = 32) -> AutoencoderKLWan:
    """A small VAE of Wan2.2's class: 8x in space, 4x in time, 16 channels."""
    return AutoencoderKLWan(
        base_dim=base,
        decoder_base_dim=decoder_base,
        z_dim=LATENT_CHANNELS,
        dim_mult=[1, 2, 2],
        num_res_blocks=1,
        attn_scales=[],
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        patch_size=2,
        is_residual=True,
        scale_factor_temporal=4,
        scale_factor_spatial=8,
        latents_mean=[0.0] * LATENT_CHANNELS,
        latents_std=[1.0] * LATENT_CHANNELS,
    )


def pixels(frames: Pixels) -> Tensor:
    """Frames [B, F, H, W, 3] of bytes as the VAE's input [B, 3, F, H, W] from -1 to 1."""
    return torch.from_numpy(frames).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def _fresh(rng: random.Random) -> RenderedShot:
    return render_shot(sample_shot(rng, sample_story(rng)))


def _still(rng: random.Random) -> RenderedShot:
    """One moment of a shot: keyframes are encoded alone, and single frames show more figures a second."""
    return render_frames(sample_shot(rng, sample_story(rng)), [rng.randrange(FRAMES)])


def _crop(rng: random.Random, shot: RenderedShot, size: tuple[int, int, int]) -> tuple[Pixels, Weights]:
    """A cut of the clip with the weight of its pixels, two times of three around a figure: there is the detail."""
    limits = [whole - part for whole, part in zip(shot.frames.shape[:3], size, strict=True)]
    start = [rng.randint(0, limit) for limit in limits]
    if size[0] > 1:
        # Films are encoded from their first picture on: no latent frame ever holds parts of two exposures of others.
        start[0] -= start[0] % TEMPORAL_STRIDE
    figures = np.zeros(shot.frames.shape[:3], dtype=np.float32)
    for mask in shot.masks.values():
        figures = np.maximum(figures, mask)
    ys, xs = np.nonzero(figures[start[0]])
    if len(ys) and rng.random() < 0.67:
        spot = rng.randrange(len(ys))
        start[1] = min(max(int(ys[spot]) - size[1] // 2, 0), limits[1])
        start[2] = min(max(int(xs[spot]) - size[2] // 2, 0), limits[2])
    cut = tuple(slice(begin, begin + length) for begin, length in zip(start, size, strict=True))
    weights = 1 + FIGURE_WEIGHT * figures[cut]
    return shot.frames[cut], weights


def reconstruction_loss(made: Tensor, true: Tensor, weights: Tensor, edge_weight: float) -> Tensor:
    """Weighted L1 of the pixels and of their differences: edges are what makes a cut-out readable."""
    off = made - true
    across = ((off[..., 1:] - off[..., :-1]).abs() * weights[..., 1:]).mean()
    down = ((off[..., 1:, :] - off[..., :-1, :]).abs() * weights[..., 1:, :]).mean()
    return ((off.abs() * weights).mean() + edge_weight * (across + down)) / weights.mean()


@dataclass
class _Run:
    """What one training holds in memory."""

    vae: AutoencoderKLWan
    singles: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    optimizers: list[torch.optim.Optimizer]
    rng: random.Random
    step: int = 0
    errors: dict[str, float] = field(default_factory=dict)


def train_vae(settings: VaeTraining, folder: Path, max_steps: int | None = None) -> AutoencoderKLWan:
    """Train, or go on training, until the minutes are spent; `folder` keeps the checkpoint and the log."""
    name = "decoder" if settings.decoder_only else "vae"
    clock = checkpoint.Clock(settings.minutes)
    run = _open_run(settings, folder, name, clock)
    folder.mkdir(parents=True, exist_ok=True)
    pools = _Pools(settings, run.rng, run.step)
    while (share := clock.advance()) < 1 and (max_steps is None or run.step < max_steps):
        factor = min(1.0, (run.step + 1) / 100) * (1 - share) ** 0.7 + 0.01
        _set_rates(run.optimizers, (settings.matrix_rate, settings.rate), factor)
        edge = settings.edge_weight if share < 0.6 else settings.edge_weight_late
        if share < settings.stills_only_until or run.rng.random() >= settings.clip_share:
            kind, shots, size = "still l1", pools.stills(), settings.still_crop
        else:
            kind, shots, size = "l1", pools.clips(), settings.crop
        crops, weights = zip(*[_crop(run.rng, shot, size) for shot in shots], strict=True)
        weight = torch.from_numpy(np.stack(weights))[:, None]
        true = pixels(np.stack(crops)).to(settings.device)
        error = _step(run, true, weight.to(settings.device), edge, settings.latent_noise)
        run.errors[kind] = 0.98 * run.errors.get(kind, error) + 0.02 * error
        run.step += 1
        if run.step % 50 == 0:
            errors = {kind: round(error, 5) for kind, error in run.errors.items()}
            _log(folder / f"{name}.jsonl", {"step": run.step, "seconds": round(clock.spent), **errors})
        if clock.due():
            _save(folder / f"{name}.pt", run, clock.spent)
    clock.advance()
    _save(folder / f"{name}.pt", run, clock.spent)
    return run.vae


def _open_run(settings: VaeTraining, folder: Path, name: str, clock: checkpoint.Clock) -> _Run:
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    vae = build_vae(settings.base, settings.decoder_base)
    if settings.start_from is not None:
        vae.load_state_dict(AutoencoderKLWan.from_pretrained(settings.start_from).float().state_dict())
    if settings.decoder_only:
        vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=False)["vae"])
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    vae = vae.to(settings.device)
    matrices, rest = split_weights(vae, OUTER_LAYERS)
    optimizers = [
        Muon(matrices, settings.matrix_rate, decay=0.0),
        torch.optim.AdamW(rest, settings.rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    singles: SingleFrames = SingleFrames(speed_up(vae) if settings.device == "cpu" else vae)
    run = _Run(vae, torch.compile(singles, dynamic=False) if settings.compiled else singles, optimizers, rng)
    state = checkpoint.load(folder / f"{name}.pt", rng)
    if state:
        vae.load_state_dict(state["vae"])
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        run.step, run.errors = state["step"], state["errors"]
        clock.resume(state["spent"])
    return run


class _Pools:
    """Drawn pictures that are used several times: one or a few of them are drawn anew for every step."""

    def __init__(self, settings: VaeTraining, rng: random.Random, step: int) -> None:
        self.settings, self.rng = settings, rng
        drawn = random.Random(f"{settings.seed}/{step}")
        self._stills = [_still(drawn) for _ in range(settings.still_pool)]
        self._clips: list[RenderedShot] = []
        self._drawn = drawn

    def stills(self) -> list[RenderedShot]:
        """Single frames for one step."""
        for _ in range(self.settings.stills_a_step):
            self._stills[self.rng.randrange(len(self._stills))] = _still(self.rng)
        return self.rng.choices(self._stills, k=self.settings.stills)

    def clips(self) -> list[RenderedShot]:
        """Shots for one step."""
        if not self._clips:
            self._clips = [_fresh(self._drawn) for _ in range(self.settings.pool)]
        self._clips[self.rng.randrange(len(self._clips))] = _fresh(self.rng)
        return self.rng.sample(self._clips, self.settings.batch)


def _step(run: _Run, true: Tensor, weights: Tensor, edge: float, noise: float) -> float:
    with autocast(true.device):
        if true.shape[2] == 1:
            latent = (len(true), run.vae.config.z_dim, 1, true.shape[3] // 8, true.shape[4] // 8)
            made, mean = run.singles(true, torch.randn(latent, device=true.device) * noise)
        else:
            mean = run.vae.encode(true).latent_dist.mean
            made = run.vae.decode(mean + torch.randn_like(mean) * noise * mean.detach().std()).sample
    made = made.float()
    loss = reconstruction_loss(made, true, weights, edge) + 3e-4 * mean.float().pow(2).mean()
    for optimizer in run.optimizers:
        optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.vae.parameters(), 1.0)
    for optimizer in run.optimizers:
        optimizer.step()
    return float((made.detach() - true).abs().mean())


def _set_rates(optimizers: list[torch.optim.Optimizer], rates: tuple[float, float], factor: float) -> None:
    for optimizer, rate in zip(optimizers, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * factor


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def _save(path: Path, run: _Run, spent: float) -> None:
    kept = [optimizer.state_dict() for optimizer in run.optimizers]
    state = {"vae": run.vae.state_dict(), "optimizers": kept, "step": run.step, "errors": run.errors, "spent": spent}
    checkpoint.save(path, state, run.rng)
