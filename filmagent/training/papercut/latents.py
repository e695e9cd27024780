"""Keeps stories of the papercut world as latents, on disk and in memory. Knows no denoiser.

Story number n is a function of the seed and n alone, so that a cache can grow, be lost and be made again unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.wan.compute.quick_vae import speed_up
from filmagent.generation.wan.config import UnknownShows
from filmagent.generation.wan.denoising.unknown import told_clip
from filmagent.generation.wan.library import AutoencoderKLWan
from filmagent.training.papercut.drawn import DrawnClip, DrawnStory, StoryShape, draw_story
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.vae import pixels
from filmagent.training.papercut.world import HEIGHT, WIDTH, Setting, ShotScript

UNKNOWN_SHOWS: UnknownShows = "stage"
ROUNDING = 0.02
"""Mean difference, in standard deviations, that numbers of threads and precisions may make between equal latents."""


_CALM = frozenset({"sits", "sleeps", "looks", "meets"})
"""What is done in one spot, by breathing and turning a head."""


@dataclass(frozen=True)
class Clip:
    """One target: a picture, or the pictures of a shot, each encoded alone; how many are known, and their truth."""

    latents: Tensor
    """[16, T, h, w]."""
    known: int
    covered: Tensor
    """How much of every latent cell [T, h, w] figures cover, from 0 to 1."""
    who: Tensor
    """Which figure of the script covers most of every token [T, h/2, w/2], int8; -1 is none."""
    script: ShotScript
    foreseeable: bool = True
    """Whether words and known frames say where everything is: what is not, is remembered but never asked for."""

    @property
    def keyframe(self) -> Keyframe:
        """Its first picture, as memory keeps it."""
        return Keyframe(self.latents[:, 0], self.who[0], self.script.setting)

    @property
    def figures_shown(self) -> int:
        """How many figures are in it."""
        return len(self.script.performances)

    @property
    def moves(self) -> bool:
        """Whether this is a shot in which somebody goes somewhere, jumps, waves or eats, or the camera moves."""
        acts = any(part.action not in _CALM for part in self.script.performances)
        return self.latents.shape[1] > 1 and (acts or self.script.camera != "still")


@dataclass(frozen=True)
class Keyframe:
    """What a shot leaves in memory: its first picture [16, h, w], who is in it [h/2, w/2], and where that is."""

    latents: Tensor
    who: Tensor
    setting: Setting


@dataclass(frozen=True)
class StoryLatents:
    """Stills (T = 1) and shots (all pictures) of one story; any of them can be remembered while another is made."""

    stills: tuple[Clip, ...]
    shots: tuple[Clip, ...]

    def targets(self) -> tuple[Clip, ...]:
        """The pictures that can be asked for."""
        return tuple(clip for clip in self.stills if clip.foreseeable)

    def keyframes(self, without: Clip) -> list[Keyframe]:
        """The keyframes of every other clip."""
        return [clip.keyframe for clip in (*self.stills, *self.shots) if clip is not without]


@dataclass(frozen=True)
class Encoder:
    """A trained VAE that makes normalised latents."""

    vae: AutoencoderKLWan
    mean: Tensor
    std: Tensor

    @torch.no_grad()
    def __call__(self, video: Tensor) -> Tensor:
        """Encode clips [B, 3, F, H, W] from -1 to 1; the latents lie where the VAE lies."""
        video = video.to(self.mean.device)
        with autocast(video.device):
            found = self.vae.encode(video).latent_dist.mode().float()
        latents: Tensor = (found - self.mean) / self.std
        return latents


def open_encoder(folder: Path, device: str = "cpu") -> Encoder:
    """The encoder of an exported VAE folder, with the statistics in its configuration.

    Raises:
        ModelFilesError: there is no VAE in the folder.
    """
    if not (folder / "config.json").is_file():
        raise ModelFilesError(
            f"{folder} holds no VAE: train one with `filmagent train papercut vae`, or take one that there is by "
            "`--from-weights FOLDER --minutes 0`"
        )
    vae = AutoencoderKLWan.from_pretrained(folder).eval().requires_grad_(False).float()
    vae = speed_up(vae) if device == "cpu" else vae.to(device)
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean, std = vae.config.latents_mean, vae.config.latents_std
    return Encoder(vae, *(torch.tensor(each, device=device).view(shape) for each in (mean, std)))


def unknown_condition(encoder: Encoder) -> Tensor:
    """What is told of a picture that begins a cut: the latents [16, 1, h, w] of an unknown one, on the CPU."""
    return encoder(told_clip(UNKNOWN_SHOWS, torch.zeros(1, 3, 0, HEIGHT, WIDTH), 1))[0].cpu()


def encode_story(encoder: Encoder, drawn: DrawnStory) -> StoryLatents:
    """Latents of a drawn story, in half precision on the CPU."""
    stills: tuple[Clip, ...] = ()
    if drawn.stills:
        video = torch.cat([pixels(still.frames[None]) for still in drawn.stills])
        found = encoder(video).half().cpu()
        stills = tuple(_clip(still, latents) for still, latents in zip(drawn.stills, found, strict=True))
    return StoryLatents(stills, tuple(encode_shot(encoder, shot) for shot in drawn.shots))


def encode_shot(encoder: Encoder, drawn: DrawnClip) -> Clip:
    """Latents of a drawn shot's pictures, in half precision on the CPU."""
    return _clip(drawn, encoder(pixels(drawn.frames[:, None]))[:, :, 0].transpose(0, 1).half().cpu())


