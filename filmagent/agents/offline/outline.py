"""From what was understood to an outline: scenes with their place, time of day, and who is met where.

Knows cast, places and the grammar of scenes; writes no caption.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.agents.offline.beats import SceneKind, scene_kinds, shots_per_scene
from filmagent.agents.offline.casting import Actor, Cast, make_cast, make_map, thing_subject
from filmagent.agents.offline.choice import pick
from filmagent.agents.offline.places import PlaceWord
from filmagent.agents.offline.reading import Reading
from filmagent.schemas.story import Subject

_DAYS = (("by day", "in the evening", "at night", "by day"), ("by day", "by day", "in the evening", "at night"),
         ("in the evening", "at night", "by day", "by day"))
"""How the hours pass over a film."""


@dataclass(frozen=True)
class SceneOutline:
    """One scene before its shots are written."""

    number: int
    kind: SceneKind
    place: PlaceWord
    time: str
    helper: Actor | None
    """Who accompanies the hero here."""
    shots: int


@dataclass(frozen=True)
class Outline:
    """A whole film before its shots are written."""

    cast: Cast
    scenes: tuple[SceneOutline, ...]
    thing: Subject | None
    """The object that is found, if there is room for it."""
    weather: str
    activity: str
    key: str
    """What every free choice depends on."""


def make_outline(reading: Reading, wanted: tuple[str, ...], *, shots: int, key: str) -> Outline:
    """Outline a film of this many shots.

    Args:
        reading: what was understood of logline and notes.
        wanted: names that must be subjects.
        shots: 1 to 64.
        key: what every free choice depends on.
    """
    cast = make_cast(reading, wanted, key=key)
    sizes = shots_per_scene(shots)
    kinds = scene_kinds(len(sizes), companions=len(cast.companions), companions_wanted=cast.companions_wanted,
                        thing=reading.thing is not None)
    places = make_map(reading, len(sizes), cast=cast, key=key)
    hours = pick(_DAYS, key, "day")
    scenes = tuple(
        SceneOutline(number=index + 1, kind=kind, place=places[index], helper=_helper(cast, kinds, index),
                     time=reading.time or hours[index * len(hours) // len(kinds)], shots=sizes[index])
        for index, kind in enumerate(kinds))
    thing = thing_subject(reading.thing) if reading.thing and "find" in kinds else None
    return Outline(cast, scenes, thing, reading.weather or "", reading.activity or "", key)


def _helper(cast: Cast, kinds: tuple[SceneKind, ...], index: int) -> Actor | None:
    """Who is beside the hero in a scene: whom a meeting brings, later one after the other of those met."""
    met = cast.companions[:kinds[:index + 1].count("meeting")]
    if not met and cast.companions_wanted and len(kinds) <= 2:
        met = cast.companions
    if not met:
        return None
    return met[-1] if kinds[index] == "meeting" else met[index % len(met)]
