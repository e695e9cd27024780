"""The published 14B experts of Wan2.2 as generators: with StoryMem's adapters, and alone from text; at any speed.

Knows where the files lie and how the models are sampled; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from filmagent.generation.models.catalogue import (
    FEW_STEP_FILES,
    FEW_STEP_IMAGE,
    FEW_STEP_TEXT,
    LIGHTNING,
    STORYMEM,
    WAN_I2V,
    WAN_T2V,
    how_to_get,
)
from filmagent.generation.models.shelf import look_up
from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.wan.config import DistilledAdapter, LinkAdapters, ModelCard, Sampling, WanConfig
from filmagent.generation.wan.fast.presets import EXACT, at_speed, check_speed
from filmagent.generation.wan.first_shot import FirstShotFromText
from filmagent.generation.wan.generator import WanStoryMemGenerator

HOW_TO_GET = (
    "put Wan-AI/Wan2.2-I2V-A14B-Diffusers or Wan-AI/Wan2.2-I2V-A14B into the folder, and Kevin-thu/StoryMem "
    "(non-commercial licence) into its subfolder storymem/"
)
HOW_TO_GET_TEXT = "put Wan-AI/Wan2.2-T2V-A14B-Diffusers or Wan-AI/Wan2.2-T2V-A14B into the folder"
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


def wan_storymem(
    folder: str, *, steps: int | None = None, guidance: float | None = None, speed: str = EXACT
) -> Generator:
    """Make the generator of StoryMem on Wan2.2-I2V-A14B: 832x480, 81 frames at 16 a second, ten memory frames.

    Args:
        folder: Wan2.2-I2V-A14B in diffusers' format or Wan's own, with StoryMem's files in its subfolder `storymem`.
        steps: denoising steps; None: 40, or what the speed makes of them.
        guidance: scale for both experts; None: 3.5.
        speed: one of `filmagent.generation.wan.fast.presets.SPEEDS`.
    """
    home = Path(folder).expanduser()
    return _storymem("wan-storymem", home, home / "storymem", HOW_TO_GET, steps, guidance, speed)


def wan22_storymem(
    *, steps: int | None = None, guidance: float | None = None, speed: str = EXACT
) -> Generator:
    """Make the same generator from the files that `filmagent models pull wan2.2-storymem` fetched."""
    name, adapters = "wan2.2-storymem", look_up(STORYMEM).folder
    return _storymem(name, look_up(WAN_I2V).folder, adapters, how_to_get(name), steps, guidance, speed)


def wan22_storymem_t2v(
    *, steps: int | None = None, guidance: float | None = None, speed: str = EXACT
) -> Generator:
    """Make StoryMem's generator with shots that are shown nothing made by Wan2.2-T2V-A14B, as the reference can.

    From the files that `filmagent models pull wan2.2-storymem-t2v` fetched; arguments as in `wan22_storymem`. Both
    models are guided alike, by 3.5 unless told otherwise (the reference's command does so too).
    """
    name, adapters = "wan2.2-storymem-t2v", look_up(STORYMEM).folder
    scale = STORYMEM_SAMPLING.guidance if guidance is None and not check_speed(speed).few_step else guidance
    text = _text(name, look_up(WAN_T2V).folder, how_to_get(name), steps, scale, speed)
    memory = _storymem(name, look_up(WAN_I2V).folder, adapters, how_to_get(name), steps, guidance, speed)
    return FirstShotFromText(memory.config, text.config)


def wan_text(
    folder: str, *, steps: int | None = None, guidance: float | None = None, speed: str = EXACT
) -> Generator:
    """Make the generator of Wan2.2-T2V-A14B: 832x480, 81 frames at 16 a second.

    Every shot is filmed from its own words: no memory, no link but the cut.

    Args:
        folder: Wan2.2-T2V-A14B in diffusers' format or Wan's own.
        steps: denoising steps; None: 40, or what the speed makes of them.
        guidance: scale for both experts; None: 4 for the high-noise one, 3 for the other.
        speed: one of `filmagent.generation.wan.fast.presets.SPEEDS`.
    """
    return _text("wan-text", Path(folder).expanduser(), HOW_TO_GET_TEXT, steps, guidance, speed)


def wan22(*, steps: int | None = None, guidance: float | None = None, speed: str = EXACT) -> Generator:
    """Make the same generator from the files that `filmagent models pull wan2.2` fetched."""
    return _text("wan2.2", look_up(WAN_T2V).folder, how_to_get("wan2.2"), steps, guidance, speed)


def storymem_adapters(folder: Path) -> tuple[LinkAdapters, ...]:
    """Return StoryMem's two pairs of adapters: one for cuts and MI2V, one for MM2V."""
    cuts, motion = folder / "Wan2.2-MI2V-A14B", folder / "Wan2.2-MM2V-A14B"
    high, low = "backbone_high_noise.safetensors", "backbone_low_noise.safetensors"
    return (
        LinkAdapters("mi2v", frozenset({"scene_cut", "MI2V"}), cuts / high, cuts / low),
        LinkAdapters("mm2v", frozenset({"MM2V"}), motion / high, motion / low),
    )


def few_step_adapter(kind: str) -> DistilledAdapter:
    """Return LightX2V's pair of adapters where `filmagent models pull wan2.2-4steps` puts them, one file an expert.

    Args:
        kind: FEW_STEP_TEXT or FEW_STEP_IMAGE.
    """
    card = ModelCard(f"LightX2V {kind}", LIGHTNING.licence.name, "few-step adapters")
    high, low = (look_up(LIGHTNING).folder / kind / name for name in FEW_STEP_FILES)
    return DistilledAdapter(card, high, low)


def _text(
    name: str, folder: Path, todo: str, steps: int | None, guidance: float | None, speed: str
) -> WanStoryMemGenerator:
    card = ModelCard("Wan2.2-T2V-A14B", WAN_T2V.licence.name, WAN_T2V.role)
    config = _published(name, folder, card, _sampled(TEXT_SAMPLING, steps, guidance), todo)
    config = replace(config, links=frozenset({"scene_cut"}))
    faster = at_speed(config, speed, lambda: few_step_adapter(FEW_STEP_TEXT), steps=steps, guidance=guidance)
    return WanStoryMemGenerator(faster)


def _storymem(
    name: str, wan: Path, adapters: Path, todo: str, steps: int | None, guidance: float | None, speed: str
) -> WanStoryMemGenerator:
    card = ModelCard("Wan2.2-I2V-A14B", WAN_I2V.licence.name, WAN_I2V.role)
    config = replace(
        _published(name, wan, card, _sampled(STORYMEM_SAMPLING, steps, guidance), todo),
        max_memory=10,
        adapters=storymem_adapters(adapters),
        adapter_card=ModelCard("StoryMem LoRA (MI2V, MM2V)", STORYMEM.licence.name, "memory adapters"),
    )
    faster = at_speed(config, speed, lambda: few_step_adapter(FEW_STEP_IMAGE), steps=steps, guidance=guidance)
    return WanStoryMemGenerator(faster)


def _published(name: str, folder: Path, card: ModelCard, sampling: Sampling, todo: str) -> WanConfig:
    """Return 14B experts as Wan2.2 films with them: 832x480, 81 frames at 16 a second; without memory."""
    return WanConfig(
        name=name,
        folder=folder,
        card=card,
        native_size=FrameSize(832, 480),
        max_pixels=832 * 480,
        frames=81,
        fps=16,
        max_memory=0,
        sampling=sampling,
        how_to_get=todo,
    )


def _sampled(sampling: Sampling, steps: int | None, guidance: float | None) -> Sampling:
    """Return the sampling with what a person chose instead; her guidance is for both experts."""
    if steps is not None:
        sampling = replace(sampling, steps=steps)
    return sampling if guidance is None else replace(sampling, guidance=guidance, guidance_2=None)
