"""Small synthetic clips, and a run folder with a finished film of three shots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from filmagent.generation.port import Frames


def make_clip(frames: int = 6, width: int = 64, height: int = 48, seed: int = 0) -> Frames:
    """A disc that crosses a coloured gradient."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ground = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, rng.integers(40, 200))], axis=-1)
    video = np.repeat(ground[None], frames, axis=0).astype(np.uint8)
    colour = rng.integers(0, 255, 3)
    for index in range(frames):
        video[index][(x - 10 - 6 * index) ** 2 + (y - height // 2) ** 2 < 80] = colour
    return video


@pytest.fixture
def clip() -> Callable[..., Frames]:
    """Makes clips: `clip(frames, width, height, seed)`."""
    return make_clip


@pytest.fixture
def empty_run(tmp_path: Path) -> Path:
    """An empty run folder."""
    return tmp_path / "run"
