"""The offline writer: any logline in any language becomes a sound story, the same one every time.

Puts together what the other files of this room know: reading, cast, places, grammar, captions. Not meant to equal
a language model: it tells one kind of story, a way out and back with a helper, and says so by being plain.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from filmagent.agents.offline.beats import Beat, SceneKind, beats_of, scene_kinds, shots_per_scene, without_helper
from filmagent.agents.offline.captions import VARIANTS, Picture, Seen, say_deed, write_caption
from filmagent.agents.offline.casting import Actor, Cast, make_cast, make_map, place_subject, thing_subject
from filmagent.agents.offline.choice import pick
from filmagent.agents.offline.notes import take_up
from filmagent.agents.offline.places import PlaceWord
from filmagent.agents.offline.reading import Reading, read_text
from filmagent.agents.story_request import StoryRequest
from filmagent.schemas.story import Scene, Shot, Story, Subject

DEFAULT_SHOTS = 8
LONGEST_TITLE = 60
_DAYS = (("by day", "in the evening", "at night", "by day"), ("by day", "by day", "in the evening", "at night"),
         ("in the evening", "at night", "by day", "by day"))
"""How the hours pass over a film."""


@dataclass(frozen=True)
class _Scene:
    """One scene before its shots are written."""

    number: int
    kind: SceneKind
    place: PlaceWord
    time: str
    helper: Actor | None
    shots: int


@dataclass
class _Telling:
    """What has been told so far: who was described, which captions exist."""

    described: set[str]
    captions: set[str]


def write_offline(request: StoryRequest) -> Story:
    """Write a story without any model. Equal requests give equal stories."""
    logline = _clean(request.logline)
    key = f"{logline}|{request.seed}|{_variation(request)}"
    reading, remarks = read_text(logline), []
    if request.notes.strip():
        noted = take_up(reading, request.notes)
        reading, remarks = noted.reading, [noted.told]
    elif request.previous is not None:
        remarks = ["The offline writer made another variation."]
    wanted = [read_text(name) for name in request.cast]
    places = [place for named in wanted if not named.characters for place in named.places]
    reading = replace(reading, places=(*reading.places, *places))
    cast = make_cast(reading, request.cast, key=key)
    sizes = shots_per_scene(request.shots or DEFAULT_SHOTS)
    scenes = _scenes(reading, cast, sizes, key)
    thing = thing_subject(reading.thing) if reading.thing and any(s.kind == "find" for s in scenes) else None
    shots = _shots(scenes, cast, thing, reading.weather or "", key)
    subjects = _subjects(scenes, cast, thing, shots)
    remarks += _missing(cast, shots, reading, thing)
    told = tuple(Scene(number=scene.number, title=_upper(scene.place.at), place=place_subject(scene.place).id)
                 for scene in scenes)
    return Story(title=_title(logline), overview=" ".join((logline, *remarks)), style=request.style, subjects=subjects,
                 scenes=told, shots=shots)


def _scenes(reading: Reading, cast: Cast, sizes: tuple[int, ...], key: str) -> list[_Scene]:
    kinds = scene_kinds(len(sizes), companions=len(cast.companions), companions_wanted=cast.companions_wanted,
                        thing=reading.thing is not None)
    places = make_map(reading, len(sizes), cast=cast, key=key)
    hours = pick(_DAYS, key, "day")
    scenes: list[_Scene] = []
    met = 0
    for index, (kind, place, size) in enumerate(zip(kinds, places, sizes, strict=True)):
        met += kind == "meeting"
        known = cast.companions[:met] or (cast.companions if cast.companions_wanted and len(sizes) <= 2 else ())
        helper = known[-1] if known and kind == "meeting" else known[index % len(known)] if known else None
        time = reading.time or hours[index * len(hours) // len(sizes)]
        scenes.append(_Scene(index + 1, kind, place, time, helper, size))
    return scenes


def _shots(scenes: list[_Scene], cast: Cast, thing: Subject | None, weather: str, key: str) -> tuple[Shot, ...]:
    telling = _Telling(set(), set())
    shots: list[Shot] = []
    for scene in scenes:
        for beat in beats_of(scene.kind, scene.shots):
            played = beat if scene.helper is not None else without_helper(beat)
            shots.append(_shot(f"shot-{len(shots) + 1:02d}", scene, played, cast, thing, weather, telling, key))
    return tuple(shots)


def _shot(shot_id: str, scene: _Scene, beat: Beat, cast: Cast, thing: Subject | None, weather: str,
          telling: _Telling, key: str) -> Shot:
    actors = [cast.hero if role == "hero" else scene.helper or cast.hero for role in beat.roles]
    thing_name = thing.name if thing is not None else ""
    ways = _wordings(shot_id, scene, beat, actors, thing_name, weather, telling.described, key)
    first = next(ways)
    fresh = (way for way in chain((first,), ways) if way[0] not in telling.captions)
    caption, action = next(fresh, first)
    telling.captions.add(caption)
    telling.described.update(actor.subject.id for actor in actors)
    seen = [actor.subject.id for actor in actors] + ([thing.id] if thing is not None and beat.shows_thing else [])
    return Shot(id=shot_id, scene=scene.number, caption=caption, subjects=tuple(seen), shot_size=beat.size,
                camera=beat.camera, action=action)


def _wordings(shot_id: str, scene: _Scene, beat: Beat, actors: list[Actor], thing: str, weather: str,
              described: set[str], key: str) -> Iterator[tuple[str, str]]:
    """Yield caption and main action in every way there is, the most fitting for this shot first."""
    start = pick(range(VARIANTS), key, shot_id)
    for step in range(VARIANTS):
        deed = pick(beat.deeds, key, shot_id, step)
        said = [say_deed(phrase, actor.gait, path=scene.place.path, thing=thing)
                for phrase, actor in zip(deed.phrases, actors, strict=True)]
        seen = tuple(Seen(actor.subject.name, words, "" if actor.subject.id in described else actor.subject.appearance)
                     for actor, words in zip(actors, said, strict=True))
        picture = Picture(beat.size, beat.camera, scene.place, scene.time, seen, weather)
        yield write_caption(picture, (start + step) % VARIANTS), said[0]


def _subjects(scenes: list[_Scene], cast: Cast, thing: Subject | None, shots: tuple[Shot, ...]) -> tuple[Subject, ...]:
    """Everybody and every place that the film shows, in that order, each once."""
    shown = {key for shot in shots for key in shot.subjects}
    actors = [actor.subject for actor in (cast.hero, *cast.companions) if actor.subject.id in shown]
    places = [place_subject(scene.place) for scene in scenes]
    return tuple({s.id: s for s in (*actors, *([thing] if thing is not None else []), *places)}.values())


def _missing(cast: Cast, shots: tuple[Shot, ...], reading: Reading, thing: Subject | None) -> list[str]:
    """Say which characters and objects of the logline the film has no room for."""
    shown = {key for shot in shots for key in shot.subjects}
    wanted = cast.companions if cast.companions_wanted else ()
    absent = [actor.subject.name for actor in wanted if actor.subject.id not in shown]
    absent += [f"the {noun}" for noun in cast.left_out]
    if reading.thing and thing is None:
        absent.append(f"the {reading.thing}")
    return [f"No room in this film for {', '.join(absent)}."] if absent else []


def _variation(request: StoryRequest) -> str:
    """A key that differs from the one of the rejected story."""
    if request.previous is None:
        return ""
    return hashlib.sha256(request.previous.model_dump_json().encode()).hexdigest()[:16]


def _clean(text: str) -> str:
    """One line without control characters."""
    printable = "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
    return " ".join(printable.split()) or "Untitled"


def _title(logline: str) -> str:
    line = logline.rstrip(" .") or logline
    if len(line) > LONGEST_TITLE:
        cut = line[:LONGEST_TITLE]
        line = (cut[:cut.rfind(" ")] if " " in cut else cut).rstrip(" ,;:") + "…"
    return _upper(line)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
