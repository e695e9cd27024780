"""What everybody in a shot does, in which direction, and what they carry: verbs of captions as papercut's actions.

Knows captions and names; nothing of looks and places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from filmagent.generation.papercut.parts import prop_of
from filmagent.generation.papercut.reading import known_as, sentences_of, verb_bases, words_of
from filmagent.generation.papercut.synonyms import (
    ACTION_WORDS,
    CARRYING_WORDS,
    MEETING_WORDS,
    NOUN_MARKS,
    PREPOSITIONS,
    PROP_WORDS,
)
from filmagent.generation.papercut.vocabulary import MOVING_ACTIONS
from filmagent.schemas.story import Shot, Story

_DEFAULT_ACTION = "looks"
_SIDES = {word: side for side in ("left", "right") for word in (side, f"{side}ward", f"{side}wards")}
_NAME_GLUE = frozenset(("the", "a", "an", "of", "and"))


@dataclass(frozen=True)
class Deed:
    """What one figure does."""

    action: str
    direction: str | None = None
    prop: str | None = None
    carried: str | None = None
    """Id of the story's thing that is carried; None: nothing, or something that only the caption knows."""


def deeds_of(story: Story, shot: Shot, players: Sequence[str], things: Sequence[str]) -> dict[str, Deed]:
    """Return what each player does.

    Args:
        story: whose subjects they are.
        shot: whose caption is read.
        players: ids of the figures in frame, from left to right.
        things: ids of the things in frame that are nobody.
    """
    told = without_looks(story, shot)
    clauses = {key: _clauses(story, told, key, players) for key in players}
    deeds: dict[str, Deed] = {}
    left = list(things)
    for key in players:
        direction = _side(clauses[key]) or _towards_others(clauses[key], players.index(key), len(players))
        direction = direction or direction_of(shot)
        found = next((load for clause in clauses[key] if (load := _load(story, clause, left))), None)
        if found is None and key == players[0] and not any(map(_carries, sentences_of(told))):
            found = _load(story, words_of(shot.action), left)
        if found and found[0] not in {deed.prop for deed in deeds.values()}:
            prop, carried = found
            left = [thing for thing in left if thing != carried]
            deeds[key] = Deed("carries", direction, prop, carried)
            continue
        action = _action(shot, told, clauses[key], company=len(players) > 1)
        deeds[key] = Deed(action, direction if action in MOVING_ACTIONS else None)
    return deeds


def moves_by_itself(story: Story, shot: Shot, thing: str) -> bool:
    """Whether a sentence that names a thing before anybody else has it move, as no prop can."""
    name = _name_words(story, thing)
    others = {word for key in shot.subjects if key != thing for word in _name_words(story, key)} - name
    for words in sentences_of(without_looks(story, shot)):
        named = [index for index, word in enumerate(words) if word in name]
        if named and not others & {*words[: named[0]]}:
            last = max(index for index in named if index <= named[0] + len(name))
            if _first_action(words[last + 1 :], company=False) in (*MOVING_ACTIONS, "jumps"):
                return True
    return False


def left_to_right(story: Story, shot: Shot, players: Sequence[str]) -> tuple[str, ...]:
    """Return the players as the caption names them; who comes from a side stands on that side."""
    told = without_looks(story, shot)
    words = words_of(told)

    def place(key: str) -> tuple[int, int]:
        sides = {_SIDES[c[i + 2]] for c in _clauses(story, told, key, players) for i in _from_a_side(c)}
        names = _name_words(story, key)
        first = next((index for index, word in enumerate(words) if word in names), len(words))
        return (-1 if sides == {"left"} else 1 if sides == {"right"} else 0), first

    return tuple(sorted(players, key=place))


def direction_of(shot: Shot) -> str:
    """Return where a shot moves: as its action or caption says, else as its camera does, else to the right."""
    sentences = [words_of(shot.action), *sentences_of(shot.caption)]
    for of_camera in (False, True):
        if side := _side([words for words in sentences if ("camera" in words) is of_camera]):
            return side
    return "right"


