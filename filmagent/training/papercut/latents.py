"""Keeps stories of the papercut world as latents, on disk and in memory. Knows no denoiser.

Story number n is a function of the seed and n alone, so that a cache can grow, be lost and be made again unchanged.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filmagent.generation.wan.library import AutoencoderKLWan
from filmagent.training.papercut.single_frames import speed_up
from filmagent.training.papercut.vae import pixels
from filmagent.training.papercut.world import (
    RenderedShot,
    ShotScript,
    WorldStory,
    render_frames,
    render_shot,
    sample_shot,
    sample_story,
)
from filmagent.training.papercut.world.render import FRAMES, HEIGHT, WIDTH

MI2V_SHARE, MM2V_SHARE = 0.72, 0.18
"""Most shots are learned from their first frame on: papercut opens a cut with a still and films on from it."""
CONTINUED_SHARE = {1: 0.45, 5: 0.8}
"""How many shots with so many known frames begin anywhere in a movement, as joins do; the others begin as cuts do."""
FIRST_MOMENT_SHARE = 0.65
GREY = 127.5


@dataclass(frozen=True)
class Clip:
    """One target: latents [16, T, h, w], its condition, how many latent frames of that are known, its truth."""

    latents: Tensor
    condition: Tensor | None
    known: int
    figures: Tensor
    script: ShotScript
    from_start: bool = True

    @property
    def foreseeable(self) -> bool:
        """Whether words and known frames say where everything is: what is not, is remembered but never asked for."""
        return bool(self.known) or (self.from_start and not any(part.phase for part in self.script.performances))


@dataclass(frozen=True)
class StoryLatents:
    """Stills (T = 1) and full shots of one story; any of them can be remembered while another is made."""

    stills: tuple[Clip, ...]
    shots: tuple[Clip, ...]

    def targets(self) -> tuple[Clip, ...]:
        """The clips that can be asked for: shots where there are shots."""
        return tuple(clip for clip in self.shots or self.stills if clip.foreseeable)

    def keyframes(self, without: Clip) -> list[Tensor]:
        """One-frame latents [16, h, w] of every other clip. A shot's first latent is its first frame, encoded alone."""
        return [clip.latents[:, 0] for clip in (*self.stills, *self.shots) if clip is not without]


@dataclass(frozen=True)
class Encoder:
    """A trained VAE that makes normalised latents."""

    vae: AutoencoderKLWan
    mean: Tensor
    std: Tensor

    @torch.no_grad()
    def __call__(self, video: Tensor) -> Tensor:
        """Encode clips [B, 3, F, H, W] from -1 to 1."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = self.vae.encode(video).latent_dist.mode().float()
        latents: Tensor = (found - self.mean) / self.std
        return latents


def open_encoder(folder: Path) -> Encoder:
    """The encoder of an exported VAE folder, with the statistics in its configuration."""
    vae = speed_up(AutoencoderKLWan.from_pretrained(folder).eval().requires_grad_(False))
    shape = (1, vae.config.z_dim, 1, 1, 1)
    return Encoder(
        vae, torch.tensor(vae.config.latents_mean).view(shape), torch.tensor(vae.config.latents_std).view(shape)
    )


def grey_condition(encoder: Encoder) -> Tensor:
    """What a shot is told that starts with a cut: the latents [16, T, h, w] of a grey clip."""
    return encoder(torch.zeros(1, 3, FRAMES, HEIGHT, WIDTH))[0]


def make_story(encoder: Encoder, seed: int, number: int, stills: int, shots: int) -> StoryLatents:
    """Story `number` of a seed, drawn and encoded."""
    rng = random.Random(f"{seed}/{number}")
    story = sample_story(rng)
    pictures = []
    for _ in range(stills):
        moment = 0 if rng.random() < FIRST_MOMENT_SHARE else rng.randrange(1, FRAMES)
        pictures.append((moment == 0, render_frames(sample_shot(rng, story), [moment])))
    still_clips = []
    if pictures:
        found = encoder(pixels(np.stack([picture.frames for _, picture in pictures])))
        still_clips = [
            Clip(latents.half(), None, 0, _figures(picture, 1), picture.script, first)
            for latents, (first, picture) in zip(found, pictures, strict=True)
        ]
    shot_clips = [_shot(encoder, rng, story) for _ in range(shots)]
    return StoryLatents(tuple(still_clips), tuple(shot_clips))


def _shot(encoder: Encoder, rng: random.Random, story: WorldStory) -> Clip:
    chance = rng.random()
    frames = 1 if chance < MI2V_SHARE else 5 if chance < MI2V_SHARE + MM2V_SHARE else 0
    shot = render_shot(sample_shot(rng, story, continued=rng.random() < CONTINUED_SHARE.get(frames, 0.0)))
    video = pixels(shot.frames[None])
    condition = None
    if frames:
        told = torch.cat([video[:, :, :frames], torch.zeros_like(video[:, :, frames:])], dim=2)
        condition = encoder(told)[0].half()
    figures = _figures(shot, 1 + (FRAMES - 1) // 4)
    return Clip(encoder(video)[0].half(), condition, (frames + 3) // 4, figures, shot.script)


def _figures(shot: RenderedShot, latent_frames: int) -> Tensor:
    """How much of every latent cell [T, h, w] a figure covers, from 0 to 1."""
    seen = np.zeros(shot.frames.shape[:3], dtype=np.float32)
    for mask in shot.masks.values():
        seen = np.maximum(seen, mask)
    cells = torch.from_numpy(seen).view(len(seen), HEIGHT // 8, 8, WIDTH // 8, 8).mean(dim=(2, 4))
    if latent_frames > 1:
        cells = torch.cat([cells[:1], cells[1:].view(latent_frames - 1, 4, *cells.shape[1:]).mean(dim=1)])
    return cells.half()


class StoryCache:
    """Stories number 0, 1, 2, ... of one seed and shape, made once and kept in files of `SHARD` stories."""

    SHARD = 32

    def __init__(self, folder: Path, encoder: Encoder, seed: int, stills: int, shots: int) -> None:
        self.folder = folder / f"stories-{seed}-{stills}-{shots}"
        self.encoder, self.seed, self.stills, self.shots = encoder, seed, stills, shots
        self.stories: list[StoryLatents] = []
        self._unsaved: list[StoryLatents] = []
        self._files = self._saved_shards()

    def grow(self, count: int) -> None:
        """Make sure that at least `count` stories are in memory."""
        while len(self.stories) < count:
            shard = next(self._files, None)
            if shard is not None:
                self.stories += shard
                continue
            story = make_story(self.encoder, self.seed, len(self.stories), self.stills, self.shots)
            self.stories.append(story)
            self._unsaved.append(story)
            if len(self.stories) % self.SHARD == 0:
                self._save()

    def _saved_shards(self) -> Iterator[list[StoryLatents]]:
        index = 0
        while (path := self.folder / f"{index:05d}.pt").exists():
            yield torch.load(path, weights_only=False)
            index += 1

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self.stories) // self.SHARD - 1:05d}.pt"
        beside = path.with_suffix(".part")
        kept: list[Any] = self._unsaved[-self.SHARD :]
        torch.save(kept, beside)
        beside.replace(path)
        self._unsaved = []
