"""What the offline writer understands of a logline or of a person's notes: who, where, when, what for.

Word lists and neighbours, no grammar of the whole sentence; what is not understood is simply not in the result.
Knows the lexicons; nothing of stories.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from filmagent.agents.offline.characters import ADJECTIVES, COLOUR_WORDS, NOUNS
from filmagent.agents.offline.foreign import UNSPACED, english_of
from filmagent.agents.offline.names import leading_name, name_beside, name_within, place_names
from filmagent.agents.offline.places import PLACES, SAME
from filmagent.agents.offline.things import ACTIVITIES, SINGULARS, THINGS, TIMES, WEATHERS

_TOWARDS = frozenset(["to", "toward", "towards", "into", "reach", "reaches", "find", "finds", "for", "way", "back",
                      "journey", "return", "returns", "coming", "comes", "go", "goes", "going", "nach", "zum", "zur",
                      "vers", "hacia", "verso", "к", "домой"])
_FROM = frozenset(["from", "leaves", "leave", "out", "leaving", "flees", "aus"])


@dataclass(frozen=True)
class FoundCharacter:
    """Somebody that a text speaks of."""

    noun: str | None = None
    """Word in the lexicon of characters; None: only the name is known."""
    name: str | None = None
    """The name that the text gives, such as `Pixel`."""
    adjectives: tuple[str, ...] = ()
    colour: str | None = None


@dataclass(frozen=True)
class FoundPlace:
    """Somewhere that a text speaks of."""

    word: str
    """Word in the lexicon of places, or a name such as `Paris`."""
    named: bool = False
    role: str = ""
    """`goal`, `start`, or empty."""
    name: str = ""
    """A fixed name that a person asked for; empty: the lexicon's."""


@dataclass(frozen=True)
class Reading:
    """What is understood of a text, everything in the order of the text."""

    characters: tuple[FoundCharacter, ...] = ()
    places: tuple[FoundPlace, ...] = ()
    thing: str | None = None
    """An object to find, with its adjective, such as `red balloon`."""
    time: str | None = None
    weather: str | None = None
    activity: str | None = None
    """What the hero is seen doing besides the way, such as `dances`."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was understood."""
        return self == Reading()


@dataclass(frozen=True)
class _Word:
    """One word of a text: as written, and the lexicon word that is meant."""

    written: str
    sense: str


def read_text(text: str) -> Reading:
    """Return what is understood of a text in any language."""
    words = _words(text)
    characters: list[FoundCharacter] = []
    places: list[FoundPlace] = []
    things: list[str] = []
    for index, word in enumerate(words):
        if word.sense in NOUNS:
            _add_character(characters, words, index)
        elif word.sense in PLACES:
            places.append(FoundPlace(word.sense, role=_role(words, index)))
        elif word.sense in THINGS:
            things.append(_with_adjective(words, index))
    _add_names(characters, text)
    names = {character.name for character in characters}
    places += [FoundPlace(name, named=True) for name in place_names(text) if name not in names]
    senses = [word.sense for word in words]
    return Reading(characters=tuple(characters), places=_once(places), thing=things[0] if things else None,
                   time=next((TIMES[sense] for sense in senses if sense in TIMES), None),
                   weather=next((WEATHERS[sense] for sense in senses if sense in WEATHERS), None),
                   activity=next((ACTIVITIES[sense] for sense in senses if sense in ACTIVITIES), None))


def _words(text: str) -> list[_Word]:
    """Split a text into words with their senses; signs and emoji inside a word count on their own."""
    composed = unicodedata.normalize("NFKC", text).replace("’", "'")
    for sign, english in UNSPACED.items():
        composed = composed.replace(unicodedata.normalize("NFKC", sign), f" {english} ")
    written = re.findall(r"[^\s.,;:!?…()\[\]\"“”«»„、。！？]+", composed)
    folded = [re.sub(r"'s?$", "", word.casefold()) for word in written]
    understood = any(_english(word) for word in folded)
    words: list[_Word] = []
    index = 0
    while index < len(folded):
        pair = " ".join(folded[index:index + 2])
        if sense := _known(pair) if index + 1 < len(folded) else None:
            words.append(_Word(" ".join(written[index:index + 2]), sense))
            index += 2
            continue
        single = folded[index]
        words.append(_Word(written[index], _english(single) or english_of(single, doubtful=not understood) or single))
        index += 1
    return words


def _english(word: str) -> str | None:
    """The lexicon word for an English word in singular or plural, or None."""
    if found := _known(word):
        return found
    if word in SINGULARS:
        return SINGULARS[word]
    stems = [word[:-1]] if word.endswith("s") and not word.endswith("ss") else []
    stems += [word[:-2]] if word.endswith("es") else []
    stems += [word[:-3] + "y"] if word.endswith("ies") else []
    return next((found for stem in stems if (found := _known(stem)) in NOUNS or found in PLACES), None)


def _known(word: str) -> str | None:
    word = SAME.get(word, word)
    return word if any(word in table for table in (NOUNS, PLACES, THINGS, TIMES, WEATHERS)) else None


def _add_character(characters: list[FoundCharacter], words: list[_Word], index: int) -> None:
    before = [word.sense for word in words[max(0, index - 3):index]]
    described = FoundCharacter(
        noun=words[index].sense,
        name=name_beside([word.written for word in words], index),
        adjectives=tuple(word for word in before if word in ADJECTIVES),
        colour=next((word for word in reversed(before) if word in COLOUR_WORDS), None))
    for position, known in enumerate(characters):
        if known.noun == described.noun and (described.name in (None, known.name) or known.name is None):
            characters[position] = replace(known, name=known.name or described.name,
                                           adjectives=known.adjectives or described.adjectives,
                                           colour=known.colour or described.colour)
            return
    characters.append(described)


def _add_names(characters: list[FoundCharacter], text: str) -> None:
    """Add whom the text only names: the one it begins with, else anyone when nobody else was found."""
    name = leading_name(text)
    if name is not None and _english(name.casefold()) is None and name not in {c.name for c in characters}:
        characters.insert(0, FoundCharacter(name=name))
    elif not characters and (name := name_within(text)) and _english(name.casefold()) is None:
        characters.append(FoundCharacter(name=name))


def _role(words: list[_Word], index: int) -> str:
    before = [word.written.casefold() for word in words[max(0, index - 3):index]]
    if words[index].written.casefold() in ("домой", "eve", "nachhause"):
        return "goal"
    for word in reversed(before):
        if word in _TOWARDS:
            return "goal"
        if word in _FROM:
            return "start"
    return ""


def _with_adjective(words: list[_Word], index: int) -> str:
    before = words[index - 1].sense if index else ""
    described = before in ADJECTIVES or before in COLOUR_WORDS
    return f"{before} {words[index].sense}" if described else words[index].sense


def _once(places: list[FoundPlace]) -> tuple[FoundPlace, ...]:
    return tuple({place.word: place for place in reversed(places)}.values())[::-1]
