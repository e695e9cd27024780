"""In which state a caption shows its subjects: wet, masked, in a coat; and its place: at night, in snow.

A state passes, an appearance stays: words of a subject's own appearance are never a state of it. Word lists and one
rule of nearness, no grammar; knows nothing of keyframes. A state that has no word in the lists is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from filmagent.schemas.story import Shot, Story, Subject
from filmagent.scoring.words import words_of

State = frozenset[str]
"""Words that say how somebody or something is at the moment; empty: nothing special is said."""

PASSING: State = frozenset(
    words_of(
        "wet soaked dripping muddy dirty dusty sooty torn ragged bloody wounded injured bandaged burnt burning broken "
        "cracked frozen snowy naked barefoot bald masked hooded armoured disguised coat raincoat cloak jacket hat "
        "helmet hood crown mask dress suit spacesuit uniform armour gown robe pyjamas apron gloves boots glasses "
        "bandage backpack umbrella towel blanket"
    )
)
"""States of somebody in frame, what is worn and can be taken off included."""
AROUND: State = frozenset(
    words_of(
        "night evening dusk dawn sunset sunrise moonlight candlelight rain snow fog mist storm autumn winter spring "
        "summer burning burnt flooded frozen ruined ruins empty crowded"
    )
)
"""States of a place. Ordinary daylight is none."""


def states_in(story: Story, shot: Shot) -> Mapping[str, State]:
    """Return id -> state, for every subject in frame and for the place of a shot.

    A word of `PASSING` belongs to the subject that its sentence names last before it, else to the first that it names
    after; where only one subject is in frame, to that one. A word of `AROUND` belongs to the place, wherever it stands.
    """
    subjects = [story.subject(key) for key in shot.subjects]
    said: dict[str, set[str]] = {subject.id: set() for subject in subjects}
    for sentence in re.split(r"[.!?;]", shot.caption):
        words = words_of(sentence)
        named = sorted((at, subject.id) for subject in subjects for at in _mentions(subject, words))
        for at, word in enumerate(words):
            owner = _owner(at, named, subjects)
            if word in PASSING and owner is not None:
                said[owner].add(word)
    states = {subject.id: frozenset(said[subject.id]) - _own_words(subject) for subject in subjects}
    place = story.place_of(shot)
    if place is not None:
        states[place.id] = AROUND.intersection(words_of(shot.caption)) - _own_words(place)
    return states


def likeness(first: State, second: State) -> float:
    """Return how far two states agree, 0 to 1: the share of all their words that both have (Jaccard's index)."""
    return len(first & second) / len(first | second) if first | second else 1.0


def _owner(at: int, named: list[tuple[int, str]], subjects: list[Subject]) -> str | None:
    """Return whose the word at this position is: of those named, the last before it, else the first after it."""
    if len(subjects) == 1:
        return subjects[0].id
    before = [key for position, key in named if position <= at]
    return before[-1] if before else next((key for _, key in named), None)


def _mentions(subject: Subject, words: tuple[str, ...]) -> list[int]:
    """Return where a sentence names a subject: `Marlow the cat` in full or as `Marlow`, `the robot` as `robot`."""
    name = words_of(subject.name)
    name = name[1:] if name[:1] in (("the",), ("a",), ("an",)) else name
    short = name[: name.index("the")] if "the" in name else name
    return [at for at in range(len(words)) if short and words[at : at + len(short)] == short]


def _own_words(subject: Subject) -> State:
    return frozenset(words_of(f"{subject.name} {subject.appearance}"))
