"""How much of a figure's pattern a picture shows: a vest, a body that lies, or somebody in front may hide it.

Knows no reader and decides nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from filmagent.training.papercut.world.render import paint, silhouette
from filmagent.training.papercut.world.script import Performance, ShotScript
from filmagent.training.papercut.world.stage import HEIGHT, WIDTH, Stage

STAND_IN = ("spots", "black")
"""Drawn on plain figures, to see whether anybody could have seen a pattern there."""
CHANGED = 25
"""Levels of 255 by which a pixel differs, at least, where a pattern shows."""


def pattern_pixels(script: ShotScript, part: Performance, seconds: float = 0.0) -> int:
    """Pixels that would look otherwise without this figure's pattern; on a plain one, with spots."""
    figure = script.figures[part.subject]
    if figure.pattern is None:
        twin = replace(figure, pattern=STAND_IN[0], pattern_colour=STAND_IN[1])
    else:
        twin = replace(figure, pattern=None, pattern_colour=None)
    figures = tuple(twin if subject == part.subject else each for subject, each in enumerate(script.figures))
    stage = Stage(script.size, script.camera, seconds)
    changed = np.abs(_painted(script, part, stage) - _painted(replace(script, figures=figures), part, stage))
    seen = changed.max(axis=-1) > CHANGED
    for other in script.performances[script.performances.index(part) + 1 :]:
        seen &= np.asarray(silhouette(script, other, stage)) < 128
    return int(seen.sum())


def _painted(script: ShotScript, part: Performance, stage: Stage) -> NDArray[np.int16]:
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    paint(script, part, stage, picture)
    return np.asarray(picture, np.int16)
