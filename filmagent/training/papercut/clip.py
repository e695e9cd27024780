"""Trains papercut's own CLIP: a small open_clip model that names who is in a papercut picture, and where.

Three lessons at once. Captions and pictures are matched as CLIP does it; every group of a batch holds a picture and
versions of it that differ in one thing each, so that colours and scarves count, not only places. The questions that
the scorers will ask (`a white cat` or `a black cat`?) are asked of every figure. And every cell of the picture tower's
maps is asked whom it shows, because captions alone teach kinds very slowly; with that the training begins, on close
looks that cost a quarter of a picture. Pictures are rendered as training goes on.
The folder it leaves is an open_clip `local-dir:`. Knows nothing of memory, critics or the denoiser.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.clip_cells import CellQuestions, see_maps, who_covers
from filmagent.training.papercut.clip_model import (
    IMAGE_SIZE,
    MEAN,
    STD,
    ClipSize,
    build_clip,
    read_sentences,
    tokenizer_of,
    write_description,
    write_weights,
)
from filmagent.training.papercut.clip_questions import THINGS, answered, questions, zero_shot_loss
from filmagent.training.papercut.clip_texts import Statement, holds, statement, variations
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.muon import Muon, split_weights
from filmagent.training.papercut.world import FRAMES, ShotScript, render_frames, sample_shot, sample_story

OUTER_LAYERS = ("visual.conv1", "attnpool", "embedding", "text_projection")
"""Parts that Muon leaves to AdamW: inputs, outputs, and the pooling, whose large matrices would cost it too much."""
MAX_LOGIT_SCALE = 100.0
"""Ceiling of the learned inverse temperature (Radford et al., "Learning Transferable Visual Models", 2021)."""


@dataclass(frozen=True)
class ClipTraining:
    """Everything that decides a CLIP training."""

    minutes: float = 20.0
    seed: int = 1
    groups: int = 20
    """Different shots of a batch."""
    versions: int = 3
    """Pictures made of each: the shot, and copies with one thing changed."""
    pool: int = 200
    """Groups kept rendered; a batch is drawn from them."""
    close_until: float = 0.4
    """Until here the tower looks closely at figures, and is asked about cells alone."""
    close_groups: int = 48
    """Different shots of a batch of close looks."""
    fresh: int = 4
    """Groups of the pool that are rendered anew at every step."""
    rate: float = 3e-3
    size: ClipSize = field(default_factory=ClipSize)


@dataclass(frozen=True)
class Shown:
    """A picture uint8 [128, 224, 3], whose figure every pixel shows, and the shot that it is a frame of."""

    picture: np.ndarray[Any, np.dtype[np.uint8]]
    who: Tensor
    """Int [128, 224], from `who_covers`."""
    script: ShotScript


def train_clip(settings: ClipTraining, folder: Path, max_steps: int | None = None) -> Path:
    """Train, or go on training, until the minutes are spent; returns the folder with the finished model.

    `folder` keeps the checkpoint `clip.pt`, the log `clip.jsonl`, and the model in `folder`/clip.
    """
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    made = folder / "clip"
    write_description(settings.size, made)
    learner = _Learner(settings, made)
    clock = checkpoint.Clock(settings.minutes)
    if state := checkpoint.load(folder / "clip.pt", rng):
        learner.restore(state)
        clock.resume(state["spent"])

    def save() -> None:
        checkpoint.save(folder / "clip.pt", {**learner.state(), "spent": clock.spent}, rng)
        write_weights(learner.model, made)

    pool = [
        render_group(settings, random.Random(f"{settings.seed}/{learner.step}/{index}"))
        for index in range(settings.pool)
    ]
    while (share := clock.advance()) < 1 and (max_steps is None or learner.step < max_steps):
        for _ in range(settings.fresh):
            pool[rng.randrange(len(pool))] = render_group(settings, rng)
        close = share < settings.close_until
        groups = rng.sample(pool, settings.close_groups if close else settings.groups)
        batch = [shown for group in groups for shown in group]
        if close:
            learner.look_closely(batch, share)
        else:
            learner.learn(batch, [statement(shown.script, rng) for shown in batch], share)
        if learner.step % 50 == 0:
            _log(folder / "clip.jsonl", {"step": learner.step, "seconds": round(clock.spent), **learner.progress()})
        if clock.due():
            save()
    clock.advance()
    save()
    return made


def render_group(settings: ClipTraining, rng: random.Random) -> list[Shown]:
    """One moment of a shot, and of copies of the shot with one thing changed."""
    script = sample_shot(rng, sample_story(rng))
    moment = rng.randrange(FRAMES)
    return [_shown(version, moment) for version in (script, *variations(script, rng, settings.versions - 1))]


def _shown(script: ShotScript, moment: int) -> Shown:
    rendered = render_frames(script, [moment])
    masks = {figure: mask[0] for figure, mask in rendered.masks.items()}
    return Shown(rendered.frames[0], who_covers(masks, *rendered.frames.shape[1:3]), script)


@dataclass(frozen=True)
class Augmented:
    """The model's input [B, 3, side, side], and whose figure every pixel of it shows."""

    images: Tensor
    who: Tensor
    """Int [B, side, side]."""


