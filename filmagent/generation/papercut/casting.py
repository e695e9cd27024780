"""Says any story's shot in papercut's words: who plays whom, in which colours, where, when and doing what.

Deterministic, and open about it: every stand-in and every invented colour is a note. Knows no torch, no frames and
no memory; a colour that it leaves out is left to memory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from filmagent.generation.papercut.synonyms import (
    ACTION_WORDS,
    COLOUR_WORDS,
    IRREGULAR_VERBS,
    KIND_WORDS,
    NEAREST_MAIN,
    NEAREST_SCARF,
    PLACE_WORDS,
    TIME_WORDS,
)
from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    MAX_ROLES,
    MOVING_ACTIONS,
    PLACES,
    SCARF_COLOURS,
    Caption,
    Role,
    compose,
)
from filmagent.generation.port import ShotPrompt
from filmagent.schemas.story import Shot, Story, Subject

ColourWords = Literal["first", "always", "never"]
"""When a caption names colours: at a subject's first shot and wherever a shot spells out its appearance (memory keeps
them otherwise), in every shot, in none."""

_STAND_INS = {
    "person": ("girl", "robot", "bear", "rabbit", "fox", "cat", "dog", "bird"),
    "animal": ("cat", "dog", "fox", "rabbit", "bear", "bird", "robot", "girl"),
    "object": ("robot", "bird", "rabbit", "cat", "dog", "fox", "bear", "girl"),
}
_DEFAULT_ACTION = "looks"
_DEFAULT_TIME = "day"


@dataclass(frozen=True)
class Part:
    """What a subject of the story becomes in the papercut world."""

    kind: str
    colour: str
    scarf: str
    notes: tuple[str, ...] = ()


def cast_story(story: Story) -> dict[str, Part]:
    """A part for every subject that can be in frame; different kinds as long as there are kinds left."""
    players = [subject for subject in story.subjects if subject.kind != "place"]
    kinds: dict[str, str] = {}
    for literal in (True, False):
        for subject in players:
            wanted = _kind_asked_for(subject)
            if subject.id in kinds or (literal and not wanted):
                continue
            if wanted and wanted not in kinds.values():
                kinds[subject.id] = wanted
            elif not literal:
                kinds[subject.id] = _stand_in(subject, set(kinds.values()), wanted)
    return {subject.id: _part(subject, kinds[subject.id]) for subject in players}


def cast_shot(story: Story, shot: Shot, colours: ColourWords = "first") -> ShotPrompt:
    """The papercut sentence of a shot and what had to be changed for it."""
    parts = cast_story(story)
    drawn, things = _drawn(story, shot)
    seen, left_out = drawn[:MAX_ROLES], drawn[MAX_ROLES:]
    notes = [note for key in seen for note in parts[key].notes]
    notes += [f"{story.subject(key).name} is not in papercut's world and is left out of the picture" for key in things]
    if left_out:
        names = ", ".join(story.subject(key).name for key in left_out)
        notes.append(f"only {MAX_ROLES} subjects fit a shot: {names} left out")
    place, place_notes = _place(story, shot)
    roles = []
    for key in seen:
        part, action = parts[key], _action(story, shot, key)
        introduced = _first_shot_of(story, key) == shot.id or _spells_out(shot, story.subject(key))
        named = colours == "always" or (colours == "first" and introduced)
        roles.append(
            Role(
                kind=part.kind,
                action=action,
                direction=_direction(shot) if action in MOVING_ACTIONS else None,
                colour=part.colour if named else None,
                scarf=part.scarf if named else None,
            )
        )
    text = compose(Caption(size=shot.shot_size, place=place, time=_time(story, shot), roles=tuple(roles)))
    return ShotPrompt(text=text, notes=(*place_notes, *notes))


def _drawn(story: Story, shot: Shot) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(who is drawn, things that are not): a robot in the part of a letter would be a second character, so a thing is
    played by somebody only where nobody else is in frame."""
    things = tuple(
        key for key in shot.subjects if story.subject(key).kind == "object" and not _kind_asked_for(story.subject(key))
    )
    others = tuple(key for key in shot.subjects if key not in things)
    return (others, things) if others else (tuple(shot.subjects), ())


def _kind_asked_for(subject: Subject) -> str | None:
    """The kind that the subject's own words mean: its name says more than its description."""
    for text in (subject.name, subject.appearance):
        for word in _words(text):
            for base in _singulars(word):
                if base in KIND_WORDS:
                    return KIND_WORDS[base]
    return None


def _stand_in(subject: Subject, taken: set[str], wanted: str | None) -> str:
    choices = _STAND_INS[subject.kind]
    free = [kind for kind in choices if kind not in taken]
    if not free:
        return wanted or choices[0]
    # People and objects take the most fitting free kind; an unknown animal may be any animal.
    first = [kind for kind in free if kind not in ("robot", "girl")] if subject.kind == "animal" else []
    return _stable_choice(subject.name, first) if first else free[0]


