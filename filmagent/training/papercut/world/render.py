"""Turns a shot's script into frames and the exact mask of every figure. Invents nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from filmagent.generation.papercut.vocabulary import MOVING_ACTIONS
from filmagent.training.papercut.world.cast import draw_figure
from filmagent.training.papercut.world.palette import FIGURE_LIGHT
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places import draw_place
from filmagent.training.papercut.world.poses import pose_at
from filmagent.training.papercut.world.story import Performance, ShotScript

HEIGHT, WIDTH, FRAMES, FPS = 96, 160, 17, 8
SUPERSAMPLING = 2
SHADOW = 0.34

_ZOOM = {"wide": 1.0, "medium": 1.25, "close": 1.6}
_TALL = {"wide": 0.5, "medium": 0.65, "close": 0.8}
_TALL_IN_PAIR = {"wide": 0.48, "medium": 0.57, "close": 0.66}
_FEET = {"wide": 0.14, "medium": 0.1, "close": 0.05}
_SPEED = {"walks": 0.11, "runs": 0.18}
_SPEED_IN_PAIR = {"walks": 0.04, "runs": 0.06}
_EDGE = 0.14


@dataclass(frozen=True)
class RenderedShot:
    """Frames uint8 [F, 96, 160, 3] and, by subject index, where it is seen: bool [F, 96, 160]."""

    frames: NDArray[np.uint8]
    masks: dict[int, NDArray[np.bool_]]
    script: ShotScript


def render_shot(script: ShotScript, frames: int = FRAMES) -> RenderedShot:
    """All frames of a shot from its beginning."""
    return render_frames(script, range(frames))


def render_frames(script: ShotScript, indices: range | list[int]) -> RenderedShot:
    """Chosen frames of a shot: a still is a shot of one frame."""
    size = (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING)
    place = draw_place(script.place, script.time, _ZOOM[script.size], size)
    pictures = []
    masks: dict[int, list[NDArray[np.bool_]]] = {part.subject: [] for part in script.performances}
    for index in indices:
        picture, seen = _frame(script, place, index / FPS)
        pictures.append(np.asarray(picture.reduce(SUPERSAMPLING)))
        for subject, mask in seen.items():
            masks[subject].append(np.asarray(mask.reduce(SUPERSAMPLING)) > 127)
    stacked = {subject: np.stack(found) for subject, found in masks.items()}
    return RenderedShot(np.stack(pictures), stacked, script)


def _frame(script: ShotScript, place: Image.Image, seconds: float) -> tuple[Image.Image, dict[int, Image.Image]]:
    picture = place
    seen: dict[int, Image.Image] = {}
    for part in script.performances:
        layer = _figure_layer(script, part, seconds, place.size)
        alpha = layer.getchannel("A")
        shadow = ImageChops.offset(alpha, 5, 5).filter(ImageFilter.BoxBlur(2)).point(lambda value: int(value * SHADOW))
        picture = Image.composite(Image.new("RGB", place.size, (12, 14, 26)), picture, shadow)
        picture = Image.composite(layer.convert("RGB"), picture, alpha)
        seen = {earlier: ImageChops.subtract(mask, alpha) for earlier, mask in seen.items()}
        seen[part.subject] = alpha
    return picture, seen


def _figure_layer(script: ShotScript, part: Performance, seconds: float, size: tuple[int, int]) -> Image.Image:
    figure = script.figures[part.subject]
    pair = len(script.performances) > 1
    speed = (_SPEED_IN_PAIR if pair else _SPEED)[part.action] if part.action in MOVING_ACTIONS else 0.0
    x = part.x + part.facing * speed * seconds
    x = max(min(x, max(part.x, 1 - _EDGE)), min(part.x, _EDGE))
    layer = Image.new("RGBA", size)
    pen = Pen(
        draw=ImageDraw.Draw(layer),
        origin=(x * size[0], (1 - _FEET[script.size]) * size[1]),
        scale=(_TALL_IN_PAIR if pair else _TALL)[script.size] * size[1],
        light=FIGURE_LIGHT[script.time],
        facing=part.facing,
    )
    draw_figure(pen, figure.kind, figure.colour, figure.scarf, pose_at(part.action, seconds, part.phase))
    return layer
