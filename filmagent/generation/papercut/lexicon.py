"""What one set of papercut weights can be told: weights that were trained on less than the whole world say so.

A caption is said in the nearest words that the weights know, and every change is a note. Knows no story and no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    GARMENT_COLOURS,
    KINDS,
    Caption,
    Role,
    standing_words,
    words,
)
from filmagent.generation.wan.config import UnknownShows

CARD = "papercut.json"
_GET_AGAIN = "export the weights again with `filmagent train papercut export`"

_NEAREST_KIND = {
    "mouse": ("rabbit", "cat"),
    "frog": ("rabbit", "bird"),
    "horse": ("dog", "bear"),
    "boy": ("girl", "robot"),
    "woman": ("girl", "robot"),
    "man": ("girl", "robot"),
}
_NEAREST_PLACE = {
    "kitchen": "home",
    "bedroom": "home",
    "station": "city",
    "desert": "beach",
    "garden": "meadow",
}
_NEAREST_TIME = {"morning": "day"}
_NEAREST_ACTION = {"waves": "looks", "eats": "sits", "meets": "looks", "carries": "walks"}
_NEAREST_COLOUR = {"green": "blue", "red": "orange", "purple": "blue"}


class Card(BaseModel):
    """What a weights folder says of itself in `papercut.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: PositiveInt
    height: PositiveInt
    frames: PositiveInt
    fps: PositiveInt
    most_words: PositiveInt
    """Tokens that a sentence may have."""
    most_roles: PositiveInt
    """Subjects that it was trained to show at once."""
    weather_and_camera: bool
    """Whether it was trained with weather and a moving camera."""
    unknown_shows: UnknownShows
    """What it was shown where no frame is known."""
    steps: PositiveInt
    """Denoising steps of an opening picture."""
    guidance: PositiveFloat
    """Guidance scale of an opening picture."""
    shift: PositiveFloat
    """How far its noise levels are moved towards noise."""
    frame_by_frame: bool
    """Whether it was trained to film on one latent frame at a time."""
    steps_on: PositiveInt
    """Denoising steps of filming on: of a shot, or of each latent frame."""


@dataclass(frozen=True)
class Lexicon:
    """The words that a tokenizer has a token for, and how many roles a caption may have."""

    words: frozenset[str]
    most_roles: int
    weather_and_camera: bool

    def knows(self, *said: str | None) -> bool:
        """Whether every word is known; None is no word."""
        return all(word is None or word in self.words for word in said)


@dataclass(frozen=True)
class Fitted:
    """A caption that the weights know every word of, and what it cost."""

    caption: Caption
    notes: tuple[str, ...]


def whole_world() -> Lexicon:
    """The lexicon of weights that know everything."""
    return Lexicon(frozenset(words()), most_roles=3, weather_and_camera=True)


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


def read_lexicon(folder: Path) -> Lexicon:
    """What the weights in a folder can be told. Raises ModelFilesError."""
    card, path = read_card(folder), folder / "tokenizer" / "tokenizer.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelFilesError(f"{path} holds no vocabulary ({error}): {_GET_AGAIN}") from None
    return Lexicon(frozenset(known), card.most_roles, card.weather_and_camera)


def fit(caption: Caption, lexicon: Lexicon) -> Fitted:
    """The caption in words that the weights know; whole where they know them all."""
    notes: list[str] = []
    place = _nearest("place", caption.place, _NEAREST_PLACE, lexicon, notes)
    time = _nearest("time", caption.time, _NEAREST_TIME, lexicon, notes)
    weather, camera, prop = caption.weather, caption.camera, caption.prop
    if not lexicon.weather_and_camera and (weather, camera) != ("clear", "still"):
        weather, camera = "clear", "still"
        notes.append("these weights know neither weather nor a moving camera: both left out")
    if prop is not None and not lexicon.knows(prop):
        notes.append(f"these weights know no {prop}: left out")
        prop = None
    kinds: list[str] = []
    roles = []
    for role in caption.roles[: lexicon.most_roles]:
        fitted = _role(role, lexicon, kinds, notes)
        kinds.append(fitted.kind)
        roles.append(fitted)
    for role in caption.roles[lexicon.most_roles :]:
        notes.append(f"these weights show {lexicon.most_roles} subjects at once: the {role.kind} left out")
    fitted_caption = replace(
        caption,
        place=place,
        time=time,
        weather=weather,
        camera=camera,
        prop=prop,
        roles=tuple(roles),
        layout=caption.layout if lexicon.knows(caption.layout) else None,
        placed=lexicon.knows(*standing_words()),
    )
    return Fitted(fitted_caption, tuple(dict.fromkeys(notes)))


def _nearest(what: str, word: str, table: dict[str, str], lexicon: Lexicon, notes: list[str]) -> str:
    if lexicon.knows(word):
        return word
    other = table.get(word, word)
    if not lexicon.knows(other):
        raise ModelFilesError(f"these papercut weights know no {what} like {word}: {_GET_AGAIN}")
    notes.append(f"these weights know no {word}: {other} instead")
    return other


def _role(role: Role, lexicon: Lexicon, taken: list[str], notes: list[str]) -> Role:
    kind = role.kind
    if not lexicon.knows(kind):
        choices = [other for other in (*_NEAREST_KIND.get(kind, ()), *KINDS) if lexicon.knows(other)]
        kind = next((other for other in choices if other not in taken), choices[0])
        notes.append(f"these weights know no {role.kind}: played by the {kind}")
    action = _nearest("action", role.action, _NEAREST_ACTION, lexicon, notes)
    prop = role.prop if action == role.action and lexicon.knows(role.prop) else None
    if role.prop and prop is None:
        action = _NEAREST_ACTION["carries"]
        notes.append(f"these weights know no {role.prop}: the {kind} carries nothing")
    fitted = replace(role, kind=kind, action=action, prop=prop)
    return _look(fitted, lexicon, notes)


def _look(role: Role, lexicon: Lexicon, notes: list[str]) -> Role:
    if role.pattern and not lexicon.knows(role.pattern):
        notes.append(f"these weights know no {role.pattern}: the {role.kind} is plain")
        role = replace(role, pattern=None, pattern_colour=None)
    if role.build and not lexicon.knows(role.build):
        notes.append(f"these weights know no {role.build} figures: the {role.kind} is of middle size")
        role = replace(role, build=None)
    if role.garment and not lexicon.knows(role.garment):
        notes.append(f"these weights know no {role.garment}: the {role.kind} wears a scarf")
        role = replace(role, garment="scarf")
    return replace(
        role,
        colour=_colour(role.colour, COLOURS, lexicon),
        garment_colour=_colour(role.garment_colour, GARMENT_COLOURS, lexicon),
    )


def _colour(word: str | None, choices: tuple[str, ...], lexicon: Lexicon) -> str | None:
    if word is None or lexicon.knows(word):
        return word
    other = _NEAREST_COLOUR.get(word, choices[0])
    return other if lexicon.knows(other) else None
