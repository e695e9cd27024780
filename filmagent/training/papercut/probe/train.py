"""Trains the probe of the papercut benchmark on rendered frames, and measures it on shots it has never seen.

Shots are rendered as training goes on; a pool of them is kept and learned from several times, softened differently
each time. Knows no generator and no memory: nothing that the probe will judge takes part in its training.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from filmagent.artifacts import atomic_path
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.machine import autocast
from filmagent.training.papercut.muon import Muon, split_weights
from filmagent.training.papercut.probe.data import Batch, Sample, batch_of, rendered, soften
from filmagent.training.papercut.probe.net import ProbeNet, ProbeSize, Told, load_probe, save_probe
from filmagent.training.papercut.probe.pools import LookPool, Looks, SamplePool, held_otherwise, looks_of
from filmagent.training.papercut.probe.questions import SHOWN, Reading, truth_of
from filmagent.training.papercut.probe.reader import read_with
from filmagent.training.papercut.world import FPS, render_shot, sample_shot, sample_story

HELD_OUT = "held out probe"
"""Seed of the measured shots; training seeds are numbers."""
MEASURED_SHOTS = 600
CHECKPOINT, LOG = "probe.pt", "probe.jsonl"
FIRST_LOOKS = 10
"""Batches of figures that are looked at before the first step."""
LOG_EVERY = 50
"""Steps."""
HEIGHT_OFF = 0.3
"""Steps: from here on a height is wrong in proportion, below by the square."""
OUTER_LAYERS = ("near.1", "dense", "picture", "presence", "kind", "height", "figure.3")
"""Parts that Muon leaves to AdamW: inputs, embeddings and answers."""


@dataclass(frozen=True)
class ProbeTraining:
    """Everything that decides a training of the probe."""

    minutes: float = 79.0
    seed: int = 1
    batch: int = 64
    close_from: float = 0.5
    """Until here everything learns; from here on only the close look at figures, whose attributes take longest."""
    close_batch: int = 128
    """Figures of a step."""
    close_fresh: int = 48
    """Samples rendered at once for such steps: to draw and find a figure takes longer than to learn from it."""
    close_every: int = 6
    """Such steps from one time that samples are rendered to the next."""
    close_room: int = 40000
    """Figures whose close looks are kept, of 65 kB each."""
    pool: int = 10000
    """Samples kept rendered; a batch is drawn from them."""
    fresh: int = 24
    """Samples rendered at every step: they fill the pool, then take the place of others."""
    rate: float = 2e-3
    device: str = "cpu"
    workers: int = 0
    """Processes that render ahead; 0: this one renders between steps. A GPU wants one for every other core."""
    start_from: Path | None = None
    """A folder of an exported probe to begin with, where no checkpoint is there to continue."""
    size: ProbeSize = field(default_factory=ProbeSize)


def train_probe(settings: ProbeTraining, folder: Path, max_steps: int | None = None) -> ProbeNet:
    """Train, or go on training, until the minutes are spent.

    `folder` keeps the checkpoint `probe.pt` and the log `probe.jsonl`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    learner = _Learner(settings)
    clock = checkpoint.Clock(settings.minutes)
    if state := checkpoint.load(folder / CHECKPOINT, rng):
        learner.restore(state)
        clock.resume(state["spent"])

    def save() -> None:
        checkpoint.save(folder / CHECKPOINT, {**learner.state(), "spent": clock.spent}, rng)

    samples = SamplePool(settings.pool, rendered(f"{settings.seed}/{learner.step}", settings.workers), rng)
    looks = LookPool(settings.close_room)
    while (share := clock.advance()) < 1 and (max_steps is None or learner.step < max_steps):
        if share < settings.close_from:
            learner.learn(samples.draw(settings.batch, settings.fresh), share)
        else:
            samples.clear()
            if learner.step % settings.close_every == 0:
                learner.look(samples.fresh(settings.close_fresh), looks)
            while len(looks) < min(FIRST_LOOKS * settings.close_batch, settings.close_room):
                learner.look(samples.fresh(settings.close_fresh), looks)
            learner.learn_closely(looks.draw(settings.close_batch, learner.device), share)
        if learner.step % LOG_EVERY == 0:
            _log(folder / LOG, {"step": learner.step, "seconds": round(clock.spent), **learner.progress()})
        if clock.due():
            save()
    clock.advance()
    save()
    return learner.net


