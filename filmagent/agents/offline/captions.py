"""One shot of the grammar as an English caption. Knows sentences; nothing of stories or lexicons.

Every caption names shot size, place, time of day and everybody in frame by the fixed name, in the present tense and
without pronouns. Whoever is seen for the first time is described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filmagent.agents.offline.characters import GAITS, Gait
from filmagent.agents.offline.places import INDOORS, PlaceWord
from filmagent.schemas.story import Camera, ShotSize

VARIANTS = 36
"""How many ways there are to say one shot."""

_CAMERA_WORDS: dict[Camera, str] = {
    "still": "The camera stays still.", "pan": "The camera pans slowly.", "push_in": "The camera moves slowly closer."}
_MOODS = {
    "by day": ("The light is bright.", "Sunlight fills the picture.", "The sky is clear."),
    "in the evening": ("The light is warm and low.", "Long shadows lie on the ground.", "The sky glows orange."),
    "at night": ("Moonlight lies over everything.", "Stars shine in the sky.", "The light is blue and dim."),
}
_OTHER_MOODS = ("The light is soft.", "The mood is calm.", "The air is still.")
_INDOOR_MOODS = ("The light is soft.", "Soft shadows lie on the walls.", "The room is quiet.")


@dataclass(frozen=True)
class Seen:
    """Somebody in frame."""

    name: str
    deed: str
    """Verb phrase, such as `walks to the right`."""
    look: str = ""
    """Appearance, when it must be spelled out."""


@dataclass(frozen=True)
class Picture:
    """Everything a caption says."""

    size: ShotSize
    camera: Camera
    place: PlaceWord
    time: str
    """Such as `at night`."""
    seen: tuple[Seen, ...]
    weather: str = ""


def say_deed(phrase: str, gait: Gait, *, path: str, thing: str) -> str:
    """Fill a verb phrase of the grammar: `{run} {path}` becomes `runs along the bank`."""
    return phrase.format(**GAITS[gait], path=path, thing=thing)


def write_caption(picture: Picture, variant: int) -> str:
    """Return the caption of a picture in one of `VARIANTS` ways."""
    clause = _clause(picture.seen)
    size = f"{picture.size.capitalize()}-up" if picture.size == "close" else f"{picture.size.capitalize()} shot"
    place, time = picture.place, picture.time
    sentence = (
        f"{size} of {place.fixed_name} {time}: {clause}.",
        f"{size}, {place.at} {time}: {clause}.",
        f"{_upper(place.at)} {time}, {clause}. {size}.",
    )[variant % 3]
    extras = _extras(picture)
    return f"{sentence} {extras[variant // 3 % len(extras)]}"


def _clause(seen: Sequence[Seen]) -> str:
    return ", and ".join(f"{who.name}, {who.look}, {who.deed}" if who.look else f"{who.name} {who.deed}"
                         for who in seen)


def _extras(picture: Picture) -> tuple[str, ...]:
    """Second sentences: what lies there, the light, the weather, the camera."""
    indoors = picture.place.word in INDOORS
    moods = _INDOOR_MOODS if indoors else _MOODS.get(picture.time, _OTHER_MOODS)
    camera = _CAMERA_WORDS[picture.camera]
    if picture.weather and not indoors:
        return (picture.weather, f"{picture.weather} {camera}", f"{picture.place.details[0]} {picture.weather}")
    options = (*picture.place.details, *moods)
    return options if picture.camera == "still" else tuple(f"{option} {camera}" for option in options)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
