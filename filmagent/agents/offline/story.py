"""The offline writer: any logline in any language becomes a sound story, the same one every time.

Puts together what the other files of this room know: reading, cast, places, grammar, captions. Not meant to equal
a language model: it tells one kind of story, a way out and back with a helper, and says so by being plain.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace

from filmagent.agents.offline.casting import place_subject, place_word
from filmagent.agents.offline.notes import keep_previous, take_up
from filmagent.agents.offline.outline import Outline, make_outline
from filmagent.agents.offline.reading import FoundPlace, Reading, read_text
from filmagent.agents.offline.telling import tell
from filmagent.agents.story_request import StoryRequest
from filmagent.schemas.story import Scene, Shot, Story, Subject

DEFAULT_SHOTS = 8
LONGEST_TITLE = 60


def write_offline(request: StoryRequest) -> Story:
    """Write a story without any model. Equal requests give equal stories.

    Notes that are understood change what they name and keep the rest; a rejection without any gives another
    variation. The overview says which of the two happened.
    """
    logline = _clean(request.logline)
    reading, key, remarks = _understand(request, logline)
    outline = make_outline(reading, request.cast, shots=request.shots or DEFAULT_SHOTS, key=key)
    shots = tell(outline)
    remarks += _no_room(outline, shots, reading)
    scenes = tuple(Scene(number=scene.number, title=_upper(scene.place.at), place=place_subject(scene.place).id)
                   for scene in outline.scenes)
    return Story(title=_title(logline), overview=" ".join((logline, *remarks)), style=request.style,
                 subjects=_subjects(outline, shots, request), scenes=scenes, shots=shots)


def _understand(request: StoryRequest, logline: str) -> tuple[Reading, str, list[str]]:
    """Return what logline, photographs' names and notes say, the key of the free choices, and remarks on the notes."""
    reading = read_text(logline)
    named = _wanted_places(request.cast)
    reading = replace(reading, places=(*(named.pop(place.word, place) for place in reading.places), *named.values()))
    key = f"{logline}|{request.seed}"
    if request.notes.strip():
        kept = reading if request.previous is None else keep_previous(reading, request.previous)
        noted = take_up(kept, request.notes)
        if noted.understood:
            return noted.reading, key, [noted.told]
        return reading, f"{key}|{_fingerprint(request)}", [noted.told]
    if request.previous is not None:
        return reading, f"{key}|{_fingerprint(request)}", ["The offline writer made another variation."]
    return reading, key, []


def _wanted_places(cast: tuple[str, ...]) -> dict[str, FoundPlace]:
    """Word of the lexicon -> the place that a photograph's name speaks of, under that name."""
    found: dict[str, FoundPlace] = {}
    for name in cast:
        said = read_text(name)
        for place in said.places[:1] if not said.characters else ():
            plain = name.casefold() in (place.word, place_word(place).fixed_name.casefold())
            found[place.word] = replace(place, name="" if plain else name)
    return found


def _subjects(outline: Outline, shots: tuple[Shot, ...], request: StoryRequest) -> tuple[Subject, ...]:
    """Everybody, the object and every place that the film shows, in that order, each once.

    Whoever a photograph was given for is there in any case, so that a later edit can bring them into frame.
    """
    shown = {key for shot in shots for key in shot.subjects}
    wanted = {name.casefold() for name in request.cast}
    actors = [actor.subject for actor in (outline.cast.hero, *outline.cast.companions)
              if actor.subject.id in shown or wanted & {actor.subject.id, actor.subject.name.casefold()}]
    things = [outline.thing] if outline.thing is not None else []
    places = [place_subject(scene.place) for scene in outline.scenes]
    places += [place_subject(place_word(place)) for place in _wanted_places(request.cast).values()]
    return tuple({subject.id: subject for subject in (*actors, *things, *places)}.values())


def _no_room(outline: Outline, shots: tuple[Shot, ...], reading: Reading) -> list[str]:
    """Say which characters and objects that were asked for the film does not show."""
    shown = {key for shot in shots for key in shot.subjects}
    wanted = outline.cast.companions if outline.cast.companions_wanted else ()
    absent = [actor.subject.name for actor in wanted if actor.subject.id not in shown]
    absent += [f"the {noun}" for noun in outline.cast.left_out]
    if reading.thing and outline.thing is None:
        absent.append(f"the {reading.thing}")
    return [f"No room in this film for {', '.join(absent)}."] if absent else []


def _fingerprint(request: StoryRequest) -> str:
    """A key that differs with every rejected story."""
    rejected = request.previous.model_dump_json() if request.previous is not None else ""
    return hashlib.sha256(rejected.encode()).hexdigest()[:16]


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
