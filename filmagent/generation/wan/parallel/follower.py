"""Follows the leading process: loads what it loads, and takes part in every forward of an expert. Nothing else.

Knows no requests, no words and no files but the models'. Reads neither noise nor schedule: what comes in is what an
expert reads, what goes out is its share.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist

from filmagent.errors import FilmAgentError, GenerationError
from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.budget.ladder import RungName, is_out_of_memory, ladder_on
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.denoising.rope import memory_positions
from filmagent.generation.wan.fast.distilled import use_distilled
from filmagent.generation.wan.fast.setup import make_faster, with_distilled
from filmagent.generation.wan.models import (
    LoadedModels,
    Placement,
    choose_placement,
    load_adapted_expert,
    load_models,
    use_link,
)
from filmagent.generation.wan.parallel.arrangement import Arrangement
from filmagent.generation.wan.parallel.ensemble import Ensemble, lost_connection
from filmagent.generation.wan.parallel.orders import (
    Forward,
    Load,
    Reply,
    Rest,
    Split,
    Stop,
    Survey,
    UseLink,
    receive,
    receive_tensors,
    reply,
)
from filmagent.generation.wan.parallel.sequence import split_experts


def follow(ensemble: Ensemble) -> None:
    """Do what the leading process says, until it says stop or is gone.

    Raises:
        GenerationError: this GPU ran out of memory.
    """
    follower = _Follower(ensemble)
    try:
        while not isinstance(order := receive(ensemble), Stop):
            follower.carry_out(order)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise GenerationError(out_of_memory(f"GPU {ensemble.rank}", error)) from error
        if not lost_connection(error):
            raise  # otherwise the leading process, or another that it tells of, has ended


def out_of_memory(who: str, error: BaseException) -> str:
    """Return what a person reads when memory ran out on one of several GPUs."""
    said = str(error).strip().split("\n")[0][:120]
    return (f"out of memory on {who} ({said}): with several GPUs the rung of the memory ladder is chosen before the "
            "first shot and never during one; give --memory-budget for a lower rung, or lower size, length or memory")


class _Follower:
    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._arrangement = Arrangement(1, ensemble.size)
        self._config: WanConfig | None = None
        self._placement: Placement | None = None
        self._models: LoadedModels | None = None

    def carry_out(self, order: Survey | Load | Split | UseLink | Forward | Rest) -> None:
        match order:
            case Survey() | Load():
                reply(self._ensemble, self._try(order))
            case Split(arrangement):
                self._arrangement = arrangement
                split_experts(self._experts(), self._ensemble, arrangement)
            case UseLink():
                self._use_link(order)
            case Forward():
                self._forward(order)
            case Rest():
                self._loaded().pipeline.maybe_free_model_hooks()

    def _try(self, order: Survey | Load) -> Reply:
        try:
            if isinstance(order, Survey):
                return Reply(self._survey(order))
            self._load(order)
            return Reply()
        except (FilmAgentError, RuntimeError, MemoryError, OSError) as error:
            return Reply(problem=str(error) or type(error).__name__)

    def _survey(self, order: Survey) -> RungName:
        self._config, self._models = order.config, None
        self._placement = choose_placement(footprint_of(order.config), order.budget)
        return self._placement.rung.name

    def _load(self, order: Load) -> None:
        if self._config is None or self._placement is None:
            raise GenerationError("told to load before the survey")
        ladder = ladder_on(self._placement.precision.device)
        placement = replace(self._placement, rung=next(rung for rung in ladder if rung.name == order.rung))
        models = load_models(self._config, placement, with_distilled(load_adapted_expert))
        make_faster(models, self._config)
        if placement.rung.experts != "turns":  # there, offloading keeps track of all models
            models.pipeline.register_modules(text_encoder=None)
        self._models = models

    def _use_link(self, order: UseLink) -> None:
        models, config = self._loaded(), self._config
        if config is None:
            return
        use_link(config, models, order.link)
        if config.distilled is not None:
            use_distilled(self._experts(), config.distilled)

    def _forward(self, order: Forward) -> None:
        latents, timestep, *texts = receive_tensors(self._ensemble, order)
        text = texts[self._arrangement.branch_of(self._ensemble.rank) if order.guided else 0]
        expert = self._experts()[order.expert]
        with torch.no_grad(), self._loaded().precision.context(), \
                memory_positions([expert.rope], order.memory, order.stride):
            made = expert(hidden_states=latents, timestep=timestep, encoder_hidden_states=text, return_dict=False)[0]
        if order.guided:
            dist.broadcast(made.contiguous(), src=self._arrangement.span)

    def _experts(self) -> list[Any]:
        return self._loaded().pipeline.experts()

    def _loaded(self) -> LoadedModels:
        if self._models is None:
            raise GenerationError("told to work before the experts were loaded")
        return self._models
