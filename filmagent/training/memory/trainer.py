"""The training loop of one expert's memory: goes on where its folder stands, on one process or on many.

    OUT/EXPERT/checkpoint.pt, metrics.jsonl, curve.png, validation-000250.png
    OUT/weights/backbone*.safetensors

All chance of a step is a function of seed, step and process, so that a run that was killed goes on to the same weights.
Processes are accelerate's; each holds the whole frozen expert, or they share it out (`sharding`). Everything is checked
before any weight is loaded.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.trained.bases import Base, BaseIdentity, check_base, identify
from filmagent.generation.trained.files import TrainedMemory, save_trained, weights_file
from filmagent.generation.wan.compute.attention_processor import open_attention
from filmagent.generation.wan.compute.quick_gelu import quicken
from filmagent.generation.wan.weights.lora import leave_types_to_autocast
from filmagent.scoring.clip import features_for
from filmagent.training.memory.adapting import learned, load_learning_expert, put
from filmagent.training.memory.checkpoint import append_log, cut_log, load_checkpoint, save_checkpoint
from filmagent.training.memory.drawing import Drawn, draw_alike, usable_shots
from filmagent.training.memory.films import TrainingFilm, films_revision
from filmagent.training.memory.learners import Learner, draw_noise, make_learner
from filmagent.training.memory.levels import LevelRange, levels_of
from filmagent.training.memory.materials import Materials, check_prompts
from filmagent.training.memory.optimizers import CLIP, check_optimizer, make_optimizer, set_rates
from filmagent.training.memory.settings import MemoryTraining
from filmagent.training.memory.sharding import average_gradients, check_processes, check_sharding, shard_frozen
from filmagent.training.memory.validation import draw_held_out, hold_out, validate
from filmagent.training.onestory.features import FilmFeatures

SMOOTHING = 0.98
WEIGHTS = "weights"
FEATURES, LATENTS = "features", "latents"
"""What frozen models made of the films, in the folder of these."""
LEAST_FILMS = 2


@dataclass(frozen=True)
class Plan:
    """A training that was checked and can begin."""

    base: Base
    identity: BaseIdentity
    settings: MemoryTraining
    films: list[TrainingFilm]
    held_out: list[TrainingFilm]
    usable: list[tuple[int, int]]
    validated: list[Drawn]
    features: FilmFeatures | None
    """By which OneStory's memory is judged; None: another policy."""
    latents_home: Path | None
    """Where latents of films' frames are kept; None: they are made anew."""
    decided: dict[str, str]
    """What a run that goes on from another must have in common with it; processes come on top."""

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.settings.policy}{_told(self.settings)} on {self.base.name}, {self.settings.expert}: "
            f"{len(self.films)} films with {len(self.usable)} usable shots, {len(self.held_out)} held out; "
            f"{self.settings.frames} frames of {self.settings.size}, rank {self.settings.rank}, "
            f"rate {self.settings.rate:g}, {self.settings.steps} steps of "
            f"{self.settings.batch * self.settings.accumulate} examples"
        )


def _told(settings: MemoryTraining) -> str:
    """Say what a policy is trained with that it could be trained without."""
    if settings.policy == "onestory":
        return f", budget {settings.budget}"
    if settings.cached:
        return ", memory read once,"
    queries = "" if settings.queries == "both" else f", {settings.queries} queries alone,"
    never = settings.policy == "memento" and settings.reconstruction == 0
    return queries + (f"{'' if queries else ','} without reconstruction," if never else "")


def plan_training(
    base: Base, films: Sequence[TrainingFilm], settings: MemoryTraining, home: Path | None = None
) -> Plan:
    """Check base, films and settings together; loads no weight but the tokenizer's.

    Args:
        base: what is trained on.
        films: what is learned from; the last ones are held out.
        settings: everything else that is decided.
        home: a folder where what frozen models make of films is kept: latents, and the features that OneStory learns
            from; None: they are made anew.

    Raises:
        UsageError: something cannot be trained with; the message says what.
        ModelFilesError: files of the base are missing or broken, or it is of another class.
    """
    if settings.expert not in base.experts:
        raise UsageError(f"{base.name} has no {settings.expert} expert; choose from {', '.join(base.experts)}")
    check_optimizer(settings)
    check_base(base, settings.size, settings.frames)
    check_sharding(base, settings)
    if len(films) < LEAST_FILMS:
        raise UsageError(f"{len(films)} sequence(s): one is held out to validate with, so give {LEAST_FILMS} or more")
    learned_from, held_out = hold_out(films)
    usable, validated = usable_shots(learned_from, settings.frames), draw_held_out(held_out, settings)
    if all(shot == 0 for _, shot in usable):
        raise UsageError("no film has a usable shot after its first: there is nothing to remember; give longer shots")
    if settings.policy == "memento" and settings.reconstruction and not any(film.targets for film in learned_from):
        raise UsageError(
            "no sequence has reconstruction targets, which are half of what Memento learns from: "
            "curate the films again, train storymem, or give --reconstruction 0"
        )
    features = None
    if settings.policy == "onestory":
        if len({film.source for film in learned_from}) < LEAST_FILMS:
            raise UsageError(
                "OneStory learns from shots of strangers as well: give sequences of two films or more, besides the "
                "last sequence, which is held out"
            )
        features = FilmFeatures(features_for(base.eyes), None if home is None else home / FEATURES)
    check_prompts(base.config, films)
    identity = identify(base, settings.expert)
    decided = {
        **settings.decisive(),
        "films": films_revision(films),
        "base_shape": identity.shape,
        "base_weights": identity.weights,
        "features": "" if features is None else features.revision,
    }
    latents_home = None if home is None else home / LATENTS
    return Plan(base, identity, settings, learned_from, held_out, usable, validated, features, latents_home, decided)


