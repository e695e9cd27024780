"""A Wan generator's models in memory: loaded once, checked first, put where they fit, adapted by links.

Knows files, devices and adapters; nothing of requests or sampling.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch

from filmagent.errors import GenerationError, ModelFilesError
from filmagent.generation.wan.attention import choose_attention, use_attention
from filmagent.generation.wan.checkpoints import load_part, needed_files
from filmagent.generation.wan.conditions import ConditionEncoder
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.library import AutoencoderKLWan, AutoTokenizer, UMT5EncoderModel, WanTransformer3DModel
from filmagent.generation.wan.lora import attach_lora, use_lora
from filmagent.generation.wan.pipeline import WanMemoryPipeline
from filmagent.generation.wan.precision import Precision, choose_precision
from filmagent.generation.wan.schedule import make_scheduler
from filmagent.schemas.story import LinkKind

log = logging.getLogger(__name__)

ROOM_TO_WORK = 1.4
"""All models stay on a GPU that holds this many times their weights; on a smaller one they take turns."""


@dataclass(frozen=True)
class LoadedModels:
    """Everything that a shot is made with, ready."""

    pipeline: WanMemoryPipeline
    encoder: ConditionEncoder
    precision: Precision


def device_here() -> torch.device:
    """Return where models run on this machine: CUDA if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_models(config: WanConfig) -> LoadedModels:
    """Load a configuration's models; the files are looked at before the first is read.

    Raises:
        ModelFilesError: files are missing, broken, or do not fit.
    """
    needed_files(config)
    precision = choose_precision(config.precision, device_here())
    log.info("%s runs in %s: %s", config.name, precision.name, precision.reason)
    two = config.sampling.boundary_ratio is not None
    folder, dtype = config.folder, precision.expert_dtype
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelFilesError(f"{str(folder / 'tokenizer')!r} is no tokenizer: {error}") from error
    pipeline = WanMemoryPipeline(
        tokenizer=tokenizer,
        text_encoder=load_part(UMT5EncoderModel, folder, "text_encoder", dtype),
        vae=load_part(AutoencoderKLWan, folder, "vae", torch.float32),
        scheduler=make_scheduler(config.sampling.grid, config.sampling.shift),
        transformer=load_part(WanTransformer3DModel, folder, "transformer", dtype),
        transformer_2=load_part(WanTransformer3DModel, folder, "transformer_2", dtype) if two else None,
        boundary_ratio=config.sampling.boundary_ratio,
    )
    pipeline.set_progress_bar_config(disable=True)
    for adapter in config.adapters:
        attach_lora(pipeline.transformer, adapter.high_noise, adapter.name)
        if two and adapter.low_noise is not None:
            attach_lora(pipeline.transformer_2, adapter.low_noise, adapter.name)
    _place(pipeline, precision)
    return LoadedModels(pipeline, ConditionEncoder(pipeline.vae), precision)


def use_link(config: WanConfig, models: LoadedModels, link: LinkKind) -> None:
    """Switch the experts to the adapters of a link.

    Raises:
        GenerationError: there are adapters, but none for this link.
    """
    if not config.adapters:
        return
    found = next((adapter for adapter in config.adapters if link in adapter.links), None)
    if found is None:
        raise GenerationError(f"{config.name} has no adapter for link {link!r}: plan another link")
    for expert in (models.pipeline.transformer, models.pipeline.transformer_2):
        if expert is not None:
            use_lora(expert, found.name)


def _place(pipeline: WanMemoryPipeline, precision: Precision) -> None:
    """Choose the attention kernel, then put all models on the GPU if they fit, else one at a time."""
    experts = [expert for expert in (pipeline.transformer, pipeline.transformer_2) if expert is not None]
    choice = choose_attention(precision.device, precision.expert_dtype)
    if choice.backend != "native":
        use_attention(experts, choice)
    log.info("attention: %s (%s)", choice.backend, choice.reason)
    if precision.device.type == "cpu":
        return
    weights = sum(_bytes_of(model) for model in (*experts, pipeline.text_encoder, pipeline.vae))
    room = torch.cuda.get_device_properties(precision.device).total_memory
    if weights * ROOM_TO_WORK <= room:
        pipeline.to(precision.device)
        log.info("all models stay on the GPU: %.0f of %.0f GB", weights / 1e9, room / 1e9)
    else:
        pipeline.enable_model_cpu_offload(device=precision.device)
        log.info("models take turns on the GPU: %.0f GB of weights, %.0f GB of memory", weights / 1e9, room / 1e9)


def _bytes_of(model: Any) -> int:
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())
