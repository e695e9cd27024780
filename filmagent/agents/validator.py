"""One validator for every caption: can this shot be filmed without reading any other?

The rules are about English captions; captions are written in English whatever the language of the logline. Every
finding is worded as a reason that a language model or a person can act on. Precision comes first: what is doubtful
passes. Knows stories; nothing of who wrote them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from filmagent.agents.sentences import count_sentences, plain, without_quotes
from filmagent.agents.tense import wrong_tense
from filmagent.schemas.story import Shot, Story, Subject

Rule = Literal["pronoun", "missing_name", "unlisted_name", "unknown_name", "tense", "length", "other_shot", "language"]

MOST_SENTENCES = 4
SUBJECT_MARK = "§"
"""Stands for a subject's name while the rest of a caption is read."""

_PRONOUN = re.compile(
    r"(?<![\w-])(?:he|she|it|they|him|her|hers|his|its|them|their|theirs|himself|herself|itself|themselves|themself"
    r"|'em)(?:'(?:s|d|ll|re|ve))?(?!\w|-\w)",
    re.IGNORECASE,
)
_OTHER_SHOT = re.compile(
    r"\b(?:(?:previous|preceding|last|next|following|earlier) (?:shot|scene|frame|clip|prompt)s?"
    r"|as before|same \w+ as before|continu(?:es|ing|ed) from|as (?:seen|shown|described) (?:above|earlier|before))\b",
    re.IGNORECASE,
)
_NAMED_ACTOR = re.compile(r"(?<=[a-z,] )([A-Z][a-z]+)(?= [a-z]+s\b)")
_NO_NAMES = frozenset(["I", "English", "French", "Victorian", "Gothic", "Christmas", "Earth", "Moon", "Sun"])


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one caption."""

    shot: str
    """Id of the shot."""
    rule: Rule
    message: str
    """What is wrong and how to mend it, in one line."""


def check_story(story: Story) -> tuple[Finding, ...]:
    """Return everything that is wrong with a story's captions, in the order of the film; empty when all is well."""
    strangers = _recurring_strangers(story)
    return tuple(finding for shot in story.shots for finding in (*check_shot(story, shot), *_stranger(shot, strangers)))


def check_shot(story: Story, shot: Shot) -> tuple[Finding, ...]:
    """Return what is wrong with one caption, read on its own."""
    caption = plain(shot.caption)
    marked = _marked(caption, story)
    unquoted = without_quotes(marked)
    found: list[tuple[Rule, str]] = []
    found += _pronouns(unquoted)
    found += _names(caption, story, shot)
    for word in wrong_tense(unquoted, SUBJECT_MARK):
        found.append(("tense", f"{word!r} is not present tense: say what is seen now"))
    sentences = count_sentences(shot.caption)
    if not 1 <= sentences <= MOST_SENTENCES:
        found.append(("length", f"the caption has {sentences} sentences: use 1 to {MOST_SENTENCES}"))
    for match in _OTHER_SHOT.finditer(unquoted):
        found.append(("other_shot", f"{match.group()!r} leans on another shot: describe what is seen in this one"))
    if _mostly_foreign(unquoted):
        found.append(("language", "the caption is not written in English: write it in English"))
    return tuple(Finding(shot=shot.id, rule=rule, message=message) for rule, message in found)


def _pronouns(unquoted: str) -> list[tuple[Rule, str]]:
    words = dict.fromkeys(match.group() for match in _PRONOUN.finditer(unquoted))
    found: list[tuple[Rule, str]] = []
    for word in words:
        weather = " ('rain falls' instead of 'it rains')" if word.lower().startswith("it") else ""
        found.append(("pronoun", f"{word!r} is a third-person pronoun: name the subject instead{weather}"))
    return found


def _names(caption: str, story: Story, shot: Shot) -> list[tuple[Rule, str]]:
    found: list[tuple[Rule, str]] = []
    rest = caption
    for subject in _longest_first(story):
        if subject.kind == "place":
            continue
        said = _name_pattern(subject.name).search(rest) is not None
        rest = _name_pattern(subject.name).sub(SUBJECT_MARK, rest)
        if said and subject.id not in shot.subjects:
            found.append(("unlisted_name", f"{subject.name!r} is named but not listed in frame: list the subject or "
                                           "leave the name out"))
        if not said and subject.id in shot.subjects:
            found.append(("missing_name", f"{subject.name!r} is in frame but not named: use exactly this name"))
    return found + _short_names(rest, story)


def _short_names(rest: str, story: Story) -> list[tuple[Rule, str]]:
    """Find "Marlow" where the fixed name is "Marlow the cat"."""
    found: list[tuple[Rule, str]] = []
    for subject in story.subjects:
        short, _, tail = subject.name.partition(" the ")
        is_name = subject.kind != "place" and bool(tail) and short[:1].isupper() and not _PRONOUN.fullmatch(short)
        if is_name and re.search(rf"(?<!\w){re.escape(plain(short))}(?!\w)", rest):
            found.append(("missing_name", f"{short!r} is not the fixed name: write {subject.name!r}"))
    return found


def _stranger(shot: Shot, strangers: frozenset[str]) -> tuple[Finding, ...]:
    said = [name for name in sorted(strangers) if re.search(rf"\b{name}\b", plain(shot.caption))]
    return tuple(Finding(shot=shot.id, rule="unknown_name",
                         message=f"{name!r} is no subject of the inventory: add the subject or leave the name out")
                 for name in said)


def _recurring_strangers(story: Story) -> frozenset[str]:
    """Capitalised words that act within a sentence, recur in two captions, and stand in no name of the inventory."""
    known = {word for subject in story.subjects for word in re.findall(r"\w+", plain(subject.name))} | _NO_NAMES
    rests = [without_quotes(_marked(plain(shot.caption), story)) for shot in story.shots]
    actors = {name for rest in rests for name in _NAMED_ACTOR.findall(rest)} - known
    held = Counter(name for rest in rests for name in actors if re.search(rf"\b{name}\b", rest))
    return frozenset(name for name, count in held.items() if count >= 2)


def _marked(caption: str, story: Story) -> str:
    """Put the mark in the place of every name, so that "It the clown" is no pronoun."""
    for subject in _longest_first(story):
        caption = _name_pattern(subject.name).sub(SUBJECT_MARK, caption)
    return caption


def _longest_first(story: Story) -> list[Subject]:
    return sorted(story.subjects, key=lambda subject: (-len(subject.name), subject.id))


def _name_pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(plain(name))}(?!\w)", re.IGNORECASE)


def _mostly_foreign(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    foreign = sum(1 for c in letters if not unicodedata.name(c, "").startswith("LATIN"))
    return foreign * 2 > len(letters)