@dataclass
class Run:
    """What one training holds in memory."""

    learner: Learner
    wrapped: Any
    """The learner, as accelerate wraps it; itself where one process trains, or several share the frozen weights."""
    optimizer: Any
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0
    smoothed: dict[str, float] = field(default_factory=dict)


def train_memory(
    plan: Plan,
    out: Path,
    *,
    cpu: bool = False,
    on_film: Callable[[int, int], None] = lambda done, of: None,
    on_step: Callable[[int, Mapping[str, float]], None] = lambda step, line: None,
) -> Path:
    """Train, or go on training, up to the planned step; returns the file of weights (the averaged ones).

    Args:
        plan: of `plan_training`.
        out: the folder of all experts' trainings.
        cpu: leave a card alone.
        on_film: called in the first process with (films looked at, films in all), where memory is judged.
        on_step: called in the first process after every step with its number and its line of the log.

    Raises:
        UsageError: the folder holds another training, accelerate is configured for something else than processes, or
            one process is to share weights.
        ModelFilesError: files are broken.
        GenerationError: the loss is no number.
    """
    accelerator = _accelerator(plan.settings, cpu)
    decided = {**plan.decided, "processes": str(accelerator.num_processes)}
    home = out / plan.settings.expert
    state = load_checkpoint(home / "checkpoint.pt", decided)
    home.mkdir(parents=True, exist_ok=True)
    if plan.features is not None:
        with accelerator.main_process_first():
            plan.features.prepare([*plan.films, *plan.held_out], on_film if accelerator.is_main_process else _quiet)
    config, settings = plan.base.config, plan.settings
    materials = Materials(config, accelerator.device, settings.size, settings.frames, plan.features, plan.latents_home)
    run = _open_run(plan, accelerator, materials, state)
    if accelerator.is_main_process:
        cut_log(home / "metrics.jsonl", run.step)
    levels = levels_of(config.sampling, settings.expert)
    began = time.monotonic() - run.seconds
    while run.step < settings.steps:
        line = _step(plan, accelerator, run, materials, levels)
        run.seconds = time.monotonic() - began
        done = run.step == settings.steps
        main = accelerator.is_main_process
        if (run.step % settings.validate_every == 0 or done) and (main or settings.shard):
            line |= _validate(plan, run, materials, levels, home if main else None)
        if main:
            line["seconds"] = round(run.seconds, 3)
            append_log(home / "metrics.jsonl", line)
            if run.step % settings.save_every == 0 or done:
                _save(plan, run, out, decided)
            on_step(run.step, line)
        accelerator.wait_for_everyone()
    if accelerator.is_main_process and (home / "metrics.jsonl").exists():
        _draw_curve(home)
    return weights_file(out / WEIGHTS, settings.expert)


def _accelerator(settings: MemoryTraining, cpu: bool) -> Any:
    """Return accelerate's processes; it reads its own configuration (`accelerate config`, `accelerate launch`)."""
    from accelerate import Accelerator, DistributedDataParallelKwargs

    # A small pool is shown whole, and then Memento's selector has no part in a step; nor have queries that do not
    # choose in any, nor every patchifier always.
    handler = DistributedDataParallelKwargs(find_unused_parameters=settings.policy != "storymem")
    accelerator = Accelerator(cpu=cpu, mixed_precision="no", kwargs_handlers=[handler])
    check_processes(accelerator.distributed_type.value, accelerator.num_processes, settings.shard)
    return accelerator


def _open_run(plan: Plan, accelerator: Any, materials: Materials, state: dict[str, Any] | None) -> Run:
    expert = load_learning_expert(plan.base, plan.settings, materials.precision.expert_dtype)
    if materials.precision.autocast:
        quicken(expert)
        open_attention(expert)
        leave_types_to_autocast(expert)
    learner = make_learner(expert, plan.settings, plan.base.config.sampling.memory_stride)
    if plan.settings.shard:
        shard_frozen(learner, accelerator.device)
    else:
        learner.to(accelerator.device)
    optimizer = make_optimizer(plan.settings, learned(expert))
    if state is not None:
        put(expert, state["weights"])
        optimizer.load_state_dict(state["optimizer"])
    alone = accelerator.num_processes == 1 or plan.settings.shard
    wrapped = learner if alone else accelerator.prepare_model(learner)
    average = {name: weight.detach().clone() for name, weight in learned(expert).items()}
    run = Run(learner, wrapped, optimizer, average)
    if state is not None:
        run.average = {name: kept.to(accelerator.device) for name, kept in state["average"].items()}
        run.step, run.seconds, run.smoothed = state["step"], state["seconds"], state["smoothed"]
    return run


