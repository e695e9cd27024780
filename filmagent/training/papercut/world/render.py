"""Turns a shot's script into frames and the exact mask of every figure. Invents nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import aggdraw
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from filmagent.training.papercut.world.cast import draw_figure, draw_prop
from filmagent.training.papercut.world.motion import place_at
from filmagent.training.papercut.world.palette import FIGURE_LIGHT
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places import draw_place, draw_weather
from filmagent.training.papercut.world.poses import pose_at
from filmagent.training.papercut.world.script import Performance, ShotScript
from filmagent.training.papercut.world.stage import CELL, FPS, FRAMES, HEIGHT, WIDTH, Stage

SHADOW = 0.34
TALL, TALLER = 1 / 3, 1.2
"""Height of a figure of middle size in frame heights, in a wide shot of three, and how much taller it is one step on.

One step is a closer shot, one figure less in frame, or the next build. So few heights, and marks to stand on that lie
on the grid of latents, make few pictures of every kind and pose: a figure that is moved by two pixels shares 0.6 of its
latents' variance with what it was, one that is moved by four pixels nothing. The tallest, a big horse in a hat, is 1.4
times as tall.
"""
_SIZE_STEPS = {"wide": 0, "medium": 1, "close": 2}
_BUILD_STEPS = {"small": -1, None: 0, "big": 1}
_FEET = {"wide": 0.125, "medium": 0.125, "close": 0.0625}
"""Frame heights from the lower edge: whole latents."""
_PROP_X, _PROP_TALL = 0.5, 0.5


@dataclass(frozen=True)
class RenderedShot:
    """Frames uint8 [F, 128, 224, 3] and, by subject index, where it is seen: bool [F, 128, 224]."""

    frames: NDArray[np.uint8]
    masks: dict[int, NDArray[np.bool_]]
    script: ShotScript


@dataclass(frozen=True)
class Standing:
    """Where a figure stands: x of its middle and y of its feet in frame widths and heights, its height in the same."""

    x: float
    feet: float
    height: float


def standing(script: ShotScript, part: Performance, seconds: float = 0.0) -> Standing:
    """Where somebody stands `seconds` into a shot, before the camera moves."""
    steps = height_steps(script.size, len(script.performances), script.figures[part.subject].build)
    return Standing(place_at(script, part, seconds), 1 - _FEET[script.size], TALL * TALLER**steps)


def height_steps(size: str, company: int, build: str | None) -> int:
    """How many steps of `TALLER` a figure of this build is above `TALL`, as one of `company` in a shot of this size."""
    return _SIZE_STEPS[size] + 3 - company + _BUILD_STEPS[build]


def seen_at(script: ShotScript, part: Performance, seconds: float = 0.0) -> float:
    """Where in the frame somebody's middle is seen `seconds` into a shot, in frame widths from its left edge."""
    return _across(Stage(script.size, script.camera, seconds), place_at(script, part, seconds))


def _across(stage: Stage, x: float) -> float:
    """Where in the frame the camera shows what stands at `x`, both in frame widths."""
    return 0.5 + (x - 0.5) * stage.push() - stage.slide() / WIDTH


def steps_taller(script: ShotScript, part: Performance, seconds: float = 0.0) -> float:
    """How many steps of `TALLER` somebody is above `TALL`, as the camera shows it `seconds` into a shot."""
    shown = standing(script, part, seconds).height * Stage(script.size, script.camera, seconds).push()
    return math.log(shown / TALL) / math.log(TALLER)


def render_shot(script: ShotScript, frames: int = FRAMES) -> RenderedShot:
    """All frames of a shot from its beginning."""
    return render_frames(script, range(frames))


