"""Trains papercut's own CLIP: a small open_clip model that names who is in a papercut picture, and where.

Three lessons at once. Captions and pictures are matched as CLIP does it; every group of a batch holds a picture and
versions of it that differ in one thing each, so that colours and scarves count, not only places. The questions that
the scorers will ask (`a white cat` or `a black cat`?) are asked of every figure. And every cell of the picture tower's
maps is asked whom it shows, because captions alone teach kinds very slowly; with that the training begins, on close
looks that cost a quarter of a picture.
A training that begins with exported weights skips the close looks; half of its pictures are drawn by those weights.
The folder it leaves is an open_clip `local-dir:`. Knows nothing of memory and critics.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from filmagent.errors import ModelFilesError
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.clip.cells import CellQuestions, see_maps
from filmagent.training.papercut.clip.model import (
    WEIGHTS,
    ClipSize,
    build_clip,
    read_sentences,
    tokenizer_of,
    write_description,
    write_weights,
)
from filmagent.training.papercut.clip.pictures import Groups, PicturePool, Shown, augment, close_looks
from filmagent.training.papercut.clip.questions import THINGS, answered, questions, zero_shot_loss
from filmagent.training.papercut.clip.redrawn import Redrawer
from filmagent.training.papercut.clip.texts import Statement, holds, statement
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.muon import Muon, split_weights

OUTER_LAYERS = ("visual.conv1", "attnpool", "embedding", "text_projection")
"""Parts that Muon leaves to AdamW: inputs, outputs, and the pooling, whose large matrices would cost it too much."""
MAX_LOGIT_SCALE = 100.0
"""Ceiling of the learned inverse temperature (Radford et al., "Learning Transferable Visual Models", 2021)."""


@dataclass(frozen=True)
class ClipTraining:
    """Everything that decides a CLIP training."""

    minutes: float = 20.0
    seed: int = 1
    close_until: float = 0.4
    """Until here the tower looks closely at figures, and is asked about cells alone."""
    close_looks: int = 144
    """Close looks of a batch, each at another shot."""
    looked_at: Groups = field(default_factory=lambda: Groups(kept=480, fresh=48, versions=1, somebody=True))
    """What is drawn for close looks: each picture is looked at three times, by chance."""
    different: int = 20
    """Different shots of a batch afterwards."""
    told: Groups = field(default_factory=lambda: Groups(kept=160, fresh=5, versions=3, somebody=False))
    """What is drawn for sentences."""
    workers: int = 0
    """Processes that draw ahead; with 0 this one draws."""
    rate: float = 3e-3
    size: ClipSize = field(default_factory=ClipSize)
    start_from: Path | None = None
    """A folder of exported papercut weights: begin with its CLIP model, and see every other picture as its denoiser
    draws it. What is judged in films is drawn so, and a model that has seen rendered pictures alone fails it."""


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
    redraw = None
    if settings.start_from is not None:
        learner.begin_with(settings.start_from / "clip")
        redraw = Redrawer(settings.start_from)
    if state := checkpoint.load(folder / "clip.pt", rng):
        learner.restore(state)
        clock.resume(state["spent"])

    def save() -> None:
        checkpoint.save(folder / "clip.pt", {**learner.state(), "spent": clock.spent}, rng)
        write_weights(learner.model, made)

    with ProcessPoolExecutor(settings.workers) if settings.workers else nullcontext() as processes:
        pictures: PicturePool | None = None
        while (share := clock.advance()) < 1 and (max_steps is None or learner.step < max_steps):
            close = share < settings.close_until
            groups = settings.looked_at if close else settings.told
            if pictures is None or pictures.groups != groups:
                pictures = PicturePool(groups, settings.seed, learner.step * groups.fresh, processes, redraw)
            if close:
                learner.look_closely(pictures.batch(settings.close_looks, rng), share)
            else:
                batch = pictures.batch(settings.different, rng)
                learner.learn(batch, [statement(shown.script, rng) for shown in batch], share)
            if learner.step % 50 == 0:
                _log(folder / "clip.jsonl", {"step": learner.step, "seconds": round(clock.spent), **learner.progress()})
            if clock.due():
                save()
    save()
    return made


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

    def begin_with(self, folder: Path) -> None:
        """Take over the weights of a finished model. Raises ModelFilesError where `folder` holds none of this size."""
        try:
            self.model.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ModelFilesError(f"{folder} holds no CLIP model to begin with ({error}): train one anew") from None

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
