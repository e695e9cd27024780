"""Draws what a person looks at to judge a training: a sheet of sampled shots and the curve of the loss.

Knows no training; shots are sampled by the same generator that films.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.training.papercut.captions import caption
from filmagent.training.papercut.world import (
    FORMS,
    FRAMES,
    HEIGHT,
    WIDTH,
    ShotScript,
    render_frames,
    sample_shot,
    sample_story,
    tell_story,
)
from filmagent.training.papercut.world.forms import LEAST_SHOTS

_COLOURS = {"stills": (66, 118, 216), "shots": (214, 46, 48), "l1": (38, 156, 84)}


@dataclass(frozen=True)
class SheetRow:
    """What one row shows: remembered shots, the shots to make, and whether sentences name colours."""

    remembered: tuple[ShotScript, ...]
    wanted: tuple[ShotScript, ...]
    with_colours: bool


def held_out_rows(count: int, seed: int = 11) -> list[SheetRow]:
    """Rows of stories that no training seed makes; every second one without memory, its colours in the words."""
    rng = random.Random(f"sheet {seed}")
    rows: list[SheetRow] = []
    while len(rows) < count:
        story = sample_story(rng)
        shots = [sample_shot(rng, story) for _ in range(20)]
        busy = [shot for shot in shots if shot.performances]
        whole = [shot for shot in busy if len(shot.performances) == len(story.figures)]
        if len(whole) < 2 or len(busy) < 5:
            continue
        remembered = tuple(whole[:2])
        wanted = tuple(shot for shot in busy if shot not in remembered)[:3]
        rows.append(SheetRow(remembered if len(rows) % 3 != 2 else (), wanted, len(rows) % 3 == 2))
    return rows


def world_sheet(seed: int = 4, columns: int = 6) -> Image.Image:
    """The world as it is drawn: a row a story form, the middle frames of each story's first shots."""
    rng = random.Random(seed)
    rows = []
    for form in sorted(FORMS):
        shots = tell_story(rng, form, max(LEAST_SHOTS, columns)).shots[:columns]
        frames = [render_frames(shot.script, [FRAMES // 2]).frames[0] for shot in shots]
        framed = [np.pad(frame, ((3, 3), (3, 3), (0, 0)), constant_values=250) for frame in frames]
        rows.append(np.concatenate(framed, axis=1))
    return Image.fromarray(np.concatenate(rows))


def sample_sheet(weights: Path, rows: Sequence[SheetRow]) -> Image.Image:
    """Per row: two remembered keyframes, then for every wanted shot the true frame and three sampled ones."""
    generator = PapercutGenerator(papercut_config(weights))
    rng = random.Random(0)
    lines = []
    for number, row in enumerate(rows):
        memory = [render_frames(script, [8]).frames[0] for script in row.remembered]
        blank = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
        cells = [*memory, *[blank] * (2 - len(memory))]
        for script in row.wanted:
            request = GenerationRequest(
                prompt=caption(script, rng, with_attributes=row.with_colours),
                link="scene_cut",
                seed=number,
                size=FrameSize(WIDTH, HEIGHT),
                frames=FRAMES,
                memory=tuple(memory),
            )
            made = generator.generate(request).frames
            cells += [render_frames(script, [8]).frames[0], made[0], made[8], made[16]]
        lines.append(np.concatenate(cells, axis=1))
    return Image.fromarray(np.concatenate(lines))


def _history(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def curve(log: Path, names: Sequence[str], size: tuple[int, int] = (640, 240)) -> Image.Image:
    """The named values of a training log over its minutes."""
    history = [line for line in _history(log) if any(name in line for name in names)]
    image = Image.new("RGB", size, (255, 255, 255))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = 48, 14, size[0] - 12, size[1] - 26
    values: NDArray[np.float64] = np.array([line[name] for line in history for name in names if name in line] or [1.0])
    low, high = float(values.min()), float(np.quantile(values, 0.97))
    longest = max((line["seconds"] for line in history), default=1.0) or 1.0
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        draw.line([(left, y), (right, y)], fill=(224, 224, 224))
        draw.text((4, y - 6), f"{low + share * (high - low):.3f}", fill=(60, 60, 60))
        draw.text(
            (left + share * (right - left) - 20, bottom + 6), f"{share * longest / 60:.0f} min", fill=(60, 60, 60)
        )
    for index, name in enumerate(names):
        points = [
            (
                left + line["seconds"] / longest * (right - left),
                bottom - (min(line[name], high) - low) / max(high - low, 1e-9) * (bottom - top),
            )
            for line in history
            if name in line
        ]
        if len(points) > 1:
            draw.line(points, fill=_COLOURS.get(name, (0, 0, 0)), width=2)
        draw.text((right - 90 * (index + 1), top - 12), name, fill=_COLOURS.get(name, (0, 0, 0)))
    return image
