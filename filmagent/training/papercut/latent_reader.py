"""A small network that reads from latents who is there and what they look like, and how unlike it finds two pictures.

The squared error of latents hardly minds when stripes become a blur: they are a small part of a picture. What a network
attends to that was trained to tell stripes from spots does mind (perceptual loss: Johnson et al., arXiv 1603.08155;
in latents: Berrada et al., "Boosting Latent Diffusion with Perceptual Objectives", arXiv 2411.04873). It is taught
before the denoiser learns, by the same stories, and nothing of it is exported. Knows no denoiser and no pixels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.latents import Clip
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.truth import QUESTIONS, labels, mean_error

READER = "reader.pt"
FINE, COARSE = 48, 128
"""Channels beside every latent cell, and beside every token of two by two of them."""
MOST_NOISE = 0.3
"""Largest share of noise in what it learns from: so it does not hang on what no eye can see."""


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, cells: Tensor) -> Tensor:
        found: Tensor = cells + self.inner(cells)
        return found


class LatentReader(nn.Module):
    """Reads single latent frames [B, 16, h, w], h and w even."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.begin = nn.Conv2d(channels, FINE, 3, padding=1)
        self.fine = nn.ModuleList(_Block(FINE) for _ in range(2))
        self.coarsen = nn.Conv2d(FINE, COARSE, 2, stride=2)
        self.coarse = nn.ModuleList(_Block(COARSE) for _ in range(3))
        self.ask = nn.Conv2d(COARSE, sum(map(len, QUESTIONS.values())), 1)

    def features(self, latents: Tensor) -> list[Tensor]:
        """What every block makes of latents, from fine to coarse: [B, 48, h, w] twice, [B, 128, h/2, w/2] thrice."""
        cells = self.begin(latents)
        found = []
        for block in self.fine:
            found.append(cells := block(cells))
        cells = self.coarsen(cells)
        for block in self.coarse:
            found.append(cells := block(cells))
        return found

    def answers(self, latents: Tensor) -> dict[str, Tensor]:
        """Logits [B, choices, tokens] by question."""
        asked = self.ask(self.features(latents)[-1]).flatten(2).split([len(each) for each in QUESTIONS.values()], dim=1)
        return dict(zip(QUESTIONS, asked, strict=True))

    def loss(self, latents: Tensor, truth: Tensor) -> Tensor:
        """Mean cross-entropy of all questions; `truth` is [B, questions, tokens], from `truth.labels`."""
        share = MOST_NOISE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
        noisy = (1 - share) * latents + share * torch.randn_like(latents)
        answers = self.answers(noisy).values()
        return torch.stack([mean_error(answer, truth[:, index]) for index, answer in enumerate(answers)]).mean()

    def distance(self, made: Tensor, true: Tensor) -> list[Tensor]:
        """How far apart it finds two pictures [B, 16, h, w]: of every feature's cells [B, 1, h', w'], 0 where alike.

        Features are compared in direction, as in LPIPS (Zhang et al., arXiv 1801.03924): 2 less twice their cosine.
        """
        with torch.no_grad():
            wanted = [F.normalize(each.float(), dim=1) for each in self.features(true)]
        found = [F.normalize(each.float(), dim=1) for each in self.features(made)]
        return [(one - other).pow(2).sum(dim=1, keepdim=True) for one, other in zip(found, wanted, strict=True)]


def unlikeness(
    reader: LatentReader, clean: Tensor, off: Tensor, weight: Tensor, level: Tensor, below: float, above: float
) -> Tensor:
    """How unlike the truth a reader finds the frames that a flow foresees.

    Args:
        reader: its weights stay as they are.
        clean: the true latents of the frames that are asked for [B, 16, T, h, w].
        off: how far the predicted flow is off there, as large; 0 where nobody looked, which stays true.
        weight: how much every cell counts [B, 1, T, h, w].
        level: share of noise of every example [B].
        below: from this share on it is not asked.
        above: less noise than this share counts as if it were as much.
    """
    seen = level < below
    if not bool(seen.any()):
        return off.sum() * 0
    shares = level.view(-1, 1, 1, 1, 1)
    # The picture that a flow foresees lies the flow times the noise's share away. So does its error, and what that
    # costs is divided by the share again: every share of noise weighs as much as in the flow's own loss.
    per_flow = shares.clamp(min=above).square().reciprocal().expand_as(weight)
    true, wrong, here, more = (
        each[seen].transpose(1, 2).flatten(0, 1) for each in (clean, shares * off, weight, per_flow)
    )
    with autocast(clean.device):
        found = reader.distance(true - wrong, true)
    parts = []
    for each in found:
        counts, much = (F.adaptive_avg_pool2d(part, (each.shape[-2], each.shape[-1])) for part in (here, more))
        parts.append((each * counts * much).sum() / counts.sum())
    return torch.stack(parts).mean() * seen.float().mean()


@dataclass(frozen=True)
class ReaderTraining:
    """How a reader is taught."""

    steps: int = 4000
    batch: int = 64
    rate: float = 2e-3
    seed: int = 7
    shots_share: float = 0.4
    """Share of the pictures that are of shots."""


def open_reader(settings: ReaderTraining, folder: Path, stills: Sequence[Clip], shots: Sequence[Clip]) -> LatentReader:
    """The reader that `folder` keeps, or one that is taught now, on the CPU; it does not learn any more."""
    path = folder / READER
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        reader = LatentReader()
        if path.exists():
            reader.load_state_dict(torch.load(path, weights_only=True))
        else:
            _teach(reader, settings, stills, shots)
            checkpoint.write(path, reader.state_dict())
    return reader.eval().requires_grad_(False)


def _teach(reader: LatentReader, settings: ReaderTraining, stills: Sequence[Clip], shots: Sequence[Clip]) -> None:
    rng = random.Random(settings.seed)
    optimizer = torch.optim.AdamW(reader.parameters(), settings.rate, betas=(0.9, 0.95), weight_decay=0.02)
    cpu = torch.device("cpu")
    for step in tqdm(range(settings.steps), unit="step", desc="reader of latents", dynamic_ncols=True):
        optimizer.param_groups[0]["lr"] = settings.rate * min(1.0, (step + 1) / 100) * (1 - step / settings.steps)
        latents, truth = _pictures(rng, settings, stills, shots)
        with autocast(cpu):
            loss = reader.loss(latents, truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
    reader.zero_grad()


def _pictures(
    rng: random.Random, settings: ReaderTraining, stills: Sequence[Clip], shots: Sequence[Clip]
) -> tuple[Tensor, Tensor]:
    """Latent frames [B, 16, h, w] and their labels [B, questions, tokens]."""
    latents, truth = [], []
    for _ in range(settings.batch):
        clip = rng.choice(shots if rng.random() < settings.shots_share else stills)
        frame = rng.randrange(clip.latents.shape[1])
        latents.append(clip.latents[:, frame].float())
        truth.append(labels(clip.script, clip.who[frame : frame + 1]))
    return torch.stack(latents), torch.stack(truth)
