"""Whom the benchmark measures: random experts at toy or at true size, or a generator's trained ones.

What does not fit this machine is refused before anything is made. Knows how models come to be; nothing of timing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import UsageError
from filmagent.evaluation.generator_benchmark.random_weights import add_random_adapter, empty_expert, random_expert
from filmagent.evaluation.generator_benchmark.variants import Variant
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.budget.cost import FLOAT32, ExpertShape, activation_bytes, shot_tokens
from filmagent.generation.wan.budget.footprint import Footprint, expert_weights, footprint_of
from filmagent.generation.wan.budget.ladder import CARD_LADDER, room_on
from filmagent.generation.wan.compute.precision import Precision, choose_precision
from filmagent.generation.wan.config import ModelCard, Sampling, WanConfig
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.fast.distilled import NAME as FEW_STEP
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.library import AutoencoderKLWan
from filmagent.generation.wan.models import choose_placement, device_here, load_models, use_link
from filmagent.generation.wan.storymem import STORYMEM_SAMPLING
from filmagent.generation.wan.texts import PromptFeatures

MEMORY_ADAPTER = "memory"
PROMPT = "wide shot of the forest at day"


@dataclass(frozen=True)
class Blueprint:
    """Random models of one size."""

    expert: Mapping[str, Any]
    """Arguments of WanTransformer3DModel."""
    vae: Mapping[str, Any]
    """Arguments of AutoencoderKLWan."""
    ranks: Mapping[str, int]
    """Adapter -> its rank: the memory's, unmerged as StoryMem runs, and the few-step one."""
    size: FrameSize
    frames: int
    sampling: Sampling
    needs_card: bool


A14B = Blueprint(
    expert={
        "patch_size": (1, 2, 2),
        "num_attention_heads": 40,
        "attention_head_dim": 128,
        "in_channels": 36,
        "out_channels": 16,
        "text_dim": 4096,
        "freq_dim": 256,
        "ffn_dim": 13824,
        "num_layers": 40,
    },
    vae={},
    ranks={MEMORY_ADAPTER: 128, FEW_STEP: 64},
    size=FrameSize(832, 480),
    frames=81,
    sampling=STORYMEM_SAMPLING,
    needs_card=True,
)
"""Wan2.2-I2V-A14B with StoryMem's adapters; its VAE has the class's own sizes."""
TINY = Blueprint(
    expert={
        "patch_size": (1, 2, 2),
        "num_attention_heads": 4,
        "attention_head_dim": 12,
        "in_channels": 36,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 32,
        "ffn_dim": 96,
        "num_layers": 6,
    },
    vae={"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1},
    ranks={MEMORY_ADAPTER: 8, FEW_STEP: 4},
    size=FrameSize(48, 48),
    frames=9,
    sampling=replace(STORYMEM_SAMPLING, steps=12, max_sequence_length=32),
    needs_card=False,
)
"""The same models in miniature, for any machine."""
BLUEPRINTS = {"tiny": TINY, "a14b": A14B}


@dataclass(frozen=True)
class Subject:
    """Models that are ready, and the shot that they are measured on."""

    name: str
    weights: str
    """`random` or `trained`."""
    pipeline: WanMemoryPipeline
    precision: Precision
    sampling: Sampling
    size: FrameSize
    frames: int
    shape: ExpertShape
    adapters: Mapping[str, int]
    """Adapter on each expert -> how many numbers it holds."""
    texts: tuple[Tensor, Tensor]
    """Features of a prompt and of a negative one, each (1, tokens, width)."""

    def tokens(self, memory: int) -> int:
        """Return the length of the sequence with this many memory frames."""
        return shot_tokens(ShotShape(self.size, self.frames, memory), self.shape)


def make_subject(name: str, memories: Sequence[int], variants: Sequence[Variant], steps: int | None) -> Subject:
    """Make random models, or load a generator's.

    Args:
        name: `tiny`, `a14b`, or a generator as `--generator` takes it, such as `papercut`.
        memories: the numbers of memory frames that are going to be measured.
        variants: those beside the plain loop.
        steps: denoising steps; None: as many as films are made with.

    Raises:
        UsageError: it does not fit this machine, or cannot be measured so.
        ModelFilesError: a generator's files are missing or broken.
    """
    if name in BLUEPRINTS:
        return _random(name, BLUEPRINTS[name], memories, variants, steps)
    return _trained(name, memories, variants, steps)


def _random(
    name: str, blueprint: Blueprint, memories: Sequence[int], variants: Sequence[Variant], steps: int | None
) -> Subject:
    device = device_here()
    precision = choose_precision("auto", device)
    ranks = {
        adapter: rank
        for adapter, rank in blueprint.ranks.items()
        if adapter != FEW_STEP or any(variant.few_step for variant in variants)
    }
    if blueprint.needs_card:
        _check_room(name, blueprint, ranks, memories, variants, precision)
    sampling = blueprint.sampling if steps is None else replace(blueprint.sampling, steps=steps)
    experts, numbers = [], {}
    for seed in (1, 2):
        expert = random_expert(blueprint.expert, device, precision.expert_dtype, seed)
        numbers = {adapter: add_random_adapter(expert, adapter, rank, seed) for adapter, rank in ranks.items()}
        expert.set_adapter(MEMORY_ADAPTER)
        experts.append(expert)
    torch.manual_seed(0)
    pipeline = WanMemoryPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=AutoencoderKLWan(**blueprint.vae).eval().to(device),
        scheduler=make_scheduler(sampling.grid, sampling.shift),
        transformer=experts[0],
        transformer_2=experts[1],
        boundary_ratio=sampling.boundary_ratio,
    )
    noise = torch.Generator().manual_seed(0)
    wide = (1, sampling.max_sequence_length, blueprint.expert["text_dim"])
    texts = (torch.randn(wide, generator=noise).to(device), torch.randn(wide, generator=noise).to(device))
    return Subject(
        name,
        "random",
        _quiet(pipeline),
        precision,
        sampling,
        blueprint.size,
        blueprint.frames,
        ExpertShape.of(experts[0].config),
        numbers,
        texts,
    )