def export_probe(net: ProbeNet, settings: ProbeTraining, out: Path, shots: int = MEASURED_SHOTS) -> dict[str, float]:
    """Write the weights in half precision with what they measure on held-out shots; returns share right by question.

    What is measured is the network after rounding, read as the benchmark reads it.
    """
    rounded = ProbeNet(net.size)
    rounded.load_state_dict(net.state_dict())
    measured = measure_probe(rounded.half().float().eval(), shots)
    trained: dict[str, Any] = {"minutes": settings.minutes, "seed": settings.seed}
    if settings.start_from is not None:
        trained["begun_with"] = "the weights of an earlier probe"
    save_probe(rounded, out, {"trained": trained, "held_out_shots": shots, "accuracy": measured})
    with atomic_path(out / "README.md") as beside:
        beside.write_text(_readme(measured, trained, shots), encoding="utf-8")
    return measured


def measure_probe(net: ProbeNet, shots: int = MEASURED_SHOTS) -> dict[str, float]:
    """Share of right answers on held-out shots by question; `kinds` is right when nobody is missing or invented."""
    net = net.to("cpu").eval()
    rng = random.Random(HELD_OUT)
    right: dict[str, list[bool]] = defaultdict(list)
    for _ in range(shots):
        script = sample_shot(rng, sample_story(rng))
        frames = render_shot(script).frames
        truth = truth_of(script, (len(frames) - 1) / 2 / FPS)
        _compare(truth, read_with(net, frames, truth.kinds), right)
    return {question: round(float(np.mean(answers)), 5) for question, answers in sorted(right.items())}


def probe_loss(net: ProbeNet, batch: Batch) -> dict[str, Tensor]:
    """Mean cross-entropy of every question, and of the map of who is where."""
    seen = net(batch.frames)
    losses = {
        "map": F.cross_entropy(seen.dense, batch.cells),
        "kinds": len(batch.presence[0]) * F.binary_cross_entropy_with_logits(net.presence_logits(seen), batch.presence),
    }
    for question, logits in net.picture_logits(seen).items():
        losses[question] = F.cross_entropy(logits, batch.picture[question])
    if len(batch.rows) == 0:
        return losses
    return losses | figure_losses(net.tell(net.look(seen, batch.rows, batch.kinds)), batch.figures, batch.heights)


def figure_losses(told: Told, truth: Mapping[str, Tensor], heights: Tensor) -> dict[str, Tensor]:
    """Mean cross-entropy of every question about figures that has a true answer anywhere, and the heights' error."""
    losses = {
        question: F.cross_entropy(logits.float(), truth[question])
        for question, logits in told.answers.items()
        if bool((truth[question] >= 0).any())
    }
    return {**losses, "height": F.smooth_l1_loss(told.heights, heights, beta=HEIGHT_OFF)}


