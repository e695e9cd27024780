"""What a selector should have said of an example's memory: origins and pseudo-labels, as tensors.

Source: An et al., "OneStory" (arXiv 2512.07802), section on training. Knows films and their features; no expert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.training.memory.drawing import Drawn
from filmagent.training.memory.films import TrainingFilm
from filmagent.training.onestory.drawing import kept_frames
from filmagent.training.onestory.features import FilmFeatures
from filmagent.training.onestory.labels import likeness, pseudo_labels


@dataclass(frozen=True)
class Judged:
    """Of every memory frame of an example."""

    origins: Tensor
    """An `Origin`, (1, frames)."""
    labels: Tensor
    """How relevant it is, (1, frames), from -1 to 1."""


def judge(features: FilmFeatures, films: Sequence[TrainingFilm], drawn: Drawn) -> Judged:
    """Label an example's memory frames by their likeness to its shot; there is at least one.

    A changed copy is likened by the frames that it was made of, which does not matter: its label is fixed.
    """
    rows = []
    for place in drawn.memory:
        film = films[drawn.film if place.film is None else place.film]
        kept = kept_frames(film.shots[place.shot].frame_count)
        rows.append(features.of(film, place.shot)[kept.index(place.frame)])
    frames = torch.stack([torch.from_numpy(row) for row in rows])[None]
    target = torch.from_numpy(features.of(films[drawn.film], drawn.shot))[None]
    origins = torch.tensor([drawn.origins])
    return Judged(origins, pseudo_labels([likeness(frames, target)], origins))
