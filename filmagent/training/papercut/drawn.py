"""Draws the stories that the denoiser learns from, with their truth in the grid of its latents. Knows no torch."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from filmagent.training.papercut.world import (
    FPS,
    FRAMES,
    RenderedShot,
    ShotScript,
    WorldStory,
    begins_as_at_a_cut,
    render_frames,
    sample_shot,
    sample_story,
)
from filmagent.training.papercut.world.stage import CELL, EXPOSURE

MI2V_SHARE = 0.8
"""Most shots are learned from their first picture on: papercut opens a cut with one and films on from it."""
CONTINUED_SHARE = {1: 0.3, 3: 0.8}
"""How many shots with so many known pictures begin anywhere in a movement, as joins do; the others begin as cuts do."""
FIRST_MOMENT_SHARE = 0.8
"""How many stills show a shot's first frame; only these can be asked for."""
ON_TWOS = round(EXPOSURE * FPS)
"""Frames for which a picture is shown."""
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
    """Pictures uint8 [T, H, W, 3], how many are known, the truth in cells [T, h, w] and tokens [T, h/2, w/2]."""

    frames: np.ndarray[Any, np.dtype[np.uint8]]
    known: int
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
    known = 1 if rng.random() < MI2V_SHARE else 3
    continued = rng.random() < CONTINUED_SHARE[known]
    return drawn_clip(exposures(sample_shot(rng, story, continued=continued)), known, True)


def exposures(script: ShotScript) -> RenderedShot:
    """All pictures of a shot: every one but the first is shown for two frames, as what is animated on twos is."""
    return render_frames(script, range(0, FRAMES, ON_TWOS))


def drawn_clip(shot: RenderedShot, known: int, foreseeable: bool) -> DrawnClip:
    """Rendered pictures with their truth on the grid of latents, each a latent frame of its own."""
    masks = [_cells(mask) for mask in shot.masks.values()]
    count, height, width = len(shot.frames), *(side // CELL for side in shot.frames.shape[1:3])
    empty = np.zeros((count, height, width), dtype=np.float32)
    covered = np.maximum.reduce([empty, *masks])
    return DrawnClip(shot.frames, known, covered, _who(shot, [empty, *masks]), shot.script, foreseeable)


def _cells(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """The share of each cell that the mask covers, picture by picture."""
    count, height, width = mask.shape
    cells = mask.reshape(count, height // CELL, CELL, width // CELL, CELL).mean(axis=(2, 4), dtype=np.float32)
    return np.asarray(cells, dtype=np.float32)


def _who(shot: RenderedShot, masks: list[Floats]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Per token of 2x2 cells the index of the figure that covers most of it, -1 where nobody covers enough."""
    subjects = np.array([-1, *shot.masks], dtype=np.int8)
    stacked = np.stack(masks)
    parts, frames, height, width = stacked.shape
    tokens = stacked.reshape(parts, frames, height // 2, 2, width // 2, 2).mean(axis=(3, 5))
    tokens[0] = HALF_COVERED
    return np.asarray(subjects[tokens.argmax(axis=0)])
