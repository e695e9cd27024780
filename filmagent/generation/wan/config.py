"""Every choice of a Wan generator, as frozen data. Knows no torch and reads no file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.fast.options import PLAIN, SpeedOptions
from filmagent.schemas.story import LinkKind
from filmagent.schemas.take import ModelUse

NOT_INSTALLED = "not installed"
"""The revision of a model whose files are not there."""
SigmaGrid = Literal["wan", "stock"]
"""`wan`: noise levels linspace(0.999, 0) before the shift, as Wan2.2's own sampler; `stock`: diffusers' own grid."""
PrecisionName = Literal["auto", "float32", "bfloat16"]
UnknownShows = Literal["grey", "stage"]
"""What stands for frames of which nothing is known: Wan2.2's grey, or `unknown.stage`."""
ALL_LINKS: frozenset[LinkKind] = frozenset({"scene_cut", "MI2V", "MM2V"})


@dataclass(frozen=True)
class Sampling:
    """How a shot is denoised. Defaults are StoryMem's (its Wan2.2-M2V configuration)."""

    steps: int = 40
    guidance: float = 3.5
    """Guidance scale of the first (high-noise) expert; 1 or less: no guidance, one forward a step."""
    guidance_2: float | None = None
    """Guidance scale of the low-noise expert; None: the same."""
    guided_by_memory: bool = False
    """Guide away from a shot without memory, as models can that were trained so; False: by words alone, as StoryMem."""
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
    steps_on: int | None = None
    """Denoising steps of what papercut films on from frames, of a shot or of each latent frame; None: as many."""
    sigmas: tuple[float, ...] = ()
    """Noise levels before the shift, falling from 1, one a step, walked in plain Euler steps; empty: `grid` says."""

    def __post_init__(self) -> None:
        """Raise UsageError when steps and noise levels differ."""
        if self.sigmas and len(self.sigmas) != self.steps:
            raise UsageError(
                f"{self.steps} steps, but the few-step adapter was distilled for {len(self.sigmas)} noise levels: "
                f"leave the steps at {len(self.sigmas)}"
            )

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What of it a take is recognised by; noise levels of few steps come with their adapter."""
        return {
            **({"guided_by": "words and memory"} if self.guided_by_memory else {}),
            "steps": self.steps,
            "guidance": self.guidance,
            "guidance_2": self.guidance if self.guidance_2 is None else self.guidance_2,
            "shift": self.shift,
            "grid": self.grid,
            "boundary": -1.0 if self.boundary_ratio is None else self.boundary_ratio,
            "memory_stride": self.memory_stride,
            "negative_prompt": self.negative_prompt,
        }


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

    def found(self, revision: Callable[[], str]) -> ModelUse:
        """Return the manifest's entry for files whose revision is read now; they need not be there."""
        try:
            return self.at(revision())
        except ModelFilesError:
            return self.at(NOT_INSTALLED)


@dataclass(frozen=True)
class DistilledAdapter:
    """A second LoRA, beside the memory's, that makes a shot in few steps without guidance.

    The defaults are those of LightX2V's four-step adapters: at shift 5 the timesteps are 1000, 937.5, 833.3 and 625.
    """

    card: ModelCard
    high_noise: Path
    """A safetensors file with lora_down, lora_up and perhaps alpha for each layer."""
    low_noise: Path | None
    """None: there is one expert only."""
    sigmas: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
    """Noise levels before the shift."""
    shift: float = 5.0
    strength: float = 1.0
    """What the adapter's update is multiplied with, beside its own alpha / rank."""


@dataclass(frozen=True)
class PictureFilming:
    """How experts film on that were trained to make every picture as a latent frame of its own."""

    looks_back: int
    """How many of the pictures so far are seen when the next ones are made."""
    at_once: int
    """How many pictures are made at once."""
    shown_for: int
    """For how many frames each of them is shown."""

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that are not positive."""
        if min(self.looks_back, self.at_once, self.shown_for) < 1:
            raise ValueError("looks_back, at_once and shown_for must be 1 or more")

    @property
    def says(self) -> str:
        """The same in words."""
        return f"{self.at_once} pictures behind {self.looks_back}, each for {self.shown_for} frames"

    def pictures(self, frames: int) -> int:
        """How many pictures a shot of so many frames has; the first is shown for one."""
        return 1 + -(-(frames - 1) // self.shown_for)

    def steps(self, known: int, pictures: int) -> list[range]:
        """Which pictures are made at once, step by step, behind so many known ones of a shot of so many."""
        starts = range(known, pictures, self.at_once)
        return [range(start, min(start + self.at_once, pictures)) for start in starts]


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
    bare_links: frozenset[LinkKind] = frozenset()
    """Links that the experts film without adapters, though there are some for others."""
    adapter_card: ModelCard | None = None
    unknown_shows: UnknownShows = "grey"
    """What the experts were trained to be shown where no frame is known."""
    filming: PictureFilming | None = None
    """How it films on picture by picture, as the experts were trained to; None: a whole shot is denoised at once."""
    filming_adapter: Path | None = None
    """A LoRA file of the denoiser's, in use while it films on picture by picture; None: there is none."""
    precision: PrecisionName = "auto"
    how_to_get: str = "download or convert the model into this folder"
    """What a person does when files are missing; ends the message."""
    speed: SpeedOptions = PLAIN
    distilled: DistilledAdapter | None = None
    """Set it with `distil`, which chooses the sampling that it needs as well."""

    def __post_init__(self) -> None:
        """Raise UsageError for choices of speed that cannot be meant."""
        if self.speed.guides and self.sampling.guidance <= 1:
            raise UsageError(
                f"{self.speed.name}: guidance {self.sampling.guidance:g} makes one forward a step already; "
                "leave it out, or raise the guidance above 1"
            )
        if self.speed.joint_guidance and self.sampling.guided_by_memory:
            raise UsageError(
                f"joint guidance: {self.name} guides away from a shot without memory, which is shorter and shares no "
                "forward: leave joint guidance out"
            )
        if self.distilled is not None and self.sampling.sigmas != self.distilled.sigmas:
            raise UsageError(f"{self.distilled.card.name} needs its own noise levels: make the configuration by distil")


def distil(config: WanConfig, adapter: DistilledAdapter) -> WanConfig:
    """Return a configuration that films in the few steps of a distilled adapter, without guidance.

    Raises:
        UsageError: the speed options are about guidance, or the model's experts and the adapter's files differ in
            number.
    """
    if (adapter.low_noise is None) != (config.sampling.boundary_ratio is None):
        experts = 1 if config.sampling.boundary_ratio is None else 2
        raise UsageError(f"{config.name} has {experts} expert(s): {adapter.card.name} must bring as many files")
    sampling = replace(config.sampling, steps=len(adapter.sigmas), sigmas=adapter.sigmas, shift=adapter.shift,
                       guidance=1.0, guidance_2=None)
    return replace(config, sampling=sampling, distilled=adapter)
