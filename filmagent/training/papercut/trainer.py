"""The denoiser's training loop: curriculum, two optimizers, averaged weights, checkpoints by time. Draws nothing."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from filmagent.errors import UsageError
from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel, WanTransformer3DModel
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.denoiser import (
    Batch,
    Mixture,
    NoiseLevels,
    build_denoiser,
    losses,
    make_batch,
    make_step_batch,
)
from filmagent.training.papercut.excerpts import choose_wanted
from filmagent.training.papercut.latent_reader import LatentReader, ReaderTraining, open_reader
from filmagent.training.papercut.latents import StoryCache
from filmagent.training.papercut.machine import many_shapes
from filmagent.training.papercut.muon import Muon, split_weights
from filmagent.training.papercut.some_tokens import KeptTokens, read_short_texts
from filmagent.training.papercut.text import build_text_encoder, build_tokenizer, encode_text
from filmagent.training.papercut.truth import TruthHeads, WordHeads
from filmagent.training.papercut.warm_start import take_over
from filmagent.training.papercut.words import teach_words

CHECKPOINT = "denoiser.pt"
ASKED_BLOCK = 3
"""Of eight: by then it should be known who is where and how they stand, and the other blocks can draw it."""
OUTER_LAYERS = (
    "patch_embedding",
    "proj_out",
    "shared",
    "relative_attention_bias",
    "scale_shift_table",
    "time_proj",
    "ask",
)


@dataclass(frozen=True)
class DenoiserTraining:
    """Everything that decides a denoiser training."""

    minutes: float = 420.0
    seed: int = 3
    width: int = 256
    layers: int = 8
    text_width: int = 128
    inner_width: int = 2048
    """Of the blocks' MLPs, which hold what figures look like: weights with narrower ones are taken over and grow."""
    rate: float = 1e-3
    matrix_rate: float = 2e-3
    warm_up: int = 100
    decay_from: float = 0.76
    average: float = 0.995
    tokens_a_batch: int = 6144
    """Tokens of one step, memory included: steps of all kinds cost about the same."""
    kept: KeptTokens = field(default_factory=lambda: KeptTokens(memory=0.4, shot=0.4, words=44))
    """How much of every picture and sentence a step looks at: more examples teach more than more of each."""
    whole_stills: bool = False
    """Look at all of every picture that is asked for: what is fine is drawn beside what is next to it."""
    whole_from: float = 0.9
    """From here on it looks at whole pictures, as films do."""
    word_steps: int = 1500
    """Steps that the text encoder learns alone, before all others, where it meets words for the first time."""
    words_until: float = 0.07
    """Until here pictures are learned from words, mostly without memory: more examples a second."""
    stills_until: float = 0.5
    mixed_until: float = 0.55
    shots_mixed: float = 0.5
    shots_late: float = 0.6
    stills_a_story: int = 8
    shots_a_story: int = 4
    stills_beside_shots: int = 2
    first_still_stories: int = 160
    first_shot_stories: int = 32
    most_still_stories: int = 6000
    most_shot_stories: int = 2500
    still_stories_a_step: float = 1.5
    shot_stories_a_step: float = 0.25
    mixture: Mixture = field(default_factory=Mixture)
    reader: ReaderTraining = field(default_factory=ReaderTraining)
    """Of the reader of latents, which is taught first where the mixture gives its finding a weight."""
    start_from: Path | None = None
    """A folder of exported weights to begin with, where no checkpoint is there to continue."""
    compiled: bool = False
    """Compile the blocks for every count of memory: two thirds faster here, after half a minute for each."""
    device: str = "cpu"


FILM_ON: Mapping[str, Any] = {
    "minutes": 90.0,
    "rate": 4e-4,
    "matrix_rate": 8e-4,
    "words_until": 0.0,
    "stills_until": 0.0,
    "mixed_until": 1.0,
    "shots_mixed": 0.45,
    "decay_from": 0.3,
    "whole_from": 0.88,
    "kept": KeptTokens(memory=0.4, shot=0.7, words=44),
    "whole_stills": True,
    "first_still_stories": 1000,
    "first_shot_stories": 96,
    "still_stories_a_step": 0.5,
    "shot_stories_a_step": 0.3,
    "mixture": Mixture(
        levels=NoiseLevels(shift=2.5, shift_from_frames=3.0, from_words_share=0.25),
        memory_for_stills=(0, 1, 1, 2, 2, 3, 3, 5),
        swept_share=0.35,
        looks_weight=0.6,
    ),
}
"""How a denoiser trains on: it knows shapes and who is who already, and practises what is fine, and movement.

Twice the rate undoes in minutes what hours have learned; ten minutes with whole keyframes are what films need.
"""