def render_frames(script: ShotScript, indices: Sequence[int]) -> RenderedShot:
    """Chosen frames of a shot: a still is a shot of one frame."""
    pictures = []
    masks: dict[int, list[NDArray[np.bool_]]] = {part.subject: [] for part in script.performances}
    place: Image.Image | None = None
    for index in indices:
        stage = Stage(script.size, script.camera, index / FPS)
        if place is None or script.camera != "still":
            place = draw_place(script.setting, script.time, script.weather, stage)
        picture, seen = _frame(script, place, stage)
        pictures.append(np.asarray(picture))
        for subject, mask in seen.items():
            masks[subject].append(np.asarray(mask) > 127)
    stacked = {subject: np.stack(found) for subject, found in masks.items()}
    return RenderedShot(np.stack(pictures), stacked, script)


def _frame(script: ShotScript, place: Image.Image, stage: Stage) -> tuple[Image.Image, dict[int, Image.Image]]:
    picture = place.copy()
    seen: dict[int, Image.Image] = {}
    for part in script.performances:
        mask = silhouette(script, part, stage)
        _throw_shadow(picture, mask)
        paint(script, part, stage, picture)
        seen = {earlier: ImageChops.subtract(other, mask) for earlier, other in seen.items()}
        seen[part.subject] = mask
    if script.prop:
        _draw_prop(script, stage, picture)
    return draw_weather(picture, script.setting, script.weather, stage), seen


def _throw_shadow(picture: Image.Image, mask: Image.Image) -> None:
    shadow = ImageChops.offset(mask, 3, 3).filter(ImageFilter.BoxBlur(1)).point(lambda value: int(value * SHADOW))
    picture.paste((12, 14, 26), (0, 0), shadow)


def silhouette(script: ShotScript, part: Performance, stage: Stage) -> Image.Image:
    """Where a figure is seen when nobody stands in front of it: a picture of grey levels."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    canvas = aggdraw.Draw(mask)
    _draw_part(script, part, stage, canvas, silhouette=True)
    canvas.flush()
    return mask


def paint(script: ShotScript, part: Performance, stage: Stage, picture: Image.Image) -> None:
    """Lay a figure on a picture, without its shadow."""
    canvas = aggdraw.Draw(picture)
    _draw_part(script, part, stage, canvas, silhouette=False)
    canvas.flush()


def _draw_part(script: ShotScript, part: Performance, stage: Stage, canvas: aggdraw.Draw, silhouette: bool) -> None:
    there = standing(script, part, stage.seconds)
    pen = _on_stage(script, stage, canvas, there.x, there.height, part.facing, silhouette)
    pose = pose_at(part.action, stage.seconds, part.phase)
    tall = there.height * HEIGHT
    # Who jumps is whole latent cells above the ground.
    pose = replace(pose, lift=math.ceil(pose.lift * tall / CELL) * CELL / tall)
    draw_figure(pen, script.figures[part.subject], pose, part.prop)


def _draw_prop(script: ShotScript, stage: Stage, picture: Image.Image) -> None:
    mask = Image.new("L", picture.size)
    for target, silhouette in ((mask, True), (picture, False)):
        if not silhouette:
            _throw_shadow(picture, mask)
        canvas = aggdraw.Draw(target)
        # Alone it is the picture's subject; beside figures it lies small in front of them.
        tall = _PROP_TALL * (1.9 if not script.performances else 0.8)
        x = _PROP_X if len(script.performances) != 1 else 0.8
        draw_prop(_on_stage(script, stage, canvas, x, tall, 1, silhouette), str(script.prop))
        canvas.flush()


def _on_stage(
    script: ShotScript, stage: Stage, canvas: aggdraw.Draw, x: float, height: float, facing: int, silhouette: bool
) -> Pen:
    """A pen for something `height` frame heights tall that stands at `x` frame widths; the camera moves it."""
    push = stage.push()
    feet = (1 - _FEET[script.size]) * HEIGHT
    return Pen(
        canvas,
        origin=(_across(stage, x) * WIDTH, feet),
        scale=height * push * HEIGHT,
        light=FIGURE_LIGHT[script.time],
        facing=facing,
        silhouette=silhouette,
    )
