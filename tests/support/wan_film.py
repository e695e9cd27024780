"""A film of two shots with real Wan classes at toy size, for tests that disturb it.

As a programme it is killed in the middle of a step: python -m tests.support.wan_film RUN MODELS STEPS
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from filmagent.generation.port import ShotPrompt
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import RunResult, run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Reference, Settings
from tests.support.stories import story
from tests.support.tiny_wan import tiny_config
from tests.support.toy_studio import ScriptedScorer

STEPS = 4


def wan_generator(models: Path) -> WanStoryMemGenerator:
    """Return a generator of four guided steps a shot, eight forwards."""
    config = tiny_config(models)
    return WanStoryMemGenerator(replace(config, sampling=replace(config.sampling, steps=STEPS)),
                                translate=lambda _, shot: ShotPrompt(f"the cat walks {shot.id[-1]}"))


def wan_film(
    run: Path, generator: WanStoryMemGenerator, on_event: Callable[[Mapping[str, Any]], None] = lambda event: None
) -> RunResult:
    """Make the film, or go on with it. A reference photograph gives every shot a memory."""
    photograph = generator.config.folder / "marlow.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(photograph)
    settings = Settings(references=(Reference(subject="Marlow the cat", path=str(photograph)),))
    request = RunRequest(story=story(2, {2: "MI2V"}), settings=settings)
    studio = Studio(make_generator=lambda settings: generator, make_features=lambda name: ColourFeatures(),
                    make_scorers=lambda features: (ScriptedScorer(),))
    return run_film(run, request=request, studio=studio, on_event=on_event)


def pictures(run: Path) -> dict[str, bytes]:
    """Return everything in a run folder that holds pictures."""
    return {file.name: file.read_bytes() for part in ("film.mp4", "takes/*.mp4", "memory/*.png")
            for file in run.glob(part)}


def main() -> None:
    """Make the film and die after so many steps, before the step is told to anybody."""
    steps = []

    def die(event: Mapping[str, Any]) -> None:
        steps.extend([1] * (event["event"] == "step"))
        if len(steps) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

    wan_film(Path(sys.argv[1]), wan_generator(Path(sys.argv[2])), die)


if __name__ == "__main__":
    main()