def _step(plan: Plan, accelerator: Any, run: Run, materials: Materials, levels: LevelRange) -> dict[str, float]:
    """Make one step; returns its line of the log."""
    settings = plan.settings
    rate = set_rates(run.optimizer, settings, run.step)
    run.optimizer.zero_grad(set_to_none=True)
    found: dict[str, list[float]] = {}
    for part in range(settings.accumulate):
        rng = random.Random(f"{settings.seed} {run.step} {part} {accelerator.process_index}")
        drawn = draw_alike(rng, plan.films, plan.usable, settings, run.step)
        examples = materials.examples(plan.films, drawn)
        shares = torch.tensor([levels.at(rng.random()) for _ in drawn], device=accelerator.device)
        noise = draw_noise(examples, [rng.getrandbits(63) for _ in drawn])
        torch.manual_seed(rng.getrandbits(63))  # the dropout's chance
        losses = run.wrapped(examples, shares, noise)
        (losses["loss"] / settings.accumulate).backward()
        for name, loss in losses.items():
            found.setdefault(name, []).append(float(loss.detach()))
    weights = learned(run.learner.expert)
    if settings.shard:
        average_gradients(weights.values())
    norm = torch.nn.utils.clip_grad_norm_(weights.values(), CLIP)
    means = _mean_over_processes(accelerator, found)
    if not (torch.isfinite(norm) and all(isfinite(value) for value in means.values())):
        raise GenerationError(
            f"step {run.step + 1}: the loss is no number; lower the rate of {settings.rate:g}; the "
            "last checkpoint is from before"
        )
    run.optimizer.step()
    run.step += 1
    _average(run, weights, settings)
    for name, value in means.items():
        run.smoothed[name] = SMOOTHING * run.smoothed.get(name, value) + (1 - SMOOTHING) * value
    smoothed = {f"{name}, smoothed": value for name, value in run.smoothed.items()}
    return {"step": run.step, **means, **smoothed, "gradient": float(norm), "rate": rate}


def _mean_over_processes(accelerator: Any, found: Mapping[str, list[float]]) -> dict[str, float]:
    """Return each loss's mean over all examples that have it."""
    names = ("loss", "shot", "reconstruction", "selection")
    sums = torch.tensor(
        [[sum(found.get(name, [])), float(len(found.get(name, [])))] for name in names], device=accelerator.device
    )
    whole = accelerator.reduce(sums, reduction="sum")
    return {name: float(total / count) for name, (total, count) in zip(names, whole, strict=True) if count > 0}


@torch.no_grad()
def _average(run: Run, weights: Mapping[str, torch.nn.Parameter], settings: MemoryTraining) -> None:
    kept = min(settings.average, (1 + run.step) / (10 + run.step))
    torch._foreach_lerp_([run.average[name] for name in weights], list(weights.values()), 1 - kept)


def _validate(plan: Plan, run: Run, materials: Materials, levels: LevelRange, home: Path | None) -> dict[str, float]:
    """Validate with the averaged weights; without a home, only help the processes that share the weights."""
    expert = run.learner.expert
    trained = {name: weight.detach().clone() for name, weight in learned(expert).items()}
    put(expert, run.average)
    try:
        held_out, sheet = validate(run.learner, materials, plan.held_out, plan.validated, levels)
    finally:
        put(expert, trained)
    if home is not None:
        sheet.save(home / f"validation-{run.step:06d}.png")
    return held_out


def _save(plan: Plan, run: Run, out: Path, decided: Mapping[str, str]) -> None:
    """Write the checkpoint and the weights to film with."""
    settings = plan.settings
    save_checkpoint(
        out / settings.expert / "checkpoint.pt",
        {
            "decided": dict(decided),
            "step": run.step,
            "seconds": run.seconds,
            "smoothed": run.smoothed,
            "weights": {name: weight.detach().cpu() for name, weight in learned(run.learner.expert).items()},
            "average": {name: weight.cpu() for name, weight in run.average.items()},
            "optimizer": run.optimizer.state_dict(),
        },
    )
    shape = run.learner.expert.memory if settings.policy == "onestory" else None
    told = TrainedMemory(
        settings.policy,
        settings.expert,
        settings.rank,
        run.step,
        plan.identity,
        settings.cached,
        shape,
        settings.queries,
        settings.reconstruction if settings.policy == "memento" else None,
    )
    save_trained(weights_file(out / WEIGHTS, settings.expert), run.average, told)
    _draw_curve(out / settings.expert)


def _quiet(done: int, of: int) -> None:
    """Say nothing: the first process does."""


def _draw_curve(home: Path) -> None:
    from filmagent.training.papercut.sheet import curve

    curve(home / "metrics.jsonl", ("shot, smoothed", "held out")).save(home / "curve.png")
