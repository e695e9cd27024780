"""papercut as a generator: the built-in small model, filmed with by the same code as Wan2.2.

Knows its size, its defaults and where its weights lie; how it films a cut is in `opening`, everything else is the Wan
generator's.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.wan.config import ModelCard, Sampling, WanConfig

SAMPLING = Sampling(steps=14, guidance=3.0, shift=3.0, boundary_ratio=None, max_sequence_length=32)
HOW_TO_GET = "install filmagent again, or train the model with `python -m filmagent train papercut`"


def weights_folder() -> Path:
    """Return the folder in the installed package that holds papercut's weights."""
    return Path(str(files("filmagent.generation.papercut"))) / "weights"


def papercut_config(
    folder: Path | None = None, *, steps: int | None = None, guidance: float | None = None
) -> WanConfig:
    """Return papercut's configuration: 160x96, 17 frames at 8 a second, five memory frames, all links.

    Args:
        folder: other weights of the same kind, such as freshly trained ones; None: those of the package.
        steps: denoising steps; None: 14.
        guidance: guidance scale; None: 3.
    """
    return WanConfig(
        name="papercut",
        folder=weights_folder() if folder is None else folder,
        card=ModelCard("papercut", "Apache-2.0", "denoiser, VAE and text encoder"),
        native_size=FrameSize(160, 96),
        max_pixels=160 * 96,
        frames=17,
        fps=8,
        max_memory=5,
        delivery_scale=4,
        sampling=replace(
            SAMPLING,
            steps=SAMPLING.steps if steps is None else steps,
            guidance=SAMPLING.guidance if guidance is None else guidance,
        ),
        how_to_get=HOW_TO_GET,
    )


def papercut(*, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the built-in generator; cheap, since weights load with its first shot."""
    return PapercutGenerator(papercut_config(steps=steps, guidance=guidance), translate=cast_shot)
