"""Reads who is in a shot, what they look like and where it is: the benchmark's instrument, trained on rendered frames.

A shot is looked at in several pairs of frames one second apart, and what they say is averaged. Knows no memory, no
generator and no truth.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from filmagent.artifacts import sha256_of_file
from filmagent.errors import ScoringError
from filmagent.generation.papercut.vocabulary import KINDS, LAYOUTS, PLACES
from filmagent.scoring.pixels import check_video
from filmagent.scoring.port import Video
from filmagent.training.papercut.probe.net import SETTING, WEIGHTS, ProbeNet, load_probe
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, PICTURE_QUESTIONS, Answer, Reading
from filmagent.training.papercut.world import HEIGHT, WIDTH

APART = 8
"""Frames between the two of a pair."""
LEAST = 1e-6
"""As unlikely as anything is taken to be."""
LOOKS = 3
"""Pairs of a shot that are looked at, the first at its beginning and the last at its end."""


class Probe(Protocol):
    """Reads shots."""

    @property
    def revision(self) -> str:
        """What identifies it."""
        ...

    @property
    def accuracy(self) -> Mapping[str, float]:
        """Question -> share of right answers on held-out rendered shots, 0 to 1; empty: never measured."""
        ...

    def read(self, frames: Video, kinds: Sequence[str] = ()) -> Reading:
        """Answer all questions about a shot; `kinds` are asked about even where they seem not to be there."""
        ...


class TrainedProbe:
    """The probe of a folder, loaded at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load it. Raises ModelFilesError when files are missing or broken."""
        self._folder = probe_folder() if folder is None else folder
        self._net, self._described = load_probe(self._folder)

    @functools.cached_property
    def revision(self) -> str:
        """Hash of the weights file."""
        return sha256_of_file(self._folder / WEIGHTS)[:16]

    @property
    def accuracy(self) -> Mapping[str, float]:
        """What was measured after training."""
        measured: dict[str, Any] = self._described.get("accuracy", {})
        return {str(question): float(share) for question, share in measured.items()}

    def read(self, frames: Video, kinds: Sequence[str] = ()) -> Reading:
        """Answer all questions about a shot uint8 [F, 128, 224, 3]. Raises ScoringError for another shape."""
        return read_with(self._net, frames, kinds)


def probe_folder() -> Path:
    """The folder in the installed package that holds the probe."""
    return Path(str(files("filmagent.training.papercut.probe"))) / "weights"


@torch.inference_mode()
def read_with(net: ProbeNet, frames: Video, kinds: Sequence[str] = ()) -> Reading:
    """Read a shot with a network that is at hand; see `TrainedProbe.read`."""
    check_video(frames)
    if frames.shape[1:3] != (HEIGHT, WIDTH):
        raise ScoringError(f"the probe reads frames of {WIDTH}x{HEIGHT}, not {frames.shape[2]}x{frames.shape[1]}")
    seen = net(pairs_of(frames))
    picture = {name: _surest(logits) for name, logits in net.picture_logits(seen).items()}
    setting = picture.pop(SETTING).view(len(PLACES), len(LAYOUTS))
    answers: dict[str, Answer] = {name: PICTURE_QUESTIONS[name][int(each.argmax())] for name, each in picture.items()}
    place = int(setting.logsumexp(1).argmax())
    answers["place"], answers["layout"] = PLACES[place], int(setting[place].argmax())
    present = who_is_there(net.presence_logits(seen).sigmoid().mean(0), picture["count"])
    asked = [kind for kind in KINDS if kind in present or kind in kinds]
    figures = {}
    for kind in asked:
        rows = torch.arange(len(seen.whole))
        logits = net.figure_logits(seen, rows, torch.full_like(rows, KINDS.index(kind)))
        figures[kind] = {name: FIGURE_QUESTIONS[name][int(_surest(each).argmax())] for name, each in logits.items()}
    return Reading(present, answers, figures)


def who_is_there(shares: Tensor, counts: Tensor) -> tuple[str, ...]:
    """The likeliest company, in the order of the vocabulary, of how surely each is there and how many they are.

    Args:
        shares: how surely each kind is there, [kinds], 0 to 1.
        counts: log-probability of nobody, one, two, ... [counts].
    """
    surest = shares.argsort(descending=True).tolist()
    there, not_there = shares.clamp(min=LEAST).log(), (1 - shares).clamp(min=LEAST).log()

    def likelihood(count: int) -> float:
        return float(there[surest[:count]].sum() + not_there[surest[count:]].sum() + counts[count])

    company = surest[: max(range(len(counts)), key=likelihood)]
    return tuple(kind for index, kind in enumerate(KINDS) if index in company)


def pairs_of(frames: Video) -> Tensor:
    """The pairs that are looked at, [looks, 6, H, W], values from -0.5 to 0.5. A short shot has closer pairs."""
    apart = min(APART, len(frames) - 1)
    starts = sorted({round(each) for each in np.linspace(0, len(frames) - 1 - apart, LOOKS)})
    pairs = np.stack([np.concatenate([frames[start], frames[start + apart]], axis=-1) for start in starts])
    return as_input(torch.from_numpy(pairs))


def as_input(pairs: Tensor) -> Tensor:
    """uint8 pairs [B, H, W, 6] as the network's input."""
    return pairs.permute(0, 3, 1, 2).float() / 255 - 0.5


def _surest(logits: Tensor) -> Tensor:
    """Mean log-probability over the looks."""
    return logits.log_softmax(1).mean(0)
