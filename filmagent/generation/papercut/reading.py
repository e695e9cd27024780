"""How English is read: sentences, phrases, singulars, verb forms. Knows no story and no papercut."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Container, Iterator, Sequence

from filmagent.generation.papercut.synonyms import COLOUR_WORDS, IRREGULAR_PLURALS, IRREGULAR_VERBS, PREPOSITIONS


def words_of(text: str) -> list[str]:
    """The words of a text in order, in lower case, without accents, digits and punctuation."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[a-z]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def sentences_of(text: str) -> list[list[str]]:
    """The words of each sentence that has any."""
    return [words for part in re.split(r"[.!?;]+", text) if (words := words_of(part))]


def phrases_of(text: str) -> list[tuple[str, list[str]]]:
    """A description's phrases, each with the preposition or `and` that opens it, empty after a comma.

    An `and` between two colours opens none: `black and white` stays together.
    """
    phrases: list[tuple[str, list[str]]] = []
    for part in re.split(r"[^\w\s'’-]+", text):
        phrases.append(("", []))
        words = words_of(part)
        for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
            if word in PREPOSITIONS or (word == "and" and not {before, after} <= COLOUR_WORDS.keys()):
                phrases.append((word, []))
            else:
                phrases[-1][1].append(word)
    return [phrase for phrase in phrases if phrase[1]]


def head_of(words: Sequence[str]) -> list[str]:
    """The words before the first preposition: `the cat with a hat` is about a cat."""
    return list(words[: next((index for index, word in enumerate(words) if word in PREPOSITIONS), len(words))])


def singulars(word: str) -> Iterator[str]:
    """The word itself, then what it may be the plural of."""
    yield word
    if word in IRREGULAR_PLURALS:
        yield IRREGULAR_PLURALS[word]
    for ending, singular in (("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word[: -len(ending)] + singular


def known_as(word: str, table: Container[str]) -> str | None:
    """The word or a singular of it that a table holds."""
    return next((base for base in singulars(word) if base in table), None)


def verb_bases(word: str) -> Iterator[str]:
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


def stable_choice(name: str, choices: Sequence[str]) -> str:
    """The same choice for the same name, on every machine and in every run."""
    number = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:8], "big")
    return choices[number % len(choices)]
