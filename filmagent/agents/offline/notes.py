"""What the offline writer takes up of a person's notes: hero, helper, places, time, weather, object.

Says honestly what was taken up, and that nothing was when that is so. Knows readings; nothing of stories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from filmagent.agents.offline.reading import FoundCharacter, Reading, read_text

_HERO = r"(?:hero|heroine|protagonist|main character|lead)"


@dataclass(frozen=True)
class Noted:
    """A reading changed by notes, and what a person is told about that."""

    reading: Reading
    told: str


def take_up(reading: Reading, notes: str) -> Noted:
    """Return the reading of a logline as notes change it; words of the notes win."""
    said = read_text(notes)
    taken: list[str] = []
    characters = list(reading.characters)
    for character in said.characters:
        _cast(characters, character, notes, taken)
    places = (*said.places, *(place for place in reading.places if place.word not in {p.word for p in said.places}))
    taken += [place.word for place in said.places]
    taken += [text for text in (said.thing, said.time, said.weather and said.weather.rstrip(".").lower()) if text]
    changed = replace(reading, characters=tuple(characters), places=places, thing=said.thing or reading.thing,
                      time=said.time or reading.time, weather=said.weather or reading.weather)
    if not taken:
        return Noted(changed, "The offline writer understood nothing of the notes; this is another variation.")
    return Noted(changed, f"The offline writer took up from the notes: {', '.join(dict.fromkeys(taken))}.")


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
