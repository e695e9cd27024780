"""What a configuration's files say of time and memory, read from their headers: no weight is loaded.

Joins the arithmetic of `cost` to a `WanConfig`. Knows safetensors headers and configs; nothing of devices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from filmagent.errors import ModelFilesError
from filmagent.generation.costs import ShotCost, ShotShape
from filmagent.generation.wan.budget.cost import (
    FLOAT32,
    ExpertShape,
    Shapes,
    activation_bytes,
    decoder_bytes,
    decoder_flops,
    forward_flops,
    latent_frames,
    shot_tokens,
    tile_side,
)
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.weights.checkpoints import adapter_file, needed_files, part_config, part_shapes
from filmagent.generation.wan.weights.files import shapes_of

if TYPE_CHECKING:
    from filmagent.generation.wan.budget.ladder import Rung

ENCODING_SHARE = 0.5
"""Encoding the seam or the grey clip is counted as half a decode: fewer channels, and mostly read from the cache."""
BLOCKS_ON_CARD = 2
"""With streams the next block is fetched while one computes."""
FLOAT8 = 1


@dataclass(frozen=True)
class ExpertWeights:
    """How many numbers one expert holds."""

    linear: int
    """In the linear layers of its blocks: what float8 storage shrinks."""
    other: int
    """Norms, embeddings, projections."""
    adapters: int
    """In the LoRAs on it."""

    def bytes(self, number_bytes: int, float8: bool) -> int:
        """Return what it takes in memory."""
        stored = FLOAT8 if float8 else number_bytes
        return self.linear * stored + (self.other + self.adapters) * number_bytes


@dataclass(frozen=True)
class Footprint:
    """The sizes of everything that a configuration loads."""

    config: WanConfig
    shape: ExpertShape
    experts: tuple[ExpertWeights, ...]
    text: int
    """Numbers in the text encoder."""
    vae: Shapes
    stride: int
    """Pixels a latent is wide and high."""
    files_bytes: int

    def cost(self, shot: ShotShape) -> ShotCost:
        """Return a shot's arithmetic."""
        sampling = self.config.sampling
        tokens, branches = shot_tokens(shot, self.shape, self.stride), 2 if sampling.guidance > 1 else 1
        away = replace(shot, memory=0) if sampling.guided_by_memory else shot
        adapter = self.adapter_in_use
        lengths = [tokens, shot_tokens(away, self.shape, self.stride)][:branches]
        rows, columns = shot.size.height // self.stride, shot.size.width // self.stride
        decode = decoder_flops(self.vae, latent_frames(shot.frames), rows, columns)
        return ShotCost(
            tokens=tokens,
            forwards=sampling.steps * branches,
            denoise_flops=sampling.steps
            * sum(forward_flops(self.shape, length, sampling.max_sequence_length, adapter) for length in lengths),
            decode_flops=decode * (1 + ENCODING_SHARE),
        )

    @property
    def adapter_in_use(self) -> int:
        """Numbers in one adapter, which is as many as are in use at a time."""
        return self.experts[0].adapters // max(1, len(self.config.adapters))

    def peak_bytes(self, rung: Rung, shot: ShotShape, number_bytes: int, *, on_card: bool) -> int:
        """Return the estimated peak of a shot on a rung.

        Args:
            rung: where things lie.
            shot: its size.
            number_bytes: of one weight of experts and text encoder as they compute.
            on_card: whether what is on no device for now lies elsewhere; on a CPU all weights always count.
        """
        tokens = shot_tokens(shot, self.shape, self.stride)
        denoise = activation_bytes(self.shape, tokens, number_bytes)
        decode = self._decode_bytes(rung, shot)
        experts = [expert.bytes(number_bytes, rung.float8) for expert in self.experts]
        text, vae = self.text * number_bytes, sum(map(math.prod, self.vae.values())) * FLOAT32
        if not on_card:
            return text + sum(experts) + vae + max(denoise, decode)
        if rung.experts == "stay":
            return sum(experts) + vae + max(text, denoise, decode)
        if rung.experts == "turns":
            return max(text, max(experts) + denoise, decode) + vae
        visiting = max(
            BLOCKS_ON_CARD * (expert.linear + expert.adapters) * number_bytes // self.shape.layers
            + expert.other * number_bytes
            for expert in self.experts
        )
        return vae + max(visiting + denoise, decode)

    def _decode_bytes(self, rung: Rung, shot: ShotShape) -> int:
        width, height = shot.size.width, shot.size.height
        share = tile_side(width) * tile_side(height) / (width * height) if rung.tiled else 1.0
        return decoder_bytes(self.vae, shot.frames, height // self.stride, width // self.stride, min(1.0, share))


def footprint_of(config: WanConfig) -> Footprint:
    """Read a configuration's headers and configs.

    Raises:
        ModelFilesError: a file is missing, broken, or tells no sizes.
    """
    files = needed_files(config)
    folder, how = config.folder, config.how_to_get
    parts = ["transformer"] if config.sampling.boundary_ratio is None else ["transformer", "transformer_2"]
    experts = []
    for number, part in enumerate(parts):
        loras = [adapter_file(lora) for adapter in config.adapters
                 if (lora := (adapter.high_noise, adapter.low_noise)[number]) is not None]
        experts.append(expert_weights(part_shapes(folder, part, how), read_shapes(loras, how)))
    try:
        shape = ExpertShape.of(part_config(folder, "transformer", how))
        vae_config = part_config(folder, "vae", how)
    except (KeyError, ValueError) as error:
        raise ModelFilesError(f"{str(folder)!r} does not tell the sizes of its experts ({error}): {how}") from error
    return Footprint(
        config=config,
        shape=shape,
        experts=tuple(experts),
        text=_numbers(part_shapes(folder, "text_encoder", how)),
        vae=part_shapes(folder, "vae", how),
        stride=int(vae_config.get("scale_factor_spatial", 8)),
        files_bytes=sum(file.stat().st_size for file in files),
    )


def read_shapes(files: Iterable[Path], how_to_get: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in some files, from their headers. The same name counts once a file."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, file in enumerate(files):
        for name, shape in shapes_of(file, how_to_get).items():
            shapes[name if name not in shapes else f"{name}@{number}"] = shape
    return shapes


def expert_weights(weights: Shapes, adapters: Shapes) -> ExpertWeights:
    """Count what an expert's weights, and the LoRAs on it, hold."""
    linear = _numbers({name: shape for name, shape in weights.items() if _is_block_linear(name)})
    return ExpertWeights(linear, _numbers(weights) - linear, _numbers(adapters))


def _is_block_linear(name: str) -> bool:
    """Whether float8 storage takes in a weight: diffusers leaves out norms, embeddings and tables."""
    return name.startswith("blocks.") and name.endswith((".weight", ".bias")) and "norm" not in name


def _numbers(weights: Shapes) -> int:
    return sum(map(math.prod, weights.values()))
