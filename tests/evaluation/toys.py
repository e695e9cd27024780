"""A laboratory at toy size: the painting generator at the world's size, colours instead of CLIP, a random probe."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from filmagent.artifacts import sha256_of_array
from filmagent.evaluation.papercut.benchmark import Benchmark
from filmagent.evaluation.papercut.film import Laboratory
from filmagent.evaluation.papercut.stories import held_out_story
from filmagent.generation.papercut.vocabulary import KINDS
from filmagent.generation.port import Capabilities, FrameSize
from filmagent.schemas.story import SEAM_FRAMES
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.port import Video
from filmagent.training.papercut.probe.net import ProbeNet, ProbeSize, save_probe
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, PICTURE_QUESTIONS, Reading, truth_of
from filmagent.training.papercut.probe.reader import TrainedProbe
from filmagent.training.papercut.world import FPS, FRAMES, render_frames
from tests.support.toy_generator import CAPABILITIES, ToyGenerator

TINY = ProbeSize(fine=8, wide=8, deep=8, known=8)
SMALL = Benchmark(policies=("none", "storymem"), stories=2, seeds=1, shots=4)


class WorldSizedToy(ToyGenerator):
    """Paints pictures of the world's size."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(CAPABILITIES, native_size=FrameSize(224, 128))


def random_probe(folder: Path) -> TrainedProbe:
    """The real probe with weights that never learned anything; the same ones every time."""
    torch.manual_seed(0)
    save_probe(ProbeNet(TINY), folder, {"accuracy": {"colour": 0.98, "kinds": 0.99}})
    return TrainedProbe(folder)


def laboratory(folder: Path, generator: ToyGenerator | None = None) -> Laboratory:
    return Laboratory(generator or WorldSizedToy(), ColourFeatures(), random_probe(folder))


@dataclass
class PerfectProbe:
    """Knows the truth of every picture that the renderer makes of these stories; of others it guesses by chance."""

    benchmark: Benchmark
    revision: str = "perfect"
    accuracy: Mapping[str, float] = field(default_factory=dict)
    moment: int | None = None
    """The frame that it knows of every shot; None: the middle one."""

    def __post_init__(self) -> None:
        self._known: dict[str, Reading] = {}
        for number in range(self.benchmark.stories):
            for shot in held_out_story(number, self.benchmark.shots).shots:
                first = 0 if shot.link == "scene_cut" else 1
                middle = first + (FRAMES - SEAM_FRAMES[shot.link]) // 2
                known = render_frames(shot.script, [middle if self.moment is None else self.moment]).frames[0]
                seconds = (FRAMES - 1) / 2 / FPS if self.moment is None else self.moment / FPS
                self._known[sha256_of_array(known)] = truth_of(shot.script, seconds)

    def read(self, frames: Video, kinds: Sequence[str] = ()) -> Reading:
        key = sha256_of_array(frames[len(frames) // 2])
        return self._known[key] if key in self._known else guess(random.Random(key), kinds)


def guess(rng: random.Random, kinds: Sequence[str]) -> Reading:
    """Any answers, those who are asked for being there."""
    return Reading(
        tuple(kind for kind in KINDS if kind in kinds),
        {question: rng.choice(answers) for question, answers in PICTURE_QUESTIONS.items()},
        {kind: {name: rng.choice(answers) for name, answers in FIGURE_QUESTIONS.items()} for kind in kinds},
    )


def grey(frames: int = FRAMES) -> np.ndarray:
    return np.full((frames, 128, 224, 3), 128, np.uint8)
