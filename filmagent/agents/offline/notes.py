"""What the offline writer takes up of a person's notes: hero, helper, places, time, weather, object.

Says honestly what was taken up, and that nothing was when that is so. Knows readings; nothing of stories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from filmagent.agents.offline.characters import NOUNS
from filmagent.agents.offline.places import PLACES
from filmagent.agents.offline.reading import FoundCharacter, FoundPlace, Reading, read_text
from filmagent.schemas.story import Story

_HERO = r"(?:hero|heroine|protagonist|main character|lead)"


@dataclass(frozen=True)
class Noted:
    """A reading changed by notes, and what a person is told about that."""

    reading: Reading
    told: str
    understood: bool


def keep_previous(reading: Reading, previous: Story) -> Reading:
    """Return the reading with the cast and the way of the story before, so that notes change only what they name.

    What the lexicons do not know of a story that a person or a model wrote is left as the logline has it.
    """
    cast = []
    for subject in previous.subjects:
        name, _, noun = subject.name.rpartition(" the ")
        if noun in NOUNS and name:
            looks = read_text(subject.appearance).characters
            cast.append(FoundCharacter(noun, name, looks[0].adjectives if looks else (),
                                       looks[0].colour if looks else None))
    roles = {place.word: place for place in reading.places}
    way = [scene.place.replace("-", " ") for scene in previous.scenes[:-1] if scene.place is not None]
    places = [roles.get(word, FoundPlace(word)) for word in dict.fromkeys(way) if word in PLACES]
    return replace(reading, characters=tuple(cast) or reading.characters,
                   places=(*places, *(place for place in reading.places if place not in places)))


def take_up(reading: Reading, notes: str) -> Noted:
    """Return the reading of a logline as notes change it; words of the notes win."""
    said = read_text(notes)
    taken: list[str] = []
    characters = list(reading.characters)
    for character in said.characters:
        _cast(characters, character, notes, taken)
    places = (*said.places, *(place for place in reading.places if place.word not in {p.word for p in said.places}))
    taken += [place.word for place in said.places]
    weather = (said.weather or "").rstrip(".").lower()
    taken += [text for text in (said.thing, said.time, said.activity, weather) if text]
    changed = replace(reading, characters=tuple(characters), places=places, thing=said.thing or reading.thing,
                      time=said.time or reading.time, weather=said.weather or reading.weather,
                      activity=said.activity or reading.activity)
    if not taken:
        return Noted(changed, "The offline writer understood nothing of the notes; this is another variation.",
                     understood=False)
    return Noted(changed, f"The offline writer took up from the notes: {', '.join(dict.fromkeys(taken))}.",
                 understood=True)


def _cast(characters: list[FoundCharacter], said: FoundCharacter, notes: str, taken: list[str]) -> None:
    label = said.name or str(said.noun)
    known = [index for index, character in enumerate(characters) if character.noun == said.noun]
    if known:
        old = characters[known[0]]
        characters[known[0]] = replace(old, name=said.name or old.name, colour=said.colour or old.colour,
                                       adjectives=said.adjectives or old.adjectives)
        taken.append(label)
        return
    word = re.escape(label)
    is_hero = re.search(rf"{_HERO}\W+(?:\w+\W+){{0,4}}?{word}|{word}\W+(?:\w+\W+){{0,4}}?{_HERO}", notes, re.IGNORECASE)
    if is_hero:
        characters[:1] = [said]
        taken.append(f"{label} as the hero")
    elif characters:
        characters[1:2] = [said]
        taken.append(f"{label} beside the hero")
    else:
        characters.append(said)
        taken.append(label)
