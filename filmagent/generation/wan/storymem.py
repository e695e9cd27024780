"""The published 14B experts of Wan2.2 as generators: with StoryMem's adapters, and alone from text.

Knows where the files lie and how the models are sampled; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from filmagent.generation.models.catalogue import STORYMEM, WAN_I2V, WAN_T2V, how_to_get
from filmagent.generation.models.shelf import look_up
from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.wan.config import LinkAdapters, ModelCard, Sampling, WanConfig
from filmagent.generation.wan.generator import WanStoryMemGenerator

HOW_TO_GET = (
    "put Wan-AI/Wan2.2-I2V-A14B-Diffusers or Wan-AI/Wan2.2-I2V-A14B into the folder, and Kevin-thu/StoryMem "
    "(non-commercial licence) into its subfolder storymem/"
)
NEGATIVE_PROMPT = (
    "overexposed, static, blurred details, subtitles, painting, still picture, overall grey, worst quality, low "
    "quality, JPEG artefacts, ugly, incomplete, extra fingers, badly drawn hands, badly drawn face, deformed, "
    "disfigured, misshapen limbs, fused fingers, motionless, cluttered background, three legs, crowd in the "
    "background, walking backwards"
)
"""What Wan2.2's own negative prompt names, in English."""
STORYMEM_SAMPLING = Sampling(negative_prompt=NEGATIVE_PROMPT)
TEXT_SAMPLING = Sampling(
    guidance=4.0, guidance_2=3.0, shift=12.0, boundary_ratio=0.875, negative_prompt=NEGATIVE_PROMPT
)
"""Wan2.2's own for its text-to-video experts."""


def wan_storymem(folder: str, *, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the generator of StoryMem on Wan2.2-I2V-A14B: 832x480, 81 frames at 16 a second, ten memory frames.

    Args:
        folder: Wan2.2-I2V-A14B in diffusers' format or Wan's own, with StoryMem's files in its subfolder `storymem`.
        steps: denoising steps; None: 40.
        guidance: scale for both experts; None: 3.5.
    """
    home = Path(folder).expanduser()
    return _storymem("wan-storymem", home, home / "storymem", HOW_TO_GET, steps, guidance)


def wan22_storymem(*, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the same generator from the files that `filmagent models pull wan2.2-storymem` fetched."""
    name = "wan2.2-storymem"
    return _storymem(name, look_up(WAN_I2V).folder, look_up(STORYMEM).folder, how_to_get(name), steps, guidance)


def wan22(*, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the generator of Wan2.2-T2V-A14B, from the files that `filmagent models pull wan2.2` fetched.

    832x480, 81 frames at 16 a second, every shot from its own words: no memory, no link but the cut.

    Args:
        steps: denoising steps; None: 40.
        guidance: scale for both experts; None: 4 for the high-noise one, 3 for the other.
    """
    config = WanConfig(
        name="wan2.2",
        folder=look_up(WAN_T2V).folder,
        card=ModelCard("Wan2.2-T2V-A14B", WAN_T2V.licence.name, WAN_T2V.role),
        native_size=FrameSize(832, 480),
        max_pixels=832 * 480,
        frames=81,
        fps=16,
        max_memory=0,
        links=frozenset({"scene_cut"}),
        sampling=_sampled(TEXT_SAMPLING, steps, guidance),
        how_to_get=how_to_get("wan2.2"),
    )
    return WanStoryMemGenerator(config)


def storymem_adapters(folder: Path) -> tuple[LinkAdapters, ...]:
    """Return StoryMem's two pairs of adapters: one for cuts and MI2V, one for MM2V."""
    cuts, motion = folder / "Wan2.2-MI2V-A14B", folder / "Wan2.2-MM2V-A14B"
    high, low = "backbone_high_noise.safetensors", "backbone_low_noise.safetensors"
    return (
        LinkAdapters("mi2v", frozenset({"scene_cut", "MI2V"}), cuts / high, cuts / low),
        LinkAdapters("mm2v", frozenset({"MM2V"}), motion / high, motion / low),
    )


def _storymem(
    name: str, wan: Path, adapters: Path, todo: str, steps: int | None, guidance: float | None
) -> WanStoryMemGenerator:
    config = WanConfig(
        name=name,
        folder=wan,
        card=ModelCard("Wan2.2-I2V-A14B", WAN_I2V.licence.name, WAN_I2V.role),
        native_size=FrameSize(832, 480),
        max_pixels=832 * 480,
        frames=81,
        fps=16,
        max_memory=10,
        sampling=_sampled(STORYMEM_SAMPLING, steps, guidance),
        adapters=storymem_adapters(adapters),
        adapter_card=ModelCard("StoryMem LoRA (MI2V, MM2V)", STORYMEM.licence.name, "memory adapters"),
        how_to_get=todo,
    )
    return WanStoryMemGenerator(config)


def _sampled(sampling: Sampling, steps: int | None, guidance: float | None) -> Sampling:
    """Return the sampling with what a person chose instead; her guidance is for both experts."""
    if steps is not None:
        sampling = replace(sampling, steps=steps)
    return sampling if guidance is None else replace(sampling, guidance=guidance, guidance_2=None)
