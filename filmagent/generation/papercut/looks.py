"""What the words of a description ask of a figure: colours, pattern, garment, build. In the story's own terms.

Every colour belongs to the noun that it stands before in its phrase; what has no such noun is the figure's own.
Knows no story and no papercut part: what papercut lacks is replaced in `parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from filmagent.generation.papercut.reading import head_of, known_as, phrases_of, words_of
from filmagent.generation.papercut.synonyms import (
    BIG_WORDS,
    BODY_PARTS,
    CLOTHES,
    COLOUR_WORDS,
    GARMENT_WORDS,
    HAIR_AND_SKIN,
    KIND_WORDS,
    PATTERN_NOUNS,
    PATTERN_WORDS,
    SMALL_WORDS,
)
from filmagent.generation.papercut.vocabulary import PEOPLE
from filmagent.schemas.story import Subject


@dataclass(frozen=True)
class Worn:
    """A garment of the story."""

    garment: str
    """Papercut's word for it."""
    word: str
    """The story's word."""
    colour: str | None = None
    more: tuple[str, ...] = ()
    """Its other colours."""


@dataclass(frozen=True)
class Look:
    """What a description asks for; None where it says nothing."""

    colour: str | None = None
    pattern: str | None = None
    pattern_colour: str | None = None
    worn: tuple[Worn, ...] = ()
    """The garment to be shown first, then those for which there is no room."""
    build: str | None = None


@dataclass
class _Found:
    """What the phrases have said so far."""

    own: list[str] = field(default_factory=list)
    """Colours of the figure itself, in order."""
    paired: bool = False
    """Whether the first two of them were joined by `and`."""
    pattern: str | None = None
    pattern_colour: str | None = None
    clothes: list[Worn] = field(default_factory=list)
    worn: list[Worn] = field(default_factory=list)


def look_of(subject: Subject, kind: str) -> Look:
    """Return what a subject's words ask for; its name counts where its appearance is silent.

    Args:
        subject: whose name and appearance are read.
        kind: the papercut kind that plays it; clothes colour a person, and dress anybody else.
    """
    found = _read(subject.appearance, subject, kind)
    name = _read(" ".join(word for word in subject.name.split() if word.islower()), subject, kind)
    own, paired = (found.own, found.paired) if found.own else (name.own, name.paired)
    worn = sorted(found.worn or name.worn, key=lambda each: each.garment == "vest")
    clothes = found.clothes or name.clothes
    if kind in PEOPLE:
        coat = next((each for each in worn[1:] if each.garment == "vest" and each.colour), None)
        if coat is not None and not clothes:
            clothes = [Worn("vest", coat.word, coat.colour)]
            worn.remove(coat)
        own, paired = next(([each.colour, *each.more] for each in clothes if each.colour), own), False
    elif kind == "robot":
        own = own or [each.colour for each in clothes[:1] if each.colour]
    else:
        worn += clothes
    pattern = found.pattern or name.pattern
    second = own[1] if len(own) > 1 and (pattern or paired) and own[1] != own[0] else None
    return Look(
        colour=own[0] if own else None,
        pattern=pattern or ("patches" if second else None),
        pattern_colour=found.pattern_colour or name.pattern_colour or second,
        worn=tuple(worn),
        build=_build(subject, kind),
    )


def _build(subject: Subject, kind: str) -> str | None:
    """`young` makes only who is no grown person small."""
    for word in (*words_of(subject.name), *head_of(words_of(subject.appearance))):
        if word in SMALL_WORDS or (word == "young" and kind not in ("woman", "man")):
            return "small"
        if word in BIG_WORDS:
            return "big"
    return None


def _read(text: str, subject: Subject, kind: str) -> _Found:
    found = _Found()
    garment_before = False
    for opener, phrase in phrases_of(text):
        # `the scarf is red` is read as `red, the scarf`.
        verb = next((index for index, word in enumerate(phrase) if word in ("is", "are")), None)
        words = phrase if verb is None else phrase[verb + 1 :] + phrase[:verb]
        of_garment = garment_before and opener == "with"
        garment_before = _Phrase(found, subject, kind, opener).read(words, of_garment)
    return found


@dataclass
class _Phrase:
    """One phrase of a description, as it is shared out."""

    found: _Found
    subject: Subject
    kind: str
    opener: str
    waiting: list[str] = field(default_factory=list)
    """Colours whose noun has not come yet."""

    def read(self, words: Sequence[str], of_garment: bool) -> bool:
        """Share out the colours; return whether the phrase names a garment, which the next one may describe."""
        found, owner, pattern = self.found, "", None
        for index, word in enumerate(words):
            after = words[index + 1] if index + 1 < len(words) else ""
            before, owner = owner, self._owner(word)
            if word in COLOUR_WORDS:
                self._hold(word, words[index + 1 : index + 3])
            elif word in PATTERN_WORDS:
                pattern = PATTERN_WORDS[word]
                if self.waiting and after in COLOUR_WORDS:
                    found.pattern_colour = found.pattern_colour or self.waiting.pop()
            elif owner == "pattern" and before != "part" and not of_garment:
                found.pattern = found.pattern or PATTERN_NOUNS[known_as(word, PATTERN_NOUNS) or ""]
                found.pattern_colour = found.pattern_colour or next(iter(self.waiting[-1:]), None)
                found.own += self.waiting[:-1]
            elif owner in ("garment", "clothes"):
                garment = GARMENT_WORDS.get(known_as(word, GARMENT_WORDS) or "", "vest")
                worn = Worn(garment, word, next(iter(self.waiting), None), tuple(self.waiting[1:]))
                (found.worn if owner == "garment" else found.clothes).append(worn)
            if owner:
                self.waiting = []
                # A striped scarf makes no striped cat; a striped shirt makes a striped boy.
                pattern = pattern if owner == "clothes" and self.kind in PEOPLE else None
        found.pattern = found.pattern or pattern
        found.paired = found.paired or (not found.own and len(self.waiting) == 2 and "and" in words)
        found.own += self.waiting
        return any(self._owner(word) == "garment" for word in words)

    def _hold(self, word: str, following: Sequence[str]) -> None:
        """Keep a colour for its noun: of `golden brown` the last counts, and a person's hair and skin do not."""
        shade = following[:1] and following[0] in COLOUR_WORDS and not any(w in PATTERN_WORDS for w in following)
        hair = self.kind in PEOPLE and word in HAIR_AND_SKIN and self.opener == "" and self._person_follows(following)
        if not shade and not hair:
            self.waiting.append(COLOUR_WORDS[word])

    def _person_follows(self, following: Sequence[str]) -> bool:
        return any(known_as(word, KIND_WORDS) for word in following)

    def _owner(self, word: str) -> str:
        """What a noun that can have a colour of its own is. An animal's coat is its fur, unless the animal wears it."""
        worn = self.opener in ("in", "wearing", "wears", "dressed")
        if word == "coat" and self.subject.kind == "animal" and not worn:
            return ""
        owners = {"garment": GARMENT_WORDS, "pattern": PATTERN_NOUNS, "clothes": CLOTHES, "part": BODY_PARTS}
        return next((owner for owner, table in owners.items() if known_as(word, table)), "")