def _check_room(
    name: str,
    blueprint: Blueprint,
    ranks: Mapping[str, int],
    memories: Sequence[int],
    variants: Sequence[Variant],
    precision: Precision,
) -> None:
    """Raise UsageError unless everything fits on a card at once, with the longest sequence."""
    if precision.device.type != "cuda":
        raise UsageError(
            f"--config {name} needs a CUDA card that holds two experts of 14 billion weights, and this "
            "machine has none: --config tiny runs anywhere"
        )
    expert, config = empty_expert(blueprint.expert), blueprint.expert
    shape = ExpertShape.of(config)
    with torch.device("meta"):
        vae = AutoencoderKLWan(**blueprint.vae)
    weights = {key: tuple(tensor.shape) for key, tensor in expert.state_dict().items()}
    adapters = {
        f"{layer}.{adapter}": (rank, sum(module.weight.shape))
        for adapter, rank in ranks.items()
        for layer, module in expert.named_modules()
        if isinstance(module, torch.nn.Linear) and layer.startswith("blocks.")
    }
    footprint = Footprint(
        config=_nameless(blueprint),
        shape=shape,
        experts=(expert_weights(weights, adapters),) * 2,
        text=0,
        vae={key: tuple(tensor.shape) for key, tensor in vae.state_dict().items()},
        stride=8,
        files_bytes=0,
    )
    shot = ShotShape(blueprint.size, blueprint.frames, max(memories))
    number_bytes = precision.expert_dtype.itemsize
    needed = footprint.peak_bytes(CARD_LADDER[0], shot, number_bytes, on_card=True)
    if any(variant.speed.joint_guidance for variant in variants):
        weights_bytes = sum(each.bytes(number_bytes, float8=False) for each in footprint.experts)
        twice = 2 * activation_bytes(shape, shot_tokens(shot, shape), number_bytes)
        needed = max(needed, weights_bytes + FLOAT32 * sum(map(math.prod, footprint.vae.values())) + twice)
    room = room_on(precision.device, None)
    if needed > room:
        raise UsageError(
            f"--config {name} with {shot.memory} memory frames needs about {needed / 1e9:.0f} GB on the card, and "
            f"{room / 1e9:.0f} GB are free: take a larger card, fewer memory frames, or --config tiny"
        )


def _nameless(blueprint: Blueprint) -> WanConfig:
    """Return a configuration without files, for its arithmetic."""
    return WanConfig(
        name="random",
        folder=Path(),
        card=ModelCard("random", "none", "measured"),
        native_size=blueprint.size,
        max_pixels=math.prod((blueprint.size.width, blueprint.size.height)),
        frames=blueprint.frames,
        fps=16,
        max_memory=10,
        sampling=blueprint.sampling,
    )


def _trained(name: str, memories: Sequence[int], variants: Sequence[Variant], steps: int | None) -> Subject:
    if any(variant.few_step for variant in variants):
        raise UsageError(f"--few-step: {name} has no few-step adapter; measure it with --config tiny or a14b")
    generator = create_generator(name, steps=steps)
    if not isinstance(generator, WanStoryMemGenerator) or generator.capabilities.memory_candidates:
        raise UsageError(
            f"--config {name}: only generators that are shown their memory as StoryMem's are, such as "
            "papercut, can be measured; or write tiny or a14b"
        )
    if (most := generator.capabilities.max_memory) < max(memories):
        raise UsageError(f"--memory {max(memories)}: {name} is shown {most} memory frames at most")
    config = generator.config
    footprint = footprint_of(config)
    models = load_models(config, choose_placement(footprint))
    use_link(config, models, "scene_cut")
    prompt, negative = PromptFeatures(config.sampling.max_sequence_length).of(
        models, [PROMPT, config.sampling.negative_prompt]
    )
    return Subject(
        name,
        "trained",
        _quiet(models.pipeline),
        models.precision,
        # All are guided by words alone here, so that joint guidance can be compared.
        replace(config.sampling, guided_by_memory=False),
        config.native_size,
        config.frames,
        footprint.shape,
        {MEMORY_ADAPTER: footprint.adapter_in_use},
        (prompt, negative),
    )


def _quiet(pipeline: WanMemoryPipeline) -> WanMemoryPipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
