"""Films that tests draw: a red square and a yellow one wander over flat grounds; cuts, black and still parts are known.

Every frame carries its number as white bars along the top edge, so that a clip's frames can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from filmagent.delivery.video import write_video

WIDTH, HEIGHT, FPS = 160, 96, 12
BITS = 10
RED, YELLOW = (220, 30, 30), (235, 220, 40)


@dataclass(frozen=True)
class Stretch:
    """One shot, or a flaw."""

    seconds: float
    ground: tuple[int, int, int] = (0, 0, 0)
    red: int = 0
    """Side of the red square in pixels; 0: it is not there."""
    yellow: int = 0
    still: bool = False
    text: bool = False

    @property
    def frames(self) -> int:
        return round(self.seconds * FPS)


FILM = (
    Stretch(2, (70, 90, 120), red=20),
    Stretch(2, (40, 120, 60), red=36, yellow=24),
    Stretch(1),
    Stretch(2, (110, 60, 130), red=28),
    Stretch(2, (120, 110, 90), red=16, still=True),
    Stretch(2, (50, 60, 60), red=24, text=True),
    Stretch(4, (150, 120, 70), red=30, yellow=40),
)
"""Shots of 2 s and one of 4 s; black from 4 to 5 s, still from 7 to 9 s, with subtitles from 9 to 11 s."""


def draw(stretches: tuple[Stretch, ...] = FILM) -> np.ndarray:
    frames, number = [], 0
    for stretch in stretches:
        for step in range(stretch.frames):
            frames.append(_frame(stretch, 0 if stretch.still else step, number))
            number += 1
    return np.stack(frames)


def write_film(path: Path, stretches: tuple[Stretch, ...] = FILM) -> Path:
    write_video(draw(stretches), path, FPS)
    return path


def number_of(frame: np.ndarray) -> int:
    """Read the number that is drawn into a frame of any size."""
    height, width = frame.shape[:2]
    row = frame[round(2.5 * height / HEIGHT)]
    cells = [row[round((bit * 8 + 4) * width / WIDTH)].mean() > 128 for bit in range(BITS)]
    return sum(1 << bit for bit, lit in enumerate(cells) if lit)


def _frame(stretch: Stretch, step: int, number: int) -> np.ndarray:
    image = Image.new("RGB", (WIDTH, HEIGHT), stretch.ground)
    pen = ImageDraw.Draw(image)
    if stretch.red:
        pen.rectangle(_square(stretch.red, 8 + step * 2, 20 + step), fill=RED)
    if stretch.yellow:
        pen.rectangle(_square(stretch.yellow, 150 - stretch.yellow - step, 40), fill=YELLOW)
    if stretch.text:
        pen.rectangle((30, 84, 130, 91), fill=(255, 255, 255))
    if stretch.ground != (0, 0, 0) and not stretch.still:
        for bit in range(BITS):
            lit = number >> bit & 1
            pen.rectangle((bit * 8, 0, bit * 8 + 7, 5), fill=(250, 250, 250) if lit else (0, 0, 0))
    return np.asarray(image)


def _square(side: int, left: int, top: int) -> tuple[int, int, int, int]:
    left, top = left % (WIDTH - side), min(top, HEIGHT - side - 14)
    return (left, top, left + side - 1, top + side - 1)
