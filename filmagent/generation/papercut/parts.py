"""Who plays whom: every subject of a story as a papercut figure or as a prop, and what had to be changed for it.

Deterministic, and open about it: every stand-in and everything invented is a note. Knows no shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from filmagent.generation.papercut.looks import Look, look_of
from filmagent.generation.papercut.reading import head_of, known_as, stable_choice, words_of
from filmagent.generation.papercut.synonyms import (
    ACTING_THINGS,
    HER_WORDS,
    HIS_WORDS,
    KIND_WORDS,
    NEAREST_GARMENT,
    NEAREST_MAIN,
    NEAREST_PATTERN,
    OPEN_KINDS,
    PROP_LIKE_WORDS,
    PROP_WORDS,
    YOUNG_WORDS,
)
from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    GARMENT_COLOURS,
    GARMENTS,
    KINDS,
    PEOPLE,
    PROPS,
)
from filmagent.schemas.story import Story, Subject

_ANIMALS = tuple(kind for kind in KINDS if kind not in (*PEOPLE, "robot"))


@dataclass(frozen=True)
class Part:
    """What a subject of the story becomes in the papercut world."""

    kind: str
    colour: str
    garment: str
    garment_colour: str
    pattern: str | None = None
    pattern_colour: str | None = None
    build: str | None = None
    notes: tuple[str, ...] = ()


def cast_story(story: Story) -> dict[str, Part]:
    """A part for everybody that acts: people, animals and machines. Other things are props.

    Whoever's words name a kind gets it, even if two share it; those who only fit some kinds get different ones as long
    as there are any left.
    """
    players = [subject for subject in story.subjects if acts(subject)]
    kinds: dict[str, str] = {}
    for subject in players:
        asked = _kind_asked_for(subject)
        if asked in KINDS:
            kinds[subject.id] = asked
    for subject in players:
        if subject.id not in kinds:
            kinds[subject.id] = _stand_in(subject, set(kinds.values()))
    looks = {subject.id: look_of(subject, kinds[subject.id]) for subject in players}
    parts: dict[str, Part] = {}
    for subject in players:
        asked_by_others = {_main(look) for key, look in looks.items() if key != subject.id}
        taken = asked_by_others | {part.colour for part in parts.values()}
        part = _part(subject, kinds[subject.id], looks[subject.id], taken)
        twin = next((key for key, other in parts.items() if _alike(part, other)), None)
        parts[subject.id] = part if twin is None else _told_apart(part, parts, subject, story.subject(twin))
    return parts


def acts(subject: Subject) -> bool:
    """Whether a subject is played by a figure: people, animals, and of the things those that move by themselves."""
    if subject.kind != "object":
        return subject.kind != "place"
    heads = {word for text in (subject.name, subject.appearance) for word in head_of(words_of(text))[-2:]}
    return _kind_asked_for(subject) == "robot" or bool(ACTING_THINGS & heads)


def prop_of(subject: Subject) -> str | None:
    """The prop that a thing's own words name; None if papercut has none."""
    return _thing_among(subject, PROP_WORDS)


def nearest_prop_of(subject: Subject) -> str:
    """The prop that comes nearest to a thing, if only by a stable choice."""
    return prop_of(subject) or _thing_among(subject, PROP_LIKE_WORDS) or stable_choice(subject.name, PROPS)


def prop_notes(subject: Subject, prop: str) -> tuple[str, ...]:
    """What a thing loses as a prop."""
    if prop not in {known_as(word, (prop,)) for word in words_of(f"{subject.name} {subject.appearance}")}:
        return (f"{subject.name} is played by the {prop}",)
    return ()


def _thing_among(subject: Subject, table: dict[str, str]) -> str | None:
    """A thing's head noun counts before its other words: a paper lantern is a lantern."""
    for text in (subject.name, subject.appearance):
        for word in (*reversed(head_of(words_of(text))), *words_of(text)):
            if base := known_as(word, table):
                return table[base]
    return None


def _kind_asked_for(subject: Subject) -> str | None:
    """The kind, or the open kind, that the subject's own words mean.

    What is described counts before what is named with a capital letter, since `Robin` need not be a bird; the last
    noun of a phrase before the others, since a toy robot is a robot; people for a person, animals for an animal.
    """
    named = words_of(" ".join(word for word in subject.name.split() if word.islower()))
    described = words_of(subject.appearance)
    texts = [head_of(named)[::-1], head_of(described)[::-1], words_of(subject.name)[::-1], described]
    if subject.kind == "object":
        texts = [head_of(words_of(text))[-1:] for text in (subject.name, subject.appearance)]
    for words in texts:
        found = [KIND_WORDS[base] for word in words if (base := known_as(word, KIND_WORDS))]
        fitting = [kind for kind in found if (kind in _ANIMALS) == (subject.kind == "animal")]
        if found:
            return (fitting or found)[0]
    return None