class Models(nn.Module):
    """The two networks that are trained together, and the questions asked of the first while it learns."""

    def __init__(self, settings: DenoiserTraining, vocabulary_size: int) -> None:
        super().__init__()
        self.denoiser: WanTransformer3DModel = build_denoiser(
            settings.width, settings.layers, settings.text_width, settings.inner_width
        )
        self.encoder: UMT5EncoderModel = build_text_encoder(vocabulary_size, settings.text_width)
        self.heads = TruthHeads(settings.width)
        self.words = WordHeads(settings.text_width)
        read_short_texts(self.denoiser)


def listen(models: Models) -> None:
    """Let the truth heads hear the block that they ask."""
    models.heads.listen_to(models.denoiser.blocks[ASKED_BLOCK * len(models.denoiser.blocks) // 8])


@dataclass
class Run:
    """What one training holds in memory."""

    models: Models
    averaged: Models
    reader: LatentReader | None
    optimizers: list[torch.optim.Optimizer]
    tokenizer: PreTrainedTokenizerFast
    rng: random.Random
    step: int = 0
    samples: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """What a denoiser learns from: stories of stills, stories of shots, and what a cut is told."""

    stills: StoryCache
    shots: StoryCache
    unknown: Tensor


def open_run(
    settings: DenoiserTraining, folder: Path, clock: checkpoint.Clock, reader: LatentReader | None = None
) -> Run:
    """A new run, or the one that `folder` holds. Raises UsageError where that is of other networks."""
    rng = random.Random(settings.seed)
    torch.manual_seed(settings.seed)
    tokenizer = build_tokenizer()
    models = Models(settings, len(tokenizer))
    new_words = frozenset(tokenizer.get_vocab())
    if settings.start_from is not None:
        new_words = take_over(settings.start_from, tokenizer, models.denoiser, models.encoder)
    state = checkpoint.load(folder / CHECKPOINT, rng)
    if new_words and not state:
        teach_words(tokenizer, models.encoder, models.words, settings.word_steps, settings.seed)
    models = models.to(settings.device)
    averaged = copy.deepcopy(models).requires_grad_(False)
    matrices, rest = split_weights(models, OUTER_LAYERS)
    optimizers = [
        Muon(matrices, settings.matrix_rate),
        torch.optim.AdamW(rest, settings.rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    listen(models)
    if settings.compiled:
        for block in models.denoiser.blocks:
            # The forward alone, so that the hook of the truth heads stays outside of what is compiled.
            block.forward = torch.compile(block.forward, dynamic=False)
    run = Run(models, averaged, reader, optimizers, tokenizer, rng)
    if state:
        _take(models, state["models"], folder)
        _take(averaged, state["averaged"], folder)
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        run.step, run.samples, run.losses = state["step"], state["samples"], state["losses"]
        run.batches = state["batches"]
        clock.resume(state["spent"])
    return run


def train_denoiser(
    settings: DenoiserTraining,
    folder: Path,
    material: Material,
    max_steps: int | None = None,
    share_of_step: Callable[[int], float] | None = None,
) -> Run:
    """Train, or go on training, until the minutes are spent.

    `share_of_step` replaces the clock where a test or a study needs the same schedule on any machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader = _reader(settings, folder, material) if settings.mixture.looks_weight else None
    clock = checkpoint.Clock(settings.minutes)
    run = open_run(settings, folder, clock, reader)
    with many_shapes(settings.compiled):
        while max_steps is None or run.step < max_steps:
            spent = clock.advance()
            share = share_of_step(run.step) if share_of_step else spent
            if share >= 1:
                break
            kind, batch = _next_batch(settings, run, share, material)
            found = _step(settings, run, batch, _rate_factor(settings, run.step, share))
            names = {"flow": kind, "truth": f"{kind}, truth", "looks": f"{kind}, looks", "words": "words"}
            for part, loss in found.items():
                name = names[part]
                run.losses[name] = 0.98 * run.losses.get(name, loss) + 0.02 * loss
            if run.step % 50 == 0:
                _log(folder / "denoiser.jsonl", run, clock.spent, material)
            if clock.due():
                save_run(folder, run, clock.spent)
    clock.advance()
    save_run(folder, run, clock.spent)
    return run


def _reader(settings: DenoiserTraining, folder: Path, material: Material) -> LatentReader:
    """Whoever looks at pictures: taught by the first stories, or kept from before."""
    material.stills.grow(settings.first_still_stories)
    material.shots.grow(settings.first_shot_stories)
    stills = [clip for story in material.stills.stories for clip in story.stills]
    shots = [clip for story in material.shots.stories for clip in story.shots]
    return open_reader(settings.reader, folder, stills, shots).to(settings.device)


def _next_batch(settings: DenoiserTraining, run: Run, share: float, material: Material) -> tuple[str, Batch]:
    """Stills first, then both, then mostly shots; every step of a kind also brings fresh stories of that kind."""
    chance = 0.0 if share < settings.stills_until else settings.shots_late
    if settings.stills_until <= share < settings.mixed_until:
        chance = settings.shots_mixed
    moving = run.rng.random() < chance
    kind, cache = ("shots", material.shots) if moving else ("stills", material.stills)
    seen = run.batches.get(kind, 0)
    run.batches[kind] = seen + 1
    fresh = settings.shot_stories_a_step if moving else settings.still_stories_a_step
    first = settings.first_shot_stories if moving else settings.first_still_stories
    count = min(settings.most_shot_stories if moving else settings.most_still_stories, first + int(seen * fresh))
    cache.grow(count)
    mixture, stories, tokens = settings.mixture, cache.stories[:count], settings.tokens_a_batch
    if not moving:
        learns_words = share < settings.words_until
        memory = run.rng.choice(mixture.memory_for_first_stills if learns_words else mixture.memory_for_stills)
        kept = kept_tokens(settings, share, whole=settings.whole_stills)
        return kind, make_batch(run.rng, stories, tokens, memory, material.unknown, mixture, kept)
    wanted = choose_wanted(run.rng, stories, mixture.first_share, mixture.swept_share)
    # Every token of a set that slides comes from elsewhere, which must not have been left out.
    kept = kept_tokens(settings, share, whole=wanted.swept)
    return kind, make_step_batch(run.rng, stories, tokens, wanted, mixture, kept)


def kept_tokens(settings: DenoiserTraining, share: float, *, whole: bool) -> KeptTokens:
    """How much a step looks at when `share` of the training is over; all of what is asked for where that is `whole`."""
    if share >= settings.whole_from:
        return KeptTokens()
    return replace(settings.kept, shot=1.0) if whole else settings.kept


def _rate_factor(settings: DenoiserTraining, step: int, share: float) -> float:
    """Warm up, hold, and fall towards zero at the end."""
    falling = 1.0 if share < settings.decay_from else (1 - share) / (1 - settings.decay_from)
    return min(1.0, (step + 1) / settings.warm_up) * max(falling, 0.02)


def _step(settings: DenoiserTraining, run: Run, batch: Batch, factor: float) -> dict[str, float]:
    for optimizer, rate in zip(run.optimizers, (settings.matrix_rate, settings.rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        optimizer.zero_grad()
    sentences = [each.sentence for each in batch.said]
    text = encode_text(run.tokenizer, run.models.encoder, sentences, batch.kept.words)
    mixture = settings.mixture
    found = losses(run.models.denoiser, run.models.heads, run.reader, text, batch.to(settings.device), mixture)
    words = run.models.words.loss(text, batch.said)
    loss = found.flow + mixture.truth_weight * found.truth + mixture.words_weight * words
    loss = loss + mixture.looks_weight * found.looks
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.models.parameters(), 1.0)
    for optimizer in run.optimizers:
        optimizer.step()
    run.step += 1
    run.samples += len(batch.clean)
    old = min(settings.average, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        torch._foreach_lerp_(list(run.averaged.parameters()), list(run.models.parameters()), 1 - old)
    parts = {"flow": found.flow, "truth": found.truth, "words": words, "looks": found.looks}
    return {name: float(part.detach()) for name, part in parts.items()}


def save_run(folder: Path, run: Run, spent: float) -> None:
    """Write the checkpoint of a run."""
    state = {
        "models": run.models.state_dict(),
        "averaged": run.averaged.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "step": run.step,
        "samples": run.samples,
        "losses": run.losses,
        "batches": run.batches,
        "spent": spent,
    }
    checkpoint.save(folder / CHECKPOINT, state, run.rng)


def averaged_models(folder: Path, settings: DenoiserTraining | None = None) -> Models:
    """The averaged networks of the checkpoint that `folder` holds.

    Raises:
        UsageError: they are of another shape.
    """
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=False)
    models = Models(settings or DenoiserTraining(), len(build_tokenizer()))
    _take(models, state["averaged"], folder)
    return models


def _take(models: Models, weights: dict[str, Tensor], folder: Path) -> None:
    try:
        models.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"{str(folder / CHECKPOINT)!r} is of networks of another shape, or of a release that asked them other "
            "questions: export it with that release, and train on in a new folder with --from-weights"
        ) from error


def _log(path: Path, run: Run, spent: float, material: Material) -> None:
    line = {"step": run.step, "samples": run.samples, "seconds": round(spent), **run.losses}
    line |= {"still stories": len(material.stills.stories), "shot stories": len(material.shots.stories)}
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
