"""The probe's network: two moments of a shot in, answers out; who is asked about is looked for by kind.

A coarse map tells for every cell which kind covers it. A question about a kind is answered from a close look at the
window where that map shows the kind, so that stripes and bows are read at full sharpness, and from this figure's own
pixels: whoever mixes up two figures is found out. Knows no scripts and no training.
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
from filmagent.generation.papercut.vocabulary import BUILDS, KINDS, LAYOUTS, MAX_ROLES, PLACES, SIZES
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, PICTURE_QUESTIONS
from filmagent.training.papercut.world import height_steps

CELL = 8
"""Pixels of a cell's side."""
WEIGHTS, DESCRIPTION = "probe.safetensors", "probe.json"
HOW_TO_GET = "make them with `filmagent train papercut probe`"
SETTING = "setting"
"""Place and layout as one answer, place first."""
_GRID = (4, 7)
_LOOK_GRID = 8
WINDOW = 96
"""Pixels of a close look's side, whatever it shows: as many as most figures have, so that no stripe is lost."""
LONG = 64.0
"""Pixels of the picture that a close look is told as 1: only so can a tall figure be told from one that is near."""
SMALLEST, LARGEST = 32, 160
"""Pixels of the picture that a close look shows at least and at most."""
ROOM = 4.3
"""Side of a close look in units of the figure's spread: a plain box has a side of 3.5, and a quarter is left around."""


@dataclass(frozen=True)
class ProbeSize:
    """Channels at a quarter, an eighth and a sixteenth of the picture's side, and of what is known of the whole."""

    fine: int = 24
    wide: int = 64
    deep: int = 96
    known: int = 160
    close: tuple[int, int, int] = (32, 64, 112)
    """Channels of a close look at a half, a quarter and an eighth of its side."""


@dataclass(frozen=True)
class Seen:
    """What the network sees in a batch."""

    frames: Tensor
    """What it was shown, [B, 6, H, W]."""
    whole: Tensor
    """[B, known]."""
    dense: Tensor
    """Logits of nobody and of every kind in every cell, [B, 1 + kinds, h, w]."""


@dataclass(frozen=True)
class CloseLook:
    """What questions about figures are answered from, a row for each."""

    window: Tensor
    """Two moments of what is around it, [N, 6, WINDOW, WINDOW], -0.5 to 0.5."""
    own: Tensor
    """Its share of every pixel of the window, [N, 1, WINDOW, WINDOW], 0 to 1."""
    side: Tensor
    """Pixels of the picture that the window's side shows, [N]."""
    whole: Tensor
    """What is known of its picture, [N, known]."""
    shape: Tensor
    """Where it is and how large, [N, 5]."""
    kinds: Tensor
    """[N]."""


@dataclass(frozen=True)
class Told:
    """What a close look tells of figures, a row for each."""

    answers: dict[str, Tensor]
    """By question, [N, answers]."""
    heights: Tensor
    """How tall they are shown, in steps above the smallest of middle build, [N]."""