def _stand_in(subject: Subject, taken: set[str]) -> str:
    """A fitting kind that is free, if there is one, for somebody whose words leave it open."""
    if subject.kind == "animal":
        fitting: Sequence[str] = _ANIMALS
    elif subject.kind == "object":
        fitting = ("bear",)
    else:
        words = {*words_of(subject.name), *words_of(subject.appearance)}
        asked = _kind_asked_for(subject)
        young = asked is None and words & YOUNG_WORDS
        fitting = OPEN_KINDS[asked or ("child" if young else "adult")]
        her, his = bool(words & HER_WORDS), bool(words & HIS_WORDS)
        if her != his:
            return fitting[0] if her else fitting[1]
    free = [kind for kind in fitting if kind not in taken]
    return stable_choice(subject.name, free or fitting)


def _main(look: Look) -> str | None:
    return None if look.colour is None else NEAREST_MAIN.get(look.colour, look.colour)


def _part(subject: Subject, kind: str, look: Look, taken: set[str | None]) -> Part:
    name = subject.name
    notes = _kind_notes(subject, kind)
    colour = _main(look)
    if colour is None:
        worn = NEAREST_GARMENT.get(look.worn[0].colour or "", look.worn[0].colour) if look.worn else None
        free = [each for each in COLOURS if each not in taken and each != worn]
        colour = stable_choice(f"{name} colour", free or COLOURS)
        notes.append(f"{name} has no colour in the story and is {colour} here")
    elif colour != look.colour:
        notes.append(f"{name} is {colour} instead of {look.colour}")
    pattern_colour = None
    if look.pattern:
        pattern_colour, more = _pattern_colour(name, look, colour)
        notes += more
    garment, garment_colour, more = _garment(name, look, colour)
    return Part(
        kind=kind,
        colour=colour,
        pattern=look.pattern,
        pattern_colour=pattern_colour,
        garment=garment,
        garment_colour=garment_colour,
        build=look.build,
        notes=(*notes, *more),
    )


def _kind_notes(subject: Subject, kind: str) -> list[str]:
    words = words_of(f"{subject.name} {subject.appearance}")
    if kind in words:
        return []
    several = any(word not in KIND_WORDS and known_as(word, KIND_WORDS) for word in words_of(subject.name))
    return [f"{subject.name} is played by {'one' if several else 'the'} {kind}"]


def _pattern_colour(name: str, look: Look, colour: str) -> tuple[str, list[str]]:
    asked = look.pattern_colour
    found = NEAREST_PATTERN.get(asked or "", asked)
    if found is None or found == colour:
        found = "white" if colour in ("black", "brown", "blue", "green", "grey") else "black"
    if found == asked:
        return found, []
    reason = f"instead of {asked} ones" if asked else "whose colour the story does not say"
    return found, [f"{name} has {found} {look.pattern} {reason}"]


def _garment(name: str, look: Look, colour: str) -> tuple[str, str, list[str]]:
    """(garment, its colour, notes): papercut's figures wear one thing, in another colour than their own."""
    choices = [each for each in GARMENT_COLOURS if each != colour]
    invented = stable_choice(f"{name} garment colour", choices)
    if not look.worn:
        garment = stable_choice(f"{name} garment", GARMENTS)
        return garment, invented, [f"{name} wears a {invented} {garment} of which the story knows nothing"]
    first, *others = look.worn
    found = NEAREST_GARMENT.get(first.colour or "", first.colour)
    if found not in choices:
        found = invented
    notes = []
    if (found, first.garment) != (first.colour, first.word):
        asked = f"a {first.colour} {first.word}" if first.colour else f"a {first.word} of unknown colour"
        notes.append(f"{name} wears a {found} {first.garment} instead of {asked}")
    notes += [f"{name} has no room for the {other.word}" for other in others]
    return first.garment, found, notes


def _alike(part: Part, other: Part) -> bool:
    return (part.kind, part.colour, part.garment_colour) == (other.kind, other.colour, other.garment_colour)


def _told_apart(part: Part, others: dict[str, Part], subject: Subject, twin: Subject) -> Part:
    """The part in a garment of another colour than those who look the same otherwise."""
    worn = {o.garment_colour for o in others.values() if (o.kind, o.colour) == (part.kind, part.colour)}
    free = [each for each in GARMENT_COLOURS if each not in (*worn, part.colour)]
    if not free:
        return part
    colour = stable_choice(f"{subject.name} garment colour", free)
    note = f"{subject.name} wears a {colour} {part.garment} to be told from {twin.name}"
    return replace(part, garment_colour=colour, notes=(*part.notes, note))
