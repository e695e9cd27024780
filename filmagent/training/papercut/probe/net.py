"""The probe's network: two moments of a shot in, answers out; who is asked about is looked for by kind.

A coarse map tells for every cell which kind covers it. A question about a kind attends over that map only where the
kind is, so that it is answered from this figure's own pixels: whoever mixes up two figures is found out. Knows no
scripts and no training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from filmagent.artifacts import atomic_path, write_json_atomically
from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.vocabulary import KINDS, PLACES
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, PICTURE_QUESTIONS
from filmagent.training.papercut.world import LAYOUTS

CELL = 8
"""Pixels of a cell's side."""
WEIGHTS, DESCRIPTION = "probe.safetensors", "probe.json"
HOW_TO_GET = "make them with `filmagent train papercut probe`"
SETTING = "setting"
"""Place and layout as one answer, place first."""
_HEADS, _GRID = 4, (4, 7)


@dataclass(frozen=True)
class ProbeSize:
    """Channels at a quarter, an eighth and a sixteenth of the picture's side, and of what is known of the whole."""

    fine: int = 32
    wide: int = 80
    deep: int = 112
    known: int = 192


@dataclass(frozen=True)
class Seen:
    """What the network sees in a batch."""

    features: Tensor
    """[B, wide, h, w]."""
    whole: Tensor
    """[B, known]."""
    dense: Tensor
    """Logits of nobody and of every kind in every cell, [B, 1 + kinds, h, w]."""


class ProbeNet(nn.Module):
    """See the module. About 0.9 million weights."""

    def __init__(self, size: ProbeSize) -> None:
        super().__init__()
        self.size = size
        fine, wide, deep, known = size.fine, size.wide, size.deep, size.known
        self.near = nn.Sequential(nn.PixelUnshuffle(2), _cut(24, fine, 2), _Again(fine))
        self.middle = nn.Sequential(_cut(fine, wide, 2), _Again(wide))
        self.far = nn.Sequential(_cut(wide, deep, 2), _Again(deep), _Again(deep))
        self.back = nn.Conv2d(deep, wide, 1)
        self.last = _Again(wide)
        self.dense = nn.Conv2d(wide, 1 + len(KINDS), 1)
        self.grid = nn.Conv2d(deep, 48, 1)
        self.whole = nn.Sequential(nn.Linear(48 * _GRID[0] * _GRID[1] + 2 * deep, known), nn.SiLU(), nn.Dropout(0.1))
        self.picture = nn.Linear(known, sum(_picture_sizes().values()))
        self.presence = nn.Linear(known, len(KINDS))
        self.presence_seen = nn.Parameter(torch.tensor([0.5, 0.0]))
        self.kind = nn.Embedding(len(KINDS), wide)
        self.query = nn.Embedding(len(KINDS), _HEADS * wide)
        self.key = nn.Conv2d(wide, wide, 1)
        shape = 5
        self.figure = nn.Sequential(
            nn.Linear(_HEADS * wide + wide + known + shape, 256),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(256, sum(map(len, FIGURE_QUESTIONS.values()))),
        )

    def forward(self, frames: Tensor) -> Seen:
        """Look at two frames of each shot, [B, 6, H, W], values from -0.5 to 0.5."""
        middle = self.middle(self.near(frames))
        far = self.far(middle)
        back = F.interpolate(self.back(far), size=middle.shape[-2:], mode="bilinear", align_corners=False)
        features = self.last(middle + back)
        grid = F.adaptive_avg_pool2d(self.grid(far), _GRID).flatten(1)
        whole = self.whole(torch.cat([grid, far.mean((2, 3)), far.amax((2, 3))], 1))
        return Seen(features, whole, self.dense(features))

    def picture_logits(self, seen: Seen) -> dict[str, Tensor]:
        """By question, [B, answers]; `setting` holds place and layout as one."""
        sizes = _picture_sizes()
        return dict(zip(sizes, self.picture(seen.whole).split(list(sizes.values()), 1), strict=True))

    def presence_logits(self, seen: Seen) -> Tensor:
        """How surely each kind is there, [B, kinds]."""
        margin = (seen.dense[:, 1:] - seen.dense[:, :1]).flatten(2)
        best, area = margin.amax(2), margin.sigmoid().sum(2).add(1).log()
        logits: Tensor = self.presence(seen.whole) + self.presence_seen[0] * best + self.presence_seen[1] * area
        return logits

    def figure_logits(self, seen: Seen, rows: Tensor, kinds: Tensor) -> dict[str, Tensor]:
        """By question, [N, answers], for figures of `kinds` [N] in the shots `rows` [N] of the batch."""
        features = seen.features[rows].flatten(2)
        own = seen.dense.log_softmax(1).flatten(2)[rows, kinds + 1]
        query = self.query(kinds).view(len(kinds), _HEADS, -1)
        keys = self.key(seen.features)[rows].flatten(2)
        attention = (query @ keys / keys.shape[1] ** 0.5 + own[:, None]).softmax(2)
        found = (attention @ features.mT).flatten(1)
        known = torch.cat([found, self.kind(kinds), seen.whole[rows], _shape(own, seen.dense.shape[-2:])], 1)
        answers = self.figure(known).split([len(each) for each in FIGURE_QUESTIONS.values()], 1)
        return dict(zip(FIGURE_QUESTIONS, answers, strict=True))


def save_probe(net: ProbeNet, folder: Path, measured: Mapping[str, Any]) -> None:
    """Write weights in half precision, and beside them the sizes and what was measured. Raises ArtifactError."""
    weights = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in net.state_dict().items()
    }
    with atomic_path(folder / WEIGHTS) as beside:
        save_file(weights, beside)
    write_json_atomically(folder / DESCRIPTION, {"size": asdict(net.size), **measured})


def load_probe(folder: Path) -> tuple[ProbeNet, dict[str, Any]]:
    """The network in single precision, and what is written beside it.

    Raises:
        ModelFilesError: a file is missing or broken.
    """
    try:
        described: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        net = ProbeNet(ProbeSize(**described["size"]))
        net.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise ModelFilesError(f"no probe in {str(folder)!r} ({error.filename}): {HOW_TO_GET}") from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelFilesError(f"the probe in {str(folder)!r} cannot be read ({error}): {HOW_TO_GET}") from error
    return net.float().eval(), described


class _Again(nn.Module):
    """Two convolutions that add to what they are given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _cut(width, width, 1)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.second(self.first(x)))


def _cut(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.SiLU())


def _shape(own: Tensor, size: torch.Size) -> Tensor:
    """Where a figure is and how large, [N, 5]: centre and spread in halves of the frame, and its area."""
    share = own.exp()
    area = share.sum(1, keepdim=True)
    weights = share / (area + 1e-4)
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, size[0], device=own.device),
        torch.linspace(-1, 1, size[1], device=own.device),
        indexing="ij",
    )
    places = torch.stack([x.flatten(), y.flatten()])
    centre = weights @ places.T
    spread = (weights @ places.square().T - centre.square()).clamp(min=1e-6).sqrt()
    return torch.cat([centre, spread, (area + 1).log()], 1)


def _picture_sizes() -> dict[str, int]:
    sizes = {name: len(answers) for name, answers in PICTURE_QUESTIONS.items() if name not in ("place", "layout")}
    return {**sizes, SETTING: len(PLACES) * LAYOUTS}
