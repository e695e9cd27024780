"""A Wan generator's models in memory: loaded once, checked first, put where they fit, adapted by links.

Knows files, devices and adapters; nothing of requests or sampling.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from filmagent.errors import GenerationError, ModelFilesError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.wan.budget.footprint import Footprint
from filmagent.generation.wan.budget.ladder import (
    Rung,
    choose_rung,
    hold_to_budget,
    ladder_on,
    place,
    room_on,
    rungs_for,
)
from filmagent.generation.wan.compute.attention import AttentionChoice, ask_for_attention, choose_attention
from filmagent.generation.wan.compute.attention_processor import open_attention
from filmagent.generation.wan.compute.precision import Precision, choose_precision, round_ahead
from filmagent.generation.wan.compute.quick_gelu import quicken
from filmagent.generation.wan.compute.quick_vae import speed_up
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.denoising.picture_by_picture import PictureByPicturePipeline, PictureConditionEncoder
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.fast.compiling import compile_blocks
from filmagent.generation.wan.fast.foretold import cache_bytes
from filmagent.generation.wan.library import AutoencoderKLWan, AutoTokenizer, UMT5EncoderModel, WanTransformer3DModel
from filmagent.generation.wan.weights.checkpoints import adapter_file, load_part, needed_files, tokenizer_folder
from filmagent.generation.wan.weights.files import WEIGHTS_PICKLE, shapes_of, tensors_of
from filmagent.generation.wan.weights.filming_adapter import install_filming_adapter
from filmagent.generation.wan.weights.fitting import check_part_fits
from filmagent.generation.wan.weights.lora import attach_weights, leave_types_to_autocast, use_lora
from filmagent.generation.wan.weights.matrices import merge_adapters
from filmagent.generation.wan.weights.original.layout import is_original
from filmagent.schemas.story import LinkKind

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModels:
    """Everything that a shot is made with, ready."""

    pipeline: WanMemoryPipeline
    encoder: ConditionEncoder
    precision: Precision
    rung: Rung


@dataclass(frozen=True)
class Placement:
    """Where a configuration is going to run, decided before anything is loaded."""

    precision: Precision
    rung: Rung
    room: int
    """Bytes that may be used."""
    budget: int | None = None
    """Bytes that a person allowed; None: all that is free."""
    needed: int = 0
    """Bytes that the largest shot is estimated to take on this rung."""

    def check_budget(self) -> None:
        """Raise UsageError when even the last rung of the ladder is estimated to take more than a person allowed."""
        if self.budget is not None and self.needed > self.budget:
            raise UsageError(
                f"the memory budget of {self.budget / 2**30:.3g} GiB is too small: the last rung of the memory ladder "
                f"({self.rung.name}) takes about {self.needed / 2**30:.2f} GiB; allow that, or lower size or memory"
            )


def device_here() -> torch.device:
    """Return where models run on this machine: CUDA if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_placement(footprint: Footprint, budget: int | None = None) -> Placement:
    """Choose the rung of the memory ladder that the largest shot of a configuration fits on."""
    config = footprint.config
    precision = choose_precision(config.precision, device_here())
    room = room_on(precision.device, budget)
    shot = ShotShape(config.native_size, max(config.frames, config.max_frames), config.max_memory)
    ladder = rungs_for(ladder_on(precision.device), compiled=config.speed.compiled)
    needs = [(rung, peak_bytes(footprint, rung, shot, precision)) for rung in ladder]
    rung = choose_rung(needs, room)
    log.info(
        "memory ladder: %s (%s); room %.1f GB; estimated peaks: %s", rung.name, rung.says, room / 1e9,
        ", ".join(f"{entry.name} {needed / 1e9:.1f} GB" for entry, needed in needs),
    )
    return Placement(precision, rung, room, budget, dict(needs)[rung])


def peak_bytes(footprint: Footprint, rung: Rung, shot: ShotShape, precision: Precision) -> int:
    """Return the estimated peak of a shot on a rung of this precision's device."""
    number_bytes = precision.expert_dtype.itemsize
    plain = footprint.peak_bytes(rung, shot, number_bytes, on_card=precision.device.type != "cpu")
    return plain + cache_bytes(footprint, shot, number_bytes)


