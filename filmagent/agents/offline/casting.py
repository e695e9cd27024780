"""From what was understood to a cast and a map: who plays, how everyone looks, where the scenes happen.

What the logline says wins; everything left open is chosen by hash, first among what a small model can show.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filmagent.agents.offline.characters import (
    COLOURS,
    EVERYBODY,
    FILMABLE,
    HELPERS,
    NOUNS,
    TRIM_COLOURS,
    Gait,
    Noun,
    names_for,
)
from filmagent.agents.offline.choice import number, pick
from filmagent.agents.offline.places import HOMES, NEIGHBOURS, PLACES, PlaceWord, named_place
from filmagent.agents.offline.reading import FoundCharacter, FoundPlace, Reading
from filmagent.schemas.story import Subject

MOST_COMPANIONS = 3


@dataclass(frozen=True)
class Actor:
    """A subject that acts, and how it moves."""

    subject: Subject
    gait: Gait


@dataclass(frozen=True)
class Cast:
    """Everybody in the story; the first companion is the helper."""

    hero: Actor
    companions: tuple[Actor, ...]
    companions_wanted: bool
    """Whether the logline asked for the companions, so that even a short film must show them."""
    left_out: tuple[str, ...] = ()
    """Nouns of characters that the logline names and this cast has no room for."""


def slug(text: str, *, fallback: str) -> str:
    """Return a stable id for a name: lower-case ASCII letters and digits, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or fallback


def make_cast(reading: Reading, wanted: Sequence[str], *, key: str) -> Cast:
    """Cast a story.

    Args:
        reading: what was understood of logline and notes.
        wanted: names that must be subjects, as a person wrote them for photographs.
        key: what every free choice depends on.
    """
    found = _with_wanted(list(reading.characters), wanted)
    asked = len(found) > 1
    if not found:
        found.append(FoundCharacter(noun=pick(FILMABLE, key, "hero")))
    if len(found) == 1:
        gait = NOUNS[found[0].noun].gait if found[0].noun else EVERYBODY.gait
        others = [word for word in HELPERS.get(gait, FILMABLE) if word != found[0].noun]
        found.append(FoundCharacter(noun=pick(others, key, "helper")))
    actors: list[Actor] = []
    found[1:] = sorted(found[1:], key=lambda character: character.name not in wanted)
    room = 1 + max(MOST_COMPANIONS, len(wanted))
    for character in found[:room]:
        actors.append(_actor(character, actors, wanted, key))
    return Cast(actors[0], tuple(actors[1:]), asked,
                tuple(character.noun or str(character.name) for character in found[room:]))


def make_map(reading: Reading, scenes: int, *, cast: Cast, key: str) -> tuple[PlaceWord, ...]:
    """Return the place of every scene: at least three different ones from three scenes on, no two alike in a row."""
    named = [place_word(found) for found in reading.places]
    goal = next((place_word(f) for f in reversed(reading.places) if f.role == "goal"), None)
    group = named[0].group if named else _waters(cast)
    end = goal or (named[0] if len(named) == 1 and scenes == 1 else PLACES[HOMES.get(group, "home")])
    starts = [place_word(f) for f in reading.places if f.role == "start"]
    starts = [place for place in starts if place != end or scenes >= 4]
    road = [*starts, *[place for place in named if place not in (*starts, end)]]
    near = [PLACES[word] for word in NEIGHBOURS[group]]
    shift = number(key, "road") % len(near)
    road += [place for place in (*near[shift:], *near[:shift]) if place not in (*road, end)]
    way = [road[i % len(road)] for i in range(scenes - 1)]
    if way and way[-1] == end:
        way[-1] = next(place for place in road if place not in (end, *way[-2:]))
    return (*way, end)


def _waters(cast: Cast) -> str:
    """The group of places that suits how everybody moves."""
    wet = [actor.gait in ("swim", "sail") for actor in (cast.hero, *cast.companions)]
    return "sea" if all(wet) else "shore" if any(wet) else "wild"


def place_word(found: FoundPlace) -> PlaceWord:
    """Return the place that a text speaks of, under the name that a person asked for."""
    place = named_place(found.word) if found.named else PLACES[found.word]
    return replace(place, name=found.name) if found.name else place


def place_subject(place: PlaceWord) -> Subject:
    """Return the place as a subject."""
    key = place.word if place.word in PLACES else f"place-{place.word}"
    return Subject(id=slug(key, fallback="place"), name=place.fixed_name, kind="place",
                   appearance=place.details[0])


def thing_subject(thing: str) -> Subject:
    """Return the object that the story is about finding."""
    return Subject(id=f"thing-{slug(thing, fallback='thing')}", name=f"the {thing}", kind="object",
                   appearance=f"{article(thing)} {thing}")


def article(words: str) -> str:
    """Return `a` or `an`, as the first letter sounds in most words."""
    return "an" if words[:1].lower() in "aeiou" and not words.lower().startswith(("uni", "one-")) else "a"


def _with_wanted(found: list[FoundCharacter], wanted: Sequence[str]) -> list[FoundCharacter]:
    """Give the wanted names to the characters that they fit, and add those that fit none."""
    for name in wanted:
        words = [word.casefold() for word in name.split()]
        noun = next((word for word in reversed(words) if word in NOUNS), None)
        if noun is None and any(word in PLACES for word in words):
            continue
        free = [i for i, c in enumerate(found) if c.name is None and (noun is None or c.noun == noun)]
        same = [i for i, c in enumerate(found) if c.name and c.name.casefold() == words[0]]
        at = next(iter((*same, *free)), None)
        named = replace(found[at], name=name) if at is not None else FoundCharacter(noun=noun, name=name)
        if at is None:
            found.append(named)
        else:
            found[at] = named
    return found


def _actor(character: FoundCharacter, others: Sequence[Actor], wanted: Sequence[str], key: str) -> Actor:
    noun = NOUNS[character.noun] if character.noun else EVERYBODY
    taken = {other.subject.name.split()[0] for other in others}
    place = len(others)
    free = [name for name in names_for(noun.word) if name not in taken]
    called = character.name or pick(free, key, "name", place)
    if called in wanted and called.casefold() in NOUNS:
        name = f"the {called}"
    elif " " in called or noun is EVERYBODY:
        name = called
    else:
        name = f"{called} the {noun.word}"
    used = {other.subject.id for other in others} | set(PLACES)
    base = slug(called, fallback=f"{noun.word}-{place + 1}")
    key_id = base if base not in used else f"{base}-{place + 1}"
    return Actor(Subject(id=key_id, name=name, kind=noun.kind,
                         appearance=_appearance(noun, character, others, key)), noun.gait)


def _appearance(noun: Noun, character: FoundCharacter, others: Sequence[Actor], key: str) -> str:
    """Describe somebody by two colours that nobody else of the cast wears."""
    seen = " ".join(other.subject.appearance for other in others)
    place = len(others)
    fitting = noun.colours or COLOURS
    free = [c for c in fitting if c not in seen] or [c for c in COLOURS[:5] if c not in seen]
    colour = character.colour or pick(free or fitting, key, "colour", place)
    trims = [c for c in TRIM_COLOURS if c != colour]
    trim = pick([c for c in trims if c not in seen] or trims, key, "trim", place)
    adjectives = character.adjectives
    if noun.dress:
        who = " ".join((*adjectives, noun.word))
        who += f" in {article(colour)} {colour} {noun.dress}"
    else:
        who = " ".join((*adjectives, colour, noun.word))
    return f"{article(who)} {who} with {article(trim)} {trim} {noun.trim}"
