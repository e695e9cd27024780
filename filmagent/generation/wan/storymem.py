"""StoryMem on Wan2.2: the published 14B experts with the published adapters, from one local folder.

Knows where the files lie and what they may be used for; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.wan.config import LinkAdapters, ModelCard, Sampling, WanConfig
from filmagent.generation.wan.generator import WanStoryMemGenerator

HOW_TO_GET = (
    "put Wan-AI/Wan2.2-I2V-A14B-Diffusers into the folder, and Kevin-thu/StoryMem (non-commercial licence) into its "
    "subfolder storymem/"
)
NEGATIVE_PROMPT = (
    "overexposed, static, blurred details, subtitles, painting, still picture, overall grey, worst quality, low "
    "quality, JPEG artefacts, ugly, incomplete, extra fingers, badly drawn hands, badly drawn face, deformed, "
    "disfigured, misshapen limbs, fused fingers, motionless, cluttered background, three legs, crowd in the "
    "background, walking backwards"
)
"""What Wan2.2's own negative prompt names, in English."""


def wan_storymem(folder: str, *, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the generator of StoryMem on Wan2.2-I2V-A14B: 832x480, 81 frames at 16 a second, ten memory frames.

    Args:
        folder: Wan2.2-I2V-A14B in diffusers' format, with StoryMem's files in its subfolder `storymem`.
        steps: denoising steps; None: 40.
        guidance: scale for both experts; None: 3.5.
    """
    home = Path(folder).expanduser()
    sampling = Sampling(negative_prompt=NEGATIVE_PROMPT)
    return WanStoryMemGenerator(
        WanConfig(
            name="wan-storymem",
            folder=home,
            card=ModelCard("Wan2.2-I2V-A14B", "Apache-2.0", "denoiser, VAE and text encoder"),
            native_size=FrameSize(832, 480),
            max_pixels=832 * 480,
            frames=81,
            fps=16,
            max_memory=10,
            sampling=replace(
                sampling,
                steps=sampling.steps if steps is None else steps,
                guidance=sampling.guidance if guidance is None else guidance,
            ),
            adapters=storymem_adapters(home / "storymem"),
            adapter_card=ModelCard("StoryMem LoRA (MI2V, MM2V)", "CC-BY-NC-4.0", "memory adapters"),
            how_to_get=HOW_TO_GET,
        )
    )


def storymem_adapters(folder: Path) -> tuple[LinkAdapters, ...]:
    """Return StoryMem's two pairs of adapters: one for cuts and MI2V, one for MM2V."""
    cuts, motion = folder / "Wan2.2-MI2V-A14B", folder / "Wan2.2-MM2V-A14B"
    high, low = "backbone_high_noise.safetensors", "backbone_low_noise.safetensors"
    return (
        LinkAdapters("mi2v", frozenset({"scene_cut", "MI2V"}), cuts / high, cuts / low),
        LinkAdapters("mm2v", frozenset({"MM2V"}), motion / high, motion / low),
    )
