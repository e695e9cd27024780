"""What the probe learns from: two moments of a rendered shot, and the true answer to every question. Trains nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from filmagent.generation.papercut.vocabulary import KINDS, LAYOUTS, PLACES
from filmagent.training.papercut.probe.net import CELL, SETTING
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, PICTURE_QUESTIONS, Answers, Reading, truth_of
from filmagent.training.papercut.probe.reader import APART, as_input
from filmagent.training.papercut.world import (
    FPS,
    FRAMES,
    RenderedShot,
    ShotScript,
    render_frames,
    sample_shot,
    sample_story,
    steps_taller,
)

PICTURE_SHARE = 0.3
"""Share of the samples that do not move: the benchmark reads such, too."""
COVERED = 0.3
"""From this share of its area on, a cell shows the figure that covers most of it."""
NO_ANSWER = -100
"""The label that cross-entropy leaves out."""


@dataclass(frozen=True)
class Sample:
    """A pair of frames uint8 [H, W, 6], who covers which cell int64 [h, w] (0 nobody), and the truth."""

    pair: np.ndarray[Any, np.dtype[np.uint8]]
    cells: np.ndarray[Any, np.dtype[np.int64]]
    truth: Reading
    heights: Mapping[str, float]
    """By kind, how tall it is shown, in the steps of `steps_taller`."""


@dataclass(frozen=True)
class Batch:
    """What a step learns from; figures of all samples one after the other."""

    frames: Tensor
    """[B, 6, H, W], -0.5 to 0.5."""
    cells: Tensor
    """[B, h, w]."""
    presence: Tensor
    """[B, kinds], 0 or 1."""
    picture: dict[str, Tensor]
    """By question, [B]."""
    rows: Tensor
    """Sample of every figure, [N]."""
    kinds: Tensor
    """Kind of every figure, [N]."""
    figures: dict[str, Tensor]
    """By question, [N]; `NO_ANSWER` where there is none."""
    heights: Tensor
    """How tall every figure is shown, in steps, [N]."""


class _Drawn(IterableDataset[Sample]):
    """Samples without end, other ones in every process."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        rng = random.Random(f"{self._seed}/{0 if worker is None else worker.id}")
        while True:
            yield draw_sample(rng)


def rendered(seed: str, workers: int = 0) -> Iterator[Sample]:
    """Samples without end, rendered ahead by `workers` processes, or by this one when they are asked for."""
    return iter(DataLoader(_Drawn(seed), batch_size=None, num_workers=workers, collate_fn=_as_it_is))


def _as_it_is(sample: Any) -> Any:
    """Arrays stay arrays: only a batch becomes tensors."""
    return sample


def draw_sample(rng: random.Random) -> Sample:
    """A shot of a new story at two moments, `APART` frames apart, or a picture of it, which is one moment twice."""
    script = sample_shot(rng, sample_story(rng))
    return sample_of(script, rng.randrange(FRAMES - APART), 0 if rng.random() < PICTURE_SHARE else APART)


def sample_of(script: ShotScript, start: int, apart: int = APART) -> Sample:
    """The frames `start` and `start + apart` of a shot; nobody says what is done in a picture, where `apart` is 0."""
    shot = render_frames(script, [start, start + apart] if apart else [start])
    pair = np.concatenate([shot.frames[0], shot.frames[-1]], axis=-1)
    middle = (start + apart / 2) / FPS
    truth = truth_of(script, middle)
    if not apart:
        unasked = {kind: {**answers} for kind, answers in truth.figures.items()}
        for answers in unasked.values():
            del answers["action"]
        truth = replace(truth, figures=unasked)
    heights = {script.figures[part.subject].kind: steps_taller(script, part, middle) for part in script.performances}
    return Sample(pair, _cells(shot), truth, heights)


def batch_of(samples: Sequence[Sample], device: torch.device) -> Batch:
    """Samples as tensors, their frames as they are."""
    truths = [sample.truth for sample in samples]
    who = [(row, kind) for row, truth in enumerate(truths) for kind in truth.kinds]
    figures = [truths[row].figures[kind] for row, kind in who]

    def tensor(values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=device)

    picture = {
        question: tensor([answers.index(truth.picture[question]) for truth in truths])
        for question, answers in PICTURE_QUESTIONS.items()
        if question not in ("place", "layout")
    }
    picture[SETTING] = tensor([_setting(truth.picture) for truth in truths])
    return Batch(
        frames=as_input(torch.from_numpy(np.stack([sample.pair for sample in samples])).to(device)),
        cells=torch.from_numpy(np.stack([sample.cells for sample in samples])).to(device),
        presence=torch.tensor([[float(kind in truth.kinds) for kind in KINDS] for truth in truths], device=device),
        picture=picture,
        rows=tensor([row for row, _ in who]),
        kinds=tensor([KINDS.index(kind) for _, kind in who]),
        figures={
            question: tensor([answers.index(each[question]) if question in each else NO_ANSWER for each in figures])
            for question, answers in FIGURE_QUESTIONS.items()
        },
        heights=torch.tensor([samples[row].heights[kind] for row, kind in who], device=device),
    )


def soften(frames: Tensor) -> Tensor:
    """The frames as a small generator might have made them: some blurred, grained, in slightly other light.

    Both frames of a pair are changed alike. Nothing is cut, mirrored or recoloured as far as another answer.
    """
    count, _, height, width = frames.shape
    small = F.interpolate(frames, scale_factor=float(torch.empty(1).uniform_(0.4, 0.85)), mode="area")
    soft = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    frames = torch.where(torch.rand(count, 1, 1, 1, device=frames.device) < 0.45, soft, frames)
    light = 1 + 0.1 * (torch.rand(count, 1, 1, 1, device=frames.device) - 0.5)
    tint = 0.04 * (torch.rand(count, 3, 1, 1, device=frames.device) - 0.5)
    grain = 0.05 * torch.rand(count, 1, 1, 1, device=frames.device)
    noise = torch.rand(frames.shape[1:], device=frames.device) * 2 - 1
    return frames * light + tint.repeat(1, 2, 1, 1) + grain * noise


def _setting(picture: Answers) -> int:
    return PLACES.index(str(picture["place"])) * len(LAYOUTS) + int(picture["layout"] or 0)


def _cells(shot: RenderedShot) -> np.ndarray[Any, np.dtype[np.int64]]:
    height, width = (side // CELL for side in shot.frames.shape[1:3])
    cover, labels = [np.full((height, width), COVERED)], [0]
    for subject, mask in shot.masks.items():
        cover.append(mask.mean(axis=0).reshape(height, CELL, width, CELL).mean(axis=(1, 3)))
        labels.append(1 + KINDS.index(shot.script.figures[subject].kind))
    return np.asarray(np.array(labels)[np.stack(cover).argmax(axis=0)], np.int64)
