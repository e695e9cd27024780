"""Draws the stories that the denoiser learns from, with their truth in the grid of its latents. Knows no torch."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from filmagent.training.papercut.world import (
    FRAMES,
    RenderedShot,
    ShotScript,
    WorldStory,
    begins_as_at_a_cut,
    render_frames,
    render_shot,
    sample_shot,
    sample_story,
)
from filmagent.training.papercut.world.stage import CELL

MI2V_SHARE, MM2V_SHARE = 0.72, 0.18
"""Most shots are learned from their first frame on: papercut opens a cut with a still and films on from it."""
CONTINUED_SHARE = {1: 0.3, 5: 0.8}
"""How many shots with so many known frames begin anywhere in a movement, as joins do; the others begin as cuts do."""
FIRST_MOMENT_SHARE = 0.8
"""How many stills show a shot's first frame; only these can be asked for."""
HALF_COVERED = 0.35
"""From this share of its area on, a token is counted as the figure's."""

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class StoryShape:
    """How many clips a story is drawn with."""

    stills: int
    shots: int


@dataclass(frozen=True)
class DrawnClip:
    """Frames uint8 [F, H, W, 3], how many of them are told, the truth in cells [T, h, w] and tokens [T, h/2, w/2]."""

    frames: np.ndarray[Any, np.dtype[np.uint8]]
    told: int
    covered: Floats
    who: np.ndarray[Any, np.dtype[np.int8]]
    script: ShotScript
    foreseeable: bool


@dataclass(frozen=True)
class DrawnStory:
    """The clips of one story."""

    stills: tuple[DrawnClip, ...]
    shots: tuple[DrawnClip, ...]


def draw_story(seed: int, number: int, shape: StoryShape) -> DrawnStory:
    """Story `number` of a seed."""
    rng = random.Random(f"{seed}/{number}")
    story = sample_story(rng)
    stills = tuple(_still(rng, story) for _ in range(shape.stills))
    return DrawnStory(stills, tuple(_shot(rng, story) for _ in range(shape.shots)))


def _still(rng: random.Random, story: WorldStory) -> DrawnClip:
    first = rng.random() < FIRST_MOMENT_SHARE
    script = sample_shot(rng, story)
    picture = render_frames(script, [0 if first else rng.randrange(1, FRAMES)])
    return drawn_clip(picture, 0, first and begins_as_at_a_cut(script))


def _shot(rng: random.Random, story: WorldStory) -> DrawnClip:
    chance = rng.random()
    told = 1 if chance < MI2V_SHARE else 5 if chance < MI2V_SHARE + MM2V_SHARE else 0
    continued = rng.random() < CONTINUED_SHARE.get(told, 0.0)
    return drawn_clip(render_shot(sample_shot(rng, story, continued=continued)), told, True)


def drawn_clip(shot: RenderedShot, told: int, foreseeable: bool) -> DrawnClip:
    """A rendered shot with its truth on the grid of latents."""
    latent_frames = 1 + (len(shot.frames) - 1) // 4
    masks = [_cells(mask, latent_frames) for mask in shot.masks.values()]
    height, width = (side // CELL for side in shot.frames.shape[1:3])
    empty = np.zeros((latent_frames, height, width), dtype=np.float32)
    covered = np.maximum.reduce([empty, *masks])
    return DrawnClip(shot.frames, told, covered, _who(shot, [empty, *masks]), shot.script, foreseeable)


def _cells(mask: np.ndarray[Any, np.dtype[np.bool_]], latent_frames: int) -> Floats:
    """The share of each cell that the mask covers, averaged over the frames of a latent frame: 1, then 4 at a time."""
    count, height, width = mask.shape
    cells = mask.reshape(count, height // CELL, CELL, width // CELL, CELL).mean(axis=(2, 4), dtype=np.float32)
    if latent_frames == 1:
        return np.asarray(cells[:1])
    later = cells[1:].reshape(latent_frames - 1, 4, *cells.shape[1:]).mean(axis=1)
    return np.concatenate([cells[:1], later]).astype(np.float32)


def _who(shot: RenderedShot, masks: list[Floats]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Per token of 2x2 cells the index of the figure that covers most of it, -1 where nobody covers enough."""
    subjects = np.array([-1, *shot.masks], dtype=np.int8)
    stacked = np.stack(masks)
    parts, frames, height, width = stacked.shape
    tokens = stacked.reshape(parts, frames, height // 2, 2, width // 2, 2).mean(axis=(3, 5))
    tokens[0] = HALF_COVERED
    return np.asarray(subjects[tokens.argmax(axis=0)])
