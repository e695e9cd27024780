"""What papercut weights say of themselves: size, frames, and how they are sampled. Knows no story and no torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from filmagent.artifacts import write_bytes_atomically
from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import PictureFilming, UnknownShows

CARD = "papercut.json"
_GET_AGAIN = "export the weights again with `filmagent train papercut export`"


class Card(BaseModel):
    """What a weights folder says of itself in `papercut.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: PositiveInt
    height: PositiveInt
    frames: PositiveInt
    fps: PositiveInt
    most_words: PositiveInt
    """Tokens that a sentence may have."""
    unknown_shows: UnknownShows
    """What it was shown where no frame is known."""
    steps: PositiveInt
    """Denoising steps of an opening picture."""
    guidance: PositiveFloat
    """Guidance scale of an opening picture."""
    guided_by_memory: bool
    """Whether it is guided away from a picture without memory, which it was trained to make, too."""
    shift: PositiveFloat
    """How far its noise levels are moved towards noise."""
    filming: PictureFilming | None
    """How it learned to film on picture by picture; None: it films whole shots."""
    filming_adapter: str | None = None
    """The LoRA file in the same folder that it films on with."""
    steps_on: PositiveInt
    """Denoising steps of filming on: of a shot, or of pictures that are made at once."""


def write_card(card: Card, folder: Path) -> None:
    """Write the card of a weights folder."""
    write_bytes_atomically(folder / CARD, (card.model_dump_json(indent=2) + "\n").encode())


def read_card(folder: Path) -> Card:
    """The card of a weights folder. Raises ModelFilesError when it is missing or says something else."""
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except FileNotFoundError:
        raise ModelFilesError(f"{folder / CARD} is missing: {_GET_AGAIN}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ModelFilesError(f"{folder / CARD}: {where}: {first['msg']}; {_GET_AGAIN}") from None