def _clip(drawn: DrawnClip, latents: Tensor) -> Clip:
    return Clip(
        latents=latents,
        known=drawn.known,
        covered=torch.from_numpy(drawn.covered).half(),
        who=torch.from_numpy(drawn.who),
        script=drawn.script,
        foreseeable=drawn.foreseeable,
    )


def same_story(one: StoryLatents, other: StoryLatents) -> bool:
    """Whether two stories were drawn and encoded alike, but for rounding."""
    clips = [(*story.stills, *story.shots) for story in (one, other)]
    return all(len(each) == len(clips[0]) for each in clips) and all(
        first.script == second.script
        and first.foreseeable == second.foreseeable
        and _alike(first.latents, second.latents)
        for first, second in zip(*clips, strict=True)
    )


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and float((one.float() - other.float()).abs().mean()) < ROUNDING


class StoryCache:
    """Stories number 0, 1, 2, ... of one seed and shape, made once and kept in files of `SHARD` stories."""

    SHARD = 32

    def __init__(self, folder: Path, encoder: Encoder, seed: int, shape: StoryShape, workers: int = 0) -> None:
        """Open the cache in `folder`; `workers` processes draw ahead, 0 draws in this one.

        Raises, when stories are asked for, UsageError if those that are kept were made by another world or VAE.
        """
        self.folder = folder / f"stories-{seed}-{shape.stills}-{shape.shots}"
        self.encoder, self.seed, self.shape = encoder, seed, shape
        self.stories: list[StoryLatents] = []
        self._unsaved: list[StoryLatents] = []
        self._files = self._saved_shards()
        self._pool = ProcessPoolExecutor(workers) if workers else None

    def grow(self, count: int) -> None:
        """Make sure that at least `count` stories are in memory."""
        while len(self.stories) < count:
            shard = next(self._files, None)
            if shard is not None:
                self.stories += shard
                continue
            for drawn in self._drawn(count - len(self.stories)):
                story = encode_story(self.encoder, drawn)
                self.stories.append(story)
                self._unsaved.append(story)
                if len(self.stories) % self.SHARD == 0:
                    self._save()

    def _made(self, number: int) -> StoryLatents:
        return encode_story(self.encoder, draw_story(self.seed, number, self.shape))

    def _drawn(self, count: int) -> Iterator[DrawnStory]:
        first = len(self.stories)
        numbers = range(first, first + count)
        if self._pool is None:
            return (draw_story(self.seed, number, self.shape) for number in numbers)
        return self._pool.map(draw_story, [self.seed] * count, numbers, [self.shape] * count, chunksize=4)

    def _saved_shards(self) -> Iterator[list[StoryLatents]]:
        index = 0
        while (path := self.folder / f"{index:05d}.pt").exists():
            shard: list[StoryLatents] = torch.load(path, weights_only=False)
            if index == 0 and not same_story(shard[0], self._made(0)):
                raise UsageError(
                    f"{str(self.folder)!r} holds stories that another release drew, or another VAE encoded: delete the "
                    "folder, and they are made again"
                )
            yield shard
            index += 1

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self.stories) // self.SHARD - 1:05d}.pt"
        beside = path.with_suffix(".part")
        kept: list[Any] = self._unsaved[-self.SHARD :]
        torch.save(kept, beside)
        beside.replace(path)
        self._unsaved = []