class _Learner:
    """The network, its optimizer, and how far they have come."""

    def __init__(self, settings: ProbeTraining) -> None:
        self.device = torch.device(settings.device)
        net = ProbeNet(settings.size) if settings.start_from is None else load_probe(settings.start_from)[0]
        self.net: ProbeNet = net.to(self.device).train()
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.step = 0
        self._rate, self._close_from = settings.rate, settings.close_from
        close = {id(weight) for part in self.net.close_parts() for weight in part.parameters()}
        matrices, rest = (
            [{"params": [weight for weight in weights if (id(weight) in close) == is_close]} for is_close in (0, 1)]
            for weights in split_weights(self.net, OUTER_LAYERS)
        )
        self._optimizers = (
            Muon(matrices, settings.rate, decay=0.05),
            torch.optim.AdamW(rest, settings.rate, betas=(0.9, 0.98), weight_decay=0.02),
        )
        self._average: dict[str, float] = {}

    def learn(self, samples: list[Sample], share: float) -> None:
        """One step of everything; `share` of the whole training is over, 0 to 1."""
        batch = batch_of(samples, self.device)
        frames = soften(batch.frames).contiguous(memory_format=torch.channels_last)
        with autocast(self.device):
            losses = probe_loss(self.net, Batch(**{**batch.__dict__, "frames": frames}))
        self._follow(losses, 1 - share / self._close_from, 1 - share)

    def look(self, samples: list[Sample], looks: LookPool) -> None:
        """Look at new samples; from now on only the close look learns."""
        if self.net.training:
            self.net.look_only_closely()
        looks.add(looks_of(self.net, batch_of(samples, self.device)))

    def learn_closely(self, looks: Looks, share: float) -> None:
        """One step of the close look alone."""
        with autocast(self.device):
            losses = figure_losses(self.net.tell(held_otherwise(looks.look)), looks.truth, looks.heights)
        self._follow(losses, 0.0, 1 - share)

    def _follow(self, losses: dict[str, Tensor], left: float, left_closely: float) -> None:
        """Go down the losses' slope; shares of the time left, of everything's and of the close look's, set the rate."""
        warm = min(1.0, (self.step + 1) / 100)
        for optimizer in self._optimizers:
            optimizer.zero_grad()
            for group, falling in zip(optimizer.param_groups, (left, left_closely), strict=True):
                group["lr"] = self._rate * (warm * falling + 0.005)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        for optimizer in self._optimizers:
            optimizer.step()
        self.step += 1
        for name, loss in losses.items():
            value = float(loss.detach())
            self._average[name] = 0.98 * self._average.get(name, value) + 0.02 * value

    def progress(self) -> dict[str, float]:
        """Running means of the losses."""
        return {name: round(value, 4) for name, value in self._average.items()}

    def state(self) -> dict[str, Any]:
        """Everything that going on needs."""
        return {
            "net": self.net.state_dict(),
            "optimizers": [each.state_dict() for each in self._optimizers],
            "step": self.step,
            "average": self._average,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier state."""
        self.net.load_state_dict(state["net"])
        for optimizer, kept in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self._average = state["step"], dict(state["average"])


def _compare(truth: Reading, read: Reading, right: Mapping[str, list[bool]]) -> None:
    right["kinds"].append(read.kinds == truth.kinds)
    for question, answer in truth.picture.items():
        right[question].append(read.picture[question] == answer)
    for kind, answers in truth.figures.items():
        for question, answer in answers.items():
            right[question].append(read.figures[kind][question] == answer)


def _readme(measured: Mapping[str, float], trained: Mapping[str, Any], shots: int) -> str:
    begun = f", begun with {trained['begun_with']}" if "begun_with" in trained else ""
    lines = [
        "# The probe of the papercut benchmark",
        "",
        "A small convolutional network that reads who is in a papercut shot, what they look like and where it is.",
        "Trained by `filmagent train papercut probe` on rendered frames only "
        f"({trained['minutes']:g} minutes, seed {trained['seed']}{begun}); licence Apache-2.0.",
        "",
        f"Share of right answers on {shots} held-out rendered shots:",
        "",
        "| question | right |",
        "|---|---|",
        *(f"| {question} | {share:.1%} |" for question, share in measured.items()),
        "",
        f"A pattern is asked for only where the picture shows at least {SHOWN} pixels of it, or would if there were "
        "one: nobody can say what a vest hides.",
        "",
    ]
    return "\n".join(lines)


def _log(path: Path, line: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