def augment(batch: Sequence[Shown]) -> Augmented:
    """Whole pictures as the model sees them, IMAGE_SIZE wide and high: cut a little by chance, then `_disturbed`."""
    zoom = 1 - 0.15 * torch.rand(len(batch), 1)
    middle = (torch.rand(len(batch), 2) * 2 - 1) * (1 - zoom)
    return _disturbed(_cut_out(batch, zoom, middle, IMAGE_SIZE))


def close_looks(batch: Sequence[Shown]) -> Augmented:
    """Of every picture about half its side, around somebody by chance, or anywhere where nobody is; `_disturbed`."""
    zoom = 0.5 - 0.08 * torch.rand(len(batch), 1)
    middle = torch.stack([_spot(shown.who) for shown in batch]).clamp(zoom - 1, 1 - zoom)
    return _disturbed(_cut_out(batch, zoom, middle, IMAGE_SIZE // 2))


def _spot(who: Tensor) -> Tensor:
    """A point (x, y) of somebody by chance, or of anything where nobody is; from -1 to 1, as `grid_sample` counts."""
    spots = (who >= 0).nonzero()
    if not len(spots):
        return torch.rand(2) * 2 - 1
    row, column = spots[torch.randint(len(spots), ())]
    return torch.stack([(2 * column + 1) / who.shape[1] - 1, (2 * row + 1) / who.shape[0] - 1])


def _cut_out(batch: Sequence[Shown], zoom: Tensor, middle: Tensor, side: int) -> Augmented:
    """Windows of `zoom` [B, 1] times the picture's sides around `middle` [B, 2], at `side`; values from 0 to 1."""
    values = torch.from_numpy(np.stack([shown.picture for shown in batch])).permute(0, 3, 1, 2).float() / 255
    who = torch.stack([shown.who for shown in batch])[:, None].float()
    affine = torch.zeros(len(batch), 2, 3)
    affine[:, 0, 0], affine[:, 1, 1], affine[:, :, 2] = zoom[:, 0], zoom[:, 0], middle
    grid = F.affine_grid(affine, [len(batch), 3, side, side], align_corners=False)
    cut = F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    who = F.grid_sample(who, grid, mode="nearest", padding_mode="border", align_corners=False)[:, 0]
    return Augmented(cut, who.to(torch.int8))


def _disturbed(shown: Augmented) -> Augmented:
    """Half of the pictures softened, all grained a little, as a video decoder softens and grains them; light and
    contrast changed a little; normalised."""
    cut, count = shown.images, len(shown.images)
    small = F.interpolate(cut, scale_factor=float(torch.empty(1).uniform_(0.35, 0.8)), mode="area")
    soft = F.interpolate(small, size=cut.shape[-2:], mode="bilinear")
    cut = torch.where(torch.rand(count, 1, 1, 1) < 0.5, soft, cut)
    cut = cut * (1 + 0.12 * (torch.rand(count, 1, 1, 1) - 0.5)) + 0.08 * (torch.rand(count, 3, 1, 1) - 0.5)
    cut = cut + 0.07 * torch.rand(count, 1, 1, 1) * (torch.rand(cut.shape[1:]) * 2 - 1)
    images = (cut.clamp(0, 1) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    return Augmented(images, shown.who)


def contrastive_loss(images: Tensor, texts: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross-entropy with every true pair as a target, not only the diagonal.

    Args:
        images: unit rows [B, D].
        texts: unit rows [T, D].
        truth: bool [B, T]; every row and column holds at least one True.
        scale: inverse temperature.
    """
    logits = scale * images @ texts.T
    by_image = truth / truth.sum(1, keepdim=True)
    by_text = truth / truth.sum(0, keepdim=True)
    return -0.5 * ((by_image * logits.log_softmax(1)).sum(1).mean() + (by_text * logits.log_softmax(0)).sum(0).mean())


class _Learner:
    """The model, its optimizers, and how far they have come."""

    def __init__(self, settings: ClipTraining, described: Path) -> None:
        self.model = build_clip(described).to(memory_format=torch.channels_last)
        self.step = 0
        self._rate = settings.rate
        self._tokenizer = tokenizer_of(described)
        self._questions = {thing: self._tokenizer(list(questions(thing))) for thing in THINGS}
        self._cells = CellQuestions(settings.size.width)
        self._cells.listen_to(self.model.visual)
        matrices, rest = split_weights(self.model, OUTER_LAYERS)
        self._optimizers = (
            Muon(matrices, settings.rate, decay=0.05),
            torch.optim.AdamW(
                [*rest, *self._cells.parameters()], settings.rate, betas=(0.9, 0.98), weight_decay=0.01
            ),
        )
        self._average: dict[str, float] = {}

    def look_closely(self, batch: Sequence[Shown], share: float) -> None:
        """One step of the first lesson: close looks at figures, whose cells are asked whom they show."""
        looks = close_looks(batch)
        with autocast(looks.images.device):
            see_maps(self.model.visual, looks.images.contiguous(memory_format=torch.channels_last))
        cells = self._cells.loss(looks.who, [shown.script for shown in batch])
        self._descend(cells, share)
        self._count({"cells": cells})

    def learn(self, batch: Sequence[Shown], said: Sequence[Statement], share: float) -> None:
        """One step; `share` of the whole training is over, 0 to 1."""
        shown = augment(batch)
        images = shown.images.contiguous(memory_format=torch.channels_last)
        scripts = [each.script for each in batch]
        thing = THINGS[self.step % len(THINGS)]
        truth = torch.tensor([[holds(each, script) for each in said] for script in scripts])
        # PyTorch's fused attention is written for long sequences: on a CPU its backward takes most of a step here.
        with autocast(images.device), sdpa_kernel(SDPBackend.MATH):
            seen = self.model.encode_image(images)
            told = read_sentences(self.model, self._tokenizer([each.text for each in said]))
            offered = read_sentences(self.model, self._questions[thing])
        seen, told, offered = (F.normalize(each.float(), dim=-1) for each in (seen, told, offered))
        scale = self.model.logit_scale.exp()
        captions = contrastive_loss(seen, told, truth, scale)
        asked = zero_shot_loss(scale * seen @ offered.T, answered(scripts, thing))
        cells = self._cells.loss(shown.who, scripts)
        self._descend(captions + asked + cells, share)
        self._count({"captions": captions, "questions": asked, "cells": cells})

    def progress(self) -> dict[str, float]:
        """Running means of the losses, and the inverse temperature."""
        return {
            **{name: round(value, 4) for name, value in self._average.items()},
            "scale": round(float(self.model.logit_scale.detach().exp()), 2),
        }

    def state(self) -> dict[str, Any]:
        """Everything that going on needs."""
        return {
            "model": self.model.state_dict(),
            "cells": self._cells.state_dict(),
            "optimizers": [each.state_dict() for each in self._optimizers],
            "step": self.step,
            "average": self._average,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier state."""
        self.model.load_state_dict(state["model"])
        self._cells.load_state_dict(state["cells"])
        for optimizer, kept in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self._average = state["step"], dict(state["average"])

    def _count(self, losses: Mapping[str, Tensor]) -> None:
        self.step += 1
        for name, loss in losses.items():
            value = float(loss.detach())
            self._average[name] = 0.98 * self._average.get(name, value) + 0.02 * value

    def _descend(self, loss: Tensor, share: float) -> None:
        rate = self._rate * (min(1.0, (self.step + 1) / 100) * (1 - share) ** 0.8 + 0.01)
        for optimizer in self._optimizers:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = rate
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=float(np.log(MAX_LOGIT_SCALE)))


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
