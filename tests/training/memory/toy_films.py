"""Tiny films of the papercut world and a tiny Wan base: what a memory is trained on in tests."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from filmagent.artifacts import sha256_of_array
from filmagent.generation.port import Frames, FrameSize
from filmagent.generation.port import Image as Picture
from filmagent.generation.trained.bases import Base
from filmagent.training.memory.settings import MemoryTraining
from filmagent.training.papercut.world import FPS, ToldStory, render_shot, tell_story
from tests.support.tiny_wan import build_tiny_wan, tiny_config

SIZE = FrameSize(32, 32)
SHOT_FRAMES = 6


@dataclass(frozen=True)
class ToyShot:
    """A shot of the papercut world, drawn when it is asked for."""

    story: ToldStory
    index: int

    @property
    def prompt(self) -> str:
        """In words that the tiny base mostly knows."""
        return f"global caption: [Animal A]: red; shot caption: cat walks {self.index}"

    @property
    def revision(self) -> str:
        """Hash of its frames."""
        return sha256_of_array(self._all)

    @property
    def frame_count(self) -> int:
        """Always the same."""
        return SHOT_FRAMES

    @cached_property
    def _all(self) -> Frames:
        drawn = render_shot(self.story.shots[self.index].script, SHOT_FRAMES).frames
        return np.stack([np.asarray(Image.fromarray(frame).resize((SIZE.width, SIZE.height))) for frame in drawn])

    def frames(self, first: int, count: int) -> Frames:
        """Draw frames."""
        assert first + count <= SHOT_FRAMES
        return self._all[first : first + count]


@dataclass(frozen=True)
class ToyTarget:
    """The first frame of a shot."""

    of: ToyShot

    caption = "[Animal A] red cat"

    @property
    def shot(self) -> int:
        """Index of the shot."""
        return self.of.index

    def picture(self) -> Picture:
        """Draw it."""
        return self.of.frames(0, 1)[0]


@dataclass(frozen=True)
class ToyFilm:
    """A told story as a film."""

    name: str
    shots: tuple[ToyShot, ...]
    targets: tuple[ToyTarget, ...]

    @property
    def source(self) -> str:
        """A story of its own."""
        return self.name


@cache
def toy_films(count: int = 3, shots: int = 4, *, with_targets: bool = True) -> list[ToyFilm]:
    """Return films of the papercut world; the same ones for the same arguments, so that each is drawn once."""
    films = []
    for number in range(count):
        story = tell_story(random.Random(number), "main subject", shots)
        made = tuple(ToyShot(story, index) for index in range(shots))
        films.append(ToyFilm(f"film-{number}", made, tuple(map(ToyTarget, made)) if with_targets else ()))
    return films


def toy_base(folder: Path, *, experts: int = 2, seed: int = 0) -> Base:
    """Write a tiny Wan folder and return it as a base."""
    return opened_base(build_tiny_wan(folder, experts=experts, seed=seed), experts=experts)


def opened_base(folder: Path, *, experts: int = 2) -> Base:
    """Return such a folder as a base."""
    config = tiny_config(folder, experts=experts)
    config = replace(config, fps=FPS, sampling=replace(config.sampling, max_sequence_length=40))
    return Base("tiny-wan", config, rank=4, rate=1e-3, batch=1, checkpointed=True, eyes="tiny-wan")


def toy_settings(**changes: object) -> MemoryTraining:
    """Return settings of a short training."""
    given = {
        "policy": "storymem",
        "expert": "high_noise",
        "size": SIZE,
        "frames": 5,
        "rank": 4,
        "rate": 1e-2,
        "steps": 4,
        "warm_up": 2,
        "save_every": 2,
        "validate_every": 4,
    } | changes
    return MemoryTraining(**given)  # type: ignore[arg-type]
