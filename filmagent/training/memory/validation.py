"""How well a memory does on films that it does not learn from: the shot's error, and a sheet to look at.

The error is of the shot alone, so that trainings can be compared that are asked for other things as well; of these
each has a number of its own.

Every row of the sheet: two remembered frames, the true frame, and what the expert takes the shot to be at three noise
levels. That is one forward each, by the code that is trained, for an expert alone whose partner is not loaded; it is no
film. Draws the same examples at the same levels every time. Knows learners and films.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from filmagent.generation.port import Image as Picture
from filmagent.training.memory.drawing import Drawn, draw, usable_shots
from filmagent.training.memory.films import TrainingFilm
from filmagent.training.memory.learners import Learner, draw_noise
from filmagent.training.memory.levels import LevelRange
from filmagent.training.memory.materials import Materials
from filmagent.training.memory.settings import MemoryTraining

EXAMPLES = 4
PLACES = (0.2, 0.5, 0.8)
"""Of the expert's range of noise levels."""
SHOWN_MEMORY = 2
_HELD_OUT_SHARE = 20


def hold_out(films: Sequence[TrainingFilm]) -> tuple[list[TrainingFilm], list[TrainingFilm]]:
    """Return the films to learn from, and the last ones, one in twenty and one at least, to validate with."""
    held = max(1, len(films) // _HELD_OUT_SHARE)
    return list(films[:-held]), list(films[-held:])


def draw_held_out(films: Sequence[TrainingFilm], settings: MemoryTraining) -> list[Drawn]:
    """Return the examples of a validation; always the same."""
    rng = random.Random(f"held out {settings.seed}")
    usable = usable_shots(films, settings.frames)
    return [draw(rng, films, usable, settings) for _ in range(EXAMPLES)]


@torch.no_grad()
def validate(
    learner: Learner, materials: Materials, films: Sequence[TrainingFilm], drawn: Sequence[Drawn], levels: LevelRange
) -> tuple[dict[str, float], Image.Image]:
    """Return the means over examples and levels, `held out` and `held out, PART` for what else is asked; the sheet."""
    was_training = learner.training
    learner.eval()
    errors: dict[str, list[float]] = {}
    rows = []
    try:
        for number, each in enumerate(drawn):
            example = materials.examples(films, [each])
            shown = [
                materials.picture(example.memory[:, :, index : index + 1])
                for index in range(max(0, example.memory.shape[2] - SHOWN_MEMORY), example.memory.shape[2])
            ]
            true = materials.picture(example.clean)
            cells = [*[np.full_like(true, 255)] * (SHOWN_MEMORY - len(shown)), *shown, true]
            noise = draw_noise(example, [number])
            for place in PLACES:
                level = torch.tensor([levels.at(place)], device=example.clean.device)
                found, guess = learner.losses(example, level, noise)
                for part, error in found.items():
                    name = "held out" if part == "shot" else f"held out, {part}"
                    if part != "loss":
                        errors.setdefault(name, []).append(float(error))
                cells.append(materials.picture(guess))
            rows.append(_row(cells))
    finally:
        learner.train(was_training)
    return {part: float(np.mean(each)) for part, each in errors.items()}, Image.fromarray(np.concatenate(rows))


def _row(cells: Sequence[Picture]) -> Picture:
    row: Picture = np.concatenate(list(cells), axis=1)
    return row