def _part(subject: Subject, kind: str) -> Part:
    notes = []
    if kind not in {base for word in _words(f"{subject.name} {subject.appearance}") for base in _singulars(word)}:
        notes.append(f"{subject.name} is played by the {kind}")
    asked, scarf_asked = _colours_asked_for(subject.appearance)
    if asked is None:
        colour = _stable_choice(subject.name + " colour", COLOURS)
        notes.append(f"{subject.name} has no colour in the story and is {colour} here")
    else:
        colour = NEAREST_MAIN.get(asked, asked)
        if colour != asked:
            notes.append(f"{subject.name} is {colour} instead of {asked}")
    choices = [name for name in SCARF_COLOURS if name != colour]
    scarf = NEAREST_SCARF.get(scarf_asked, scarf_asked) if scarf_asked else None
    if scarf not in choices:
        scarf = _stable_choice(subject.name + " scarf", choices)
        reason = f"instead of {scarf_asked}" if scarf_asked else "of which the story knows nothing"
        notes.append(f"{subject.name} wears a {scarf} scarf {reason}")
    elif scarf != scarf_asked:
        notes.append(f"{subject.name} wears a {scarf} scarf instead of {scarf_asked}")
    return Part(kind=kind, colour=colour, scarf=scarf, notes=tuple(notes))


def _colours_asked_for(text: str) -> tuple[str | None, str | None]:
    """(main colour, scarf colour): the colour word nearest before `scarf` is the scarf's, the first other the main."""
    words = _words(text)
    scarf = None
    if "scarf" in words:
        end = words.index("scarf")
        before = [index for index in range(max(0, end - 3), end) if words[index] in COLOUR_WORDS]
        if before:
            scarf = COLOUR_WORDS[words[before[-1]]]
            words = words[: before[-1]] + words[end:]
    main = next((COLOUR_WORDS[word] for word in words if word in COLOUR_WORDS), None)
    return main, scarf


def _place(story: Story, shot: Shot) -> tuple[str, tuple[str, ...]]:
    """The papercut place, and a note if it is another one than the story names."""
    subject = story.place_of(shot)
    texts = [shot.caption] if subject is None else [subject.name, subject.appearance, shot.caption]
    if subject is None:
        texts.append(story.scene(shot.scene).title)
    for text in texts:
        for word in _words(text):
            for base in _singulars(word):
                if base in PLACE_WORDS:
                    place = PLACE_WORDS[base]
                    return place, () if base == place else (f"{base} is played by the {place}",)
    name = subject.name if subject else story.scene(shot.scene).title or f"scene {shot.scene}"
    place = _stable_choice(name, PLACES)
    return place, (f"{name} is played by the {place}",)


def _time(story: Story, shot: Shot) -> str:
    """The time that the caption names last, so that words put behind a caption count; else the scene's, else day."""
    place = story.place_of(shot)
    texts = [shot.caption, story.scene(shot.scene).title, *([place.name, place.appearance] if place else [])]
    for text in texts:
        if named := [TIME_WORDS[word] for word in _words(text) if word in TIME_WORDS]:
            return named[-1]
    return _DEFAULT_TIME


def _direction(shot: Shot) -> str:
    for word in _words(f"{shot.action} {shot.caption}"):
        if word in ("left", "leftwards"):
            return "left"
        if word in ("right", "rightwards"):
            return "right"
    return "right"


def _action(story: Story, shot: Shot, key: str) -> str:
    """The first verb after the subject's name; else the shot's own action; else any verb of the caption."""
    words = _words(shot.caption)
    name = set(_words(story.subject(key).name)) - {"the", "a", "an", "of", "and"}
    places = [index for index, word in enumerate(words) if word in name]
    others = {word for other in shot.subjects if other != key for word in _words(story.subject(other).name)} - name
    for start in places[-1:] if len(places) > 1 and places[-1] - places[0] <= len(name) + 1 else places:
        clause: list[str] = []
        for word in words[start + 1 :]:
            if word in others and clause and _first_action(clause):
                break
            clause.append(word)
        found = _first_action(clause)
        if found:
            return found
    return _first_action(_words(shot.action)) or _first_action(words) or _DEFAULT_ACTION


def _first_action(words: Iterable[str]) -> str | None:
    for word in words:
        for base in _verb_bases(word):
            if base in ACTION_WORDS:
                return ACTION_WORDS[base]
    return None


def _verb_bases(word: str) -> Iterator[str]:
    """The forms that a verb's inflection may come from."""
    if word in IRREGULAR_VERBS:
        yield IRREGULAR_VERBS[word]
        return
    yield word
    for ending in ("s", "es", "ed", "ing", "d"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            yield stem
            yield stem + "e"
            if len(stem) > 2 and stem[-1] == stem[-2]:
                yield stem[:-1]
            if stem.endswith("i"):
                yield stem[:-1] + "y"


def _singulars(word: str) -> Iterator[str]:
    yield word
    for ending, singular in (("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word[: -len(ending)] + singular


def _spells_out(shot: Shot, subject: Subject) -> bool:
    return bool(subject.appearance) and subject.appearance.rstrip(".").lower() in shot.caption.lower()


def _first_shot_of(story: Story, key: str) -> str | None:
    return next((shot.id for shot in story.shots if key in _drawn(story, shot)[0][:MAX_ROLES]), None)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _stable_choice(name: str, choices: Sequence[str]) -> str:
    """The same choice for the same name, on every machine and in every run."""
    number = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:8], "big")
    return choices[number % len(choices)]