def _side(clauses: Sequence[Sequence[str]]) -> str | None:
    """The first side that is named; who comes from the left goes to the right."""
    for words in clauses:
        for index, word in enumerate(words):
            if word in _SIDES:
                side = _SIDES[word]
                return {"left": "right", "right": "left"}[side] if index - 2 in _from_a_side(words) else side
    return None


def _towards_others(clauses: Sequence[Sequence[str]], place: int, count: int) -> str | None:
    """Where the others are, for somebody at the edge of a company who comes closer."""
    if any({"closer", "towards", "toward"} & {*words} for words in clauses):
        return None if count == 1 or 0 < place < count - 1 else "left" if place else "right"
    return None


def _from_a_side(words: Sequence[str]) -> list[int]:
    return [i for i in range(len(words) - 2) if tuple(words[i : i + 2]) == ("from", "the") and words[i + 2] in _SIDES]


def _name_words(story: Story, key: str) -> set[str]:
    return set(words_of(story.subject(key).name)) - _NAME_GLUE


def without_looks(story: Story, shot: Shot) -> str:
    """The caption without the appearances that it spells out: `in a running suit` is no deed."""
    told = shot.caption
    for key in shot.subjects:
        if look := story.subject(key).appearance.rstrip(". "):
            told = re.sub(re.escape(look), "", told, flags=re.IGNORECASE)
    return told


def _clauses(story: Story, told: str, key: str, players: Sequence[str]) -> list[list[str]]:
    """What follows a name in its sentence, up to the next player's name once something is done."""
    name = _name_words(story, key)
    others = {word for other in players if other != key for word in _name_words(story, other)} - name
    clauses = []
    for words in sentences_of(told):
        places = [index for index, word in enumerate(words) if word in name]
        # The words of one full name stand together; its last one begins the clause.
        together = len(places) > 1 and places[-1] - places[0] <= len(name) + 1
        for start in places[-1:] if together else places:
            clause: list[str] = []
            for word in words[start + 1 :]:
                if word in others and clause and (_first_action(clause, company=True) or _carries(clause)):
                    break
                clause.append(word)
            clauses.append(clause)
    return clauses


def _action(shot: Shot, told: str, clauses: Sequence[Sequence[str]], *, company: bool) -> str:
    """The first verb behind the name; else the shot's own action; else any verb of a sentence about no camera."""
    others = [["the", *words] for words in sentences_of(told) if "camera" not in words]
    for words in (*clauses, words_of(shot.action), *others):
        if found := _first_action(words, company=company):
            return found
    return _DEFAULT_ACTION


def _first_action(words: Sequence[str], *, company: bool) -> str | None:
    for before, word in zip(["", *words], words, strict=False):
        if before in NOUN_MARKS and not word.endswith("ing"):
            continue
        for base in verb_bases(word):
            if company and base in MEETING_WORDS:
                return "meets"
            if base in ACTION_WORDS:
                return ACTION_WORDS[base]
    return None


def _carries(words: Sequence[str]) -> bool:
    return any(base in CARRYING_WORDS for word in words for base in verb_bases(word))


def _load(story: Story, words: Sequence[str], things: Sequence[str]) -> tuple[str, str | None] | None:
    """(prop, id of the thing) that a clause says is carried: its object stands before the next preposition."""
    at = next((index for index, word in enumerate(words) if _carries([word])), None)
    if at is None:
        return None
    objects = []
    for word in words[at + 1 :]:
        if word in PREPOSITIONS:
            break
        objects.append(word)
    for thing in things:
        prop = prop_of(story.subject(thing))
        if prop and {"it", "them", *_name_words(story, thing)} & {*objects}:
            return prop, thing
    props = [PROP_WORDS[base] for word in objects if (base := known_as(word, PROP_WORDS))]
    return (props[0], None) if props else None
