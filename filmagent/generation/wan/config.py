"""Every choice of a Wan generator, as frozen data. Knows no torch and reads no file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filmagent.generation.port import FrameSize
from filmagent.schemas.story import LinkKind
from filmagent.schemas.take import ModelUse

SigmaGrid = Literal["wan", "stock"]
"""`wan`: noise levels linspace(0.999, 0) before the shift, as Wan2.2's own sampler; `stock`: diffusers' own grid."""
PrecisionName = Literal["auto", "float32", "bfloat16"]
ALL_LINKS: frozenset[LinkKind] = frozenset({"scene_cut", "MI2V", "MM2V"})


@dataclass(frozen=True)
class Sampling:
    """How a shot is denoised. Defaults are StoryMem's (its Wan2.2-M2V configuration)."""

    steps: int = 40
    guidance: float = 3.5
    """Guidance scale of the first (high-noise) expert; 1 or less: no guidance, one forward a step."""
    guidance_2: float | None = None
    """Guidance scale of the low-noise expert; None: the same."""
    shift: float = 4.0
    grid: SigmaGrid = "wan"
    boundary_ratio: float | None = 0.9
    """Noise level at which the low-noise expert takes over; None: one expert for all steps."""
    memory_stride: int = 5
    """Latent positions between neighbouring memory frames (StoryMem's negative rotary shift)."""
    max_sequence_length: int = 512
    """Text tokens that the experts read."""
    negative_prompt: str = ""
    """Used for requests that bring none."""


@dataclass(frozen=True)
class LinkAdapters:
    """The LoRA files, one an expert, that shots with these links are made with."""

    name: str
    links: frozenset[LinkKind]
    high_noise: Path
    low_noise: Path | None
    """None: there is one expert only."""


@dataclass(frozen=True)
class ModelCard:
    """A model as the manifest names it; its revision is read from its files."""

    name: str
    licence: str
    role: str

    def at(self, revision: str) -> ModelUse:
        """Return the manifest's entry for these files."""
        return ModelUse(name=self.name, revision=revision, licence=self.licence, role=self.role)


@dataclass(frozen=True)
class WanConfig:
    """A Wan generator: a local folder in diffusers' format, and everything that is decided about it."""

    name: str
    folder: Path
    """Holds vae/, transformer/, text_encoder/, tokenizer/ and, with two experts, transformer_2/."""
    card: ModelCard
    native_size: FrameSize
    max_pixels: int
    frames: int
    """Native length, 4 n + 1."""
    fps: int
    max_memory: int
    max_frames: int = 0
    size_multiple: int = 16
    """Pixels that one token spans: the VAE's stride times the patch size."""
    delivery_scale: int = 1
    links: frozenset[LinkKind] = ALL_LINKS
    sampling: Sampling = field(default_factory=Sampling)
    adapters: tuple[LinkAdapters, ...] = ()
    """None: the experts remember by themselves."""
    adapter_card: ModelCard | None = None
    precision: PrecisionName = "auto"
    how_to_get: str = "download or convert the model into this folder"
    """What a person does when files are missing; ends the message."""