class ProbeNet(nn.Module):
    """See the module. About 1.9 million weights."""

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
        self.kind = nn.Embedding(len(KINDS), 48)
        self.close = _Close(size.close)
        self.height = _Height(self.close.width + 48)
        shape = 5
        self.figure = nn.Sequential(
            nn.Linear(self.close.width + 48 + known + shape, 256),
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
        return Seen(frames, whole, self.dense(features))

    def close_parts(self) -> tuple[nn.Module, ...]:
        """What looks closely and answers questions about figures; all else sees the whole picture."""
        return self.close, self.kind, self.height, self.figure

    def look_only_closely(self) -> None:
        """From now on, only the close look and its answers learn: all else stays as it is, norms included."""
        self.eval().requires_grad_(False)
        for part in self.close_parts():
            part.train().requires_grad_(True)

    def picture_logits(self, seen: Seen) -> dict[str, Tensor]:
        """By question, [B, answers]; `setting` holds place and layout as one."""
        return self._of_picture(seen.whole)

    def presence_logits(self, seen: Seen) -> Tensor:
        """How surely each kind is there, [B, kinds]."""
        margin = (seen.dense[:, 1:] - seen.dense[:, :1]).flatten(2)
        best, area = margin.amax(2), margin.sigmoid().sum(2).add(1).log()
        logits: Tensor = self.presence(seen.whole) + self.presence_seen[0] * best + self.presence_seen[1] * area
        return logits

    def figure_logits(self, seen: Seen, rows: Tensor, kinds: Tensor) -> dict[str, Tensor]:
        """By question, [N, answers], for figures of `kinds` [N] in the shots `rows` [N] of the batch."""
        return self.tell(self.look(seen, rows, kinds)).answers

    def look(self, seen: Seen, rows: Tensor, kinds: Tensor) -> CloseLook:
        """Look closely where the map shows figures of `kinds` [N] in the shots `rows` [N] of the batch."""
        own = seen.dense.float().log_softmax(1)[rows, kinds + 1]
        shape = _shape(own)
        # Where to look is the map's to learn: what is seen there must not pull at it.
        window = window_at(shape.detach(), seen.frames.shape[-2:])
        there = _cut_out(own.detach().exp()[:, None], window)
        side = window[:, 0, 0] * seen.frames.shape[-1]
        return CloseLook(_cut_out(seen.frames[rows], window), there, side, seen.whole[rows], shape, kinds)

    def tell(self, look: CloseLook) -> Told:
        """Answer all questions about figures.

        A build is a height in a shot of some size and company: what is far from its height speaks against it.
        """
        found = self.close(torch.cat([look.window, look.own, _distances(look.side)], 1))
        of_kind = torch.cat([found, self.kind(look.kinds)], 1)
        heights = self.height(of_kind)
        logits = self.figure(torch.cat([of_kind, look.whole, look.shape], 1))
        answers = dict(zip(FIGURE_QUESTIONS, logits.split(list(map(len, FIGURE_QUESTIONS.values())), 1), strict=True))
        with torch.no_grad():
            picture = self._of_picture(look.whole)
        answers["build"] = answers["build"] - self.height.against(heights, picture["size"], picture["count"])
        return Told(answers, heights)

    def _of_picture(self, whole: Tensor) -> dict[str, Tensor]:
        """By question, [N, answers], of what is known of a whole picture [N, known]."""
        sizes = _picture_sizes()
        return dict(zip(sizes, self.picture(whole).split(list(sizes.values()), 1), strict=True))


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


class _Close(nn.Module):
    """Two moments of a window, the figure's share of it, and how far from its middle all is, to [N, width].

    Sees [N, 9, WINDOW, WINDOW].
    """

    def __init__(self, channels: tuple[int, int, int]) -> None:
        super().__init__()
        fine, wide, deep = channels
        # The first features lie two pixels apart: stripes are no wider than that on small figures.
        self.near = nn.Sequential(nn.PixelUnshuffle(2), _cut(36, fine, 1), _Again(fine))
        self.far = nn.Sequential(_cut(fine, wide, 2), _Again(wide), _cut(wide, deep, 2), _Again(deep), _Again(deep))
        self.grid = nn.Conv2d(deep, 16, 1)
        self.width = 2 * deep + 16 * _LOOK_GRID**2

    def forward(self, window: Tensor) -> Tensor:
        far = self.far(self.near(window))
        grid = F.adaptive_avg_pool2d(self.grid(far), _LOOK_GRID)
        return torch.cat([far.mean((2, 3)), far.amax((2, 3)), grid.flatten(1)], 1)


def _shape(own: Tensor) -> Tensor:
    """Where a figure is and how large, [N, 5], from its log-share of every cell [N, h, w].

    Centre x, y and spread x, y in halves of the frame, and the logarithm of its area in cells.
    """
    share = own.exp()
    area = share.sum((1, 2))[:, None]
    weights = share / (area[..., None] + 1e-4)
    y = torch.linspace(-1, 1, own.shape[1], device=own.device)
    x = torch.linspace(-1, 1, own.shape[2], device=own.device)
    rows, columns = weights.sum(2), weights.sum(1)
    centre = torch.stack([columns @ x, rows @ y], 1)
    square = torch.stack([columns @ x.square(), rows @ y.square()], 1)
    spread = (square - centre.square()).clamp(min=1e-6).sqrt()
    return torch.cat([centre, spread, (area + 1).log()], 1)


def window_at(shape: Tensor, frame: torch.Size) -> Tensor:
    """The square window around a figure as grid_sample's affine maps [N, 2, 3], for frames of (height, width)."""
    half = torch.tensor([frame[1], frame[0]], device=shape.device) / 2
    side = (ROOM * (shape[:, 2:4] * half).amax(1)).clamp(SMALLEST, LARGEST)
    window = torch.zeros(len(shape), 2, 3, device=shape.device)
    window[:, 0, 0], window[:, 1, 1] = side / frame[1], side / frame[0]
    window[:, :, 2] = shape[:, :2]
    return window


def _cut_out(pictures: Tensor, window: Tensor) -> Tensor:
    grid = F.affine_grid(window, [len(pictures), 1, WINDOW, WINDOW], align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)


class _Height(nn.Module):
    """How tall a figure is shown, and what that says against its being of each build."""

    builds: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.steps = nn.Linear(width, 1)
        self.counts = nn.Parameter(torch.tensor(5.0))
        """Logits that a step off counts."""
        self.register_buffer("builds", _heights_of_builds(), persistent=False)

    def forward(self, figure: Tensor) -> Tensor:
        """In steps [N], from what is known of figures [N, width]."""
        steps: Tensor = self.steps(figure)[:, 0].float()
        return steps

    def against(self, heights: Tensor, sizes: Tensor, company: Tensor) -> Tensor:
        """Logits [N, builds] to be taken away for heights [N] in shots of these sizes and this company (logits)."""
        off = (heights[:, None, None, None] - self.builds).abs()
        sure = sizes.float().softmax(1), company.float().softmax(1)
        return self.counts * torch.einsum("ns,nc,nscb->nb", *sure, off)


def _distances(side: Tensor) -> Tensor:
    """How far every pixel lies right and down of the window's middle, in `LONG` pixels: [N, 2, WINDOW, WINDOW]."""
    line = torch.linspace(-0.5, 0.5, WINDOW, device=side.device).expand(WINDOW, WINDOW)
    return torch.stack([line, line.T]) * (side / LONG)[:, None, None, None]


def _heights_of_builds() -> Tensor:
    """How tall figures are shown, in steps, [sizes, counts, builds]."""
    steps = [[[height_steps(size, company, build) for build in (None, *BUILDS)] for company in range(MAX_ROLES + 1)]
             for size in SIZES]
    return torch.tensor(steps, dtype=torch.float32)


def _picture_sizes() -> dict[str, int]:
    sizes = {name: len(answers) for name, answers in PICTURE_QUESTIONS.items() if name not in ("place", "layout")}
    return {**sizes, SETTING: len(PLACES) * len(LAYOUTS)}