def load_adapted_expert(config: WanConfig, part: str, dtype: torch.dtype) -> Any:
    """Load one of diffusers' own experts, `transformer` or `transformer_2`, with its adapters on it.

    Raises:
        ModelFilesError: files are missing, broken, or do not fit.
    """
    expert = load_part(WanTransformer3DModel, config.folder, part, dtype)
    for adapter in config.adapters:
        file = adapter.high_noise if part == "transformer" else adapter.low_noise
        if file is not None:
            found = adapter_file(file)
            attach_weights(expert, dict(tensors_of(found, config.how_to_get)), found, adapter.name)
    return expert


def load_models(
    config: WanConfig, placement: Placement,
    load_expert: Callable[[WanConfig, str, torch.dtype], Any] = load_adapted_expert,
) -> LoadedModels:
    """Load a configuration's models; the files are looked at before the first is read.

    Args:
        config: what to load.
        placement: where.
        load_expert: called with the configuration, the part's name and the type of the weights, once an expert.

    Raises:
        ModelFilesError: files are missing, broken, or do not fit.
    """
    for file in needed_files(config):
        if file.suffix == WEIGHTS_PICKLE:
            shapes_of(file, config.how_to_get)  # refuses what is more than tensors
    if not is_original(config.folder):  # there every part is checked as it is read
        check_part_fits(config.folder, "text_encoder", config.how_to_get)  # its own loader names no misshapen key
    precision, rung = placement.precision, placement.rung
    hold_to_budget(precision.device, placement.budget)
    log.info("%s runs in %s: %s", config.name, precision.name, precision.reason)
    two = config.sampling.boundary_ratio is not None
    folder, dtype = config.folder, precision.expert_dtype
    try:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelFilesError(f"{str(tokenizer_folder(folder))!r} is no tokenizer: {error}") from error
    vae = load_part(AutoencoderKLWan, folder, "vae", torch.float32)
    make_pipeline = WanMemoryPipeline if config.filming is None else PictureByPicturePipeline
    pipeline = make_pipeline(
        tokenizer=tokenizer,
        text_encoder=load_part(UMT5EncoderModel, folder, "text_encoder", dtype),
        vae=speed_up(vae) if precision.device.type == "cpu" else vae,
        scheduler=make_scheduler(config.sampling.grid, config.sampling.shift),
        transformer=load_expert(config, "transformer", dtype),
        transformer_2=load_expert(config, "transformer_2", dtype) if two else None,
        boundary_ratio=config.sampling.boundary_ratio,
    )
    pipeline.set_progress_bar_config(disable=True)
    if config.filming is not None:  # such models are small
        if config.distilled is None:
            merge_adapters(pipeline.transformer)
        install_filming_adapter(pipeline.transformer, config)
    if precision.autocast:
        for expert in pipeline.experts():
            quicken(expert)
            open_attention(expert)
            leave_types_to_autocast(expert)
            round_ahead(expert)
    _choose_kernel(pipeline, precision)
    if config.speed.compiled:
        compile_blocks(pipeline.experts())  # before any hook: hooks go around what is compiled
    place(pipeline, rung, precision.device, precision.expert_dtype)
    encoder = ConditionEncoder(pipeline.vae, config.unknown_shows)
    if config.filming is not None:
        pipeline.filming = config.filming
        encoder = PictureConditionEncoder(pipeline.vae, config.unknown_shows, config.filming)
    return LoadedModels(pipeline, encoder, precision, rung)


def use_link(config: WanConfig, models: LoadedModels, link: LinkKind) -> None:
    """Switch the experts to the adapters of a link.

    Raises:
        GenerationError: there are adapters, but none for this link.
    """
    if not config.adapters:
        return
    bare = link in config.bare_links
    found = next((adapter for adapter in config.adapters if link in adapter.links), None)
    if found is None and not bare:
        raise GenerationError(f"{config.name} has no adapter for link {link!r}: plan another link")
    for expert in (models.pipeline.transformer, models.pipeline.transformer_2):
        if expert is not None:
            use_lora(expert, None if bare or found is None else found.name)


def _choose_kernel(pipeline: WanMemoryPipeline, precision: Precision) -> None:
    """Choose the experts' attention kernel."""
    experts = [expert for expert in (pipeline.transformer, pipeline.transformer_2) if expert is not None]
    choice = choose_attention(precision.device, precision.expert_dtype)
    if choice.backend != "native":
        try:
            ask_for_attention(experts, choice.backend, precision.device, precision.expert_dtype)
        except UsageError as error:
            choice = AttentionChoice("native", str(error))
    log.info("attention: %s (%s)", choice.backend, choice.reason)
