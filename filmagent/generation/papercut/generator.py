"""papercut as a generator: the built-in small model, filmed with by the same code as Wan2.2.

Knows its size, its defaults and where its weights lie; how it films a cut is in `opening`, everything else is the Wan
generator's.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from filmagent.generation.papercut.card import read_card
from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.wan.config import ModelCard, Sampling, WanConfig

HOW_TO_GET = "install filmagent again, or train the model with `python -m filmagent train papercut`"


def weights_folder() -> Path:
    """Return the folder in the installed package that holds papercut's weights."""
    return Path(str(files("filmagent.generation.papercut"))) / "weights"


def papercut_config(
    folder: Path | None = None, *, steps: int | None = None, guidance: float | None = None
) -> WanConfig:
    """Return papercut's configuration: size and sampling that its weights name, five memory frames, all links.

    Args:
        folder: other weights of the same kind, such as freshly trained ones; None: those of the package.
        steps: denoising steps; None: as many as the card says.
        guidance: guidance scale; None: that of the card.

    Raises ModelFilesError when the folder has no card.
    """
    where = weights_folder() if folder is None else folder
    card = read_card(where)
    return WanConfig(
        name="papercut",
        folder=where,
        card=ModelCard("papercut", "Apache-2.0", "denoiser, VAE and text encoder"),
        native_size=FrameSize(card.width, card.height),
        max_pixels=card.width * card.height,
        frames=card.frames,
        fps=card.fps,
        max_memory=5,
        delivery_scale=4,
        sampling=Sampling(
            steps=card.steps if steps is None else steps,
            guidance=card.guidance if guidance is None else guidance,
            guided_by_memory=card.guided_by_memory,
            shift=card.shift,
            steps_on=card.steps_on,
            boundary_ratio=None,
            max_sequence_length=card.most_words,
        ),
        unknown_shows=card.unknown_shows,
        filming=card.filming,
        filming_adapter=None if card.filming_adapter is None else where / card.filming_adapter,
        how_to_get=HOW_TO_GET,
    )


def papercut(folder: Path | str | None = None, *, steps: int | None = None, guidance: float | None = None) -> Generator:
    """Make the built-in generator, or one of other papercut weights; cheap, since weights load with its first shot.

    Raises ModelFilesError when the folder has no card.
    """
    config = papercut_config(None if folder is None else Path(folder), steps=steps, guidance=guidance)
    return PapercutGenerator(config, translate=cast_shot)
