"""Which subjects a script names that has no inventory, found by conservative rules of English spelling.

A recurring capitalised name, and a recurring "the <noun>" that acts, count as subjects; everything doubtful is left
out, because a wrong subject would teach the memory a wrong name. Knows only text; captions are never changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from filmagent.schemas.story import Subject, SubjectKind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANIMALS = _words("cat kitten dog puppy fox rabbit bear bird horse wolf lion mouse fish owl duck dragon tiger "
                  "elephant monkey deer butterfly turtle frog")
_OBJECTS = _words("robot car train boat ship spaceship drone balloon lantern kite rose statue toy doll")
_NO_SUBJECTS = _words("""
    camera scene shot frame view atmosphere mood light lighting sunlight moonlight sun moon sky wind air sound music
    background foreground focus lens room city street world day night morning evening story film moment image picture
    color colour tone water ground floor wall window door others only most rest same first last whole other crowd
    rain snow fog smoke silence breeze silhouette reflection shadow figure glow
    """)
_NO_NAMES = _words("""
    The A An In On At As By For From With Without And But Or Then Now When While After Before Inside Outside Under Over
    Wide Medium Close Extreme Slow Soft Static Gentle Smooth Final Early Late Warm Calm Shallow Minimal Camera Shot
    He She It They His Her Its Their This That These Those One Two Three Each Every Both All Some There Here
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August
    September October November December Christmas Spring Summer Autumn Winter North South East West
    """)
_PRONOUN = re.compile(r"\b(?:he|she|they|him|her|them|his|their|it|its)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![.!?:;–—\"“‘] )(?<!^)\b[A-Z][a-z]+(?: [A-Z][a-z]+)*\b")
_ACTOR = re.compile(r"\b[Tt]he ([a-z]+) ([a-z]+s)\b")
_OWNER = re.compile(r"\b[Tt]he ([a-z]+)(?:'|’)s\b")


def find_subjects(prompts: Sequence[str]) -> tuple[Subject, ...]:
    """Return the subjects that recur in a script's prompts, in order of appearance; ids are unique."""
    names = _recurring_names(prompts)
    nouns = [noun for noun in _recurring_actors(prompts) if not any(noun in name.lower().split() for name in names)]
    first = {word: next(i for i, p in enumerate(prompts) if _says(word, p)) for word in (*names, *nouns)}
    return tuple(_subject(word, prompts) for word in sorted(first, key=lambda word: first[word]))


def subjects_in_frame(prompt: str, subjects: Sequence[Subject], before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of the subjects that a prompt shows.

    A prompt that names nobody and speaks of "he", "she" or "they" shows whom the shot before it showed (`before`).
    """
    named = tuple(subject.id for subject in subjects if _says(subject.name.removeprefix("the "), prompt))
    if not named and _PRONOUN.search(prompt):
        return before
    return named


def _recurring_names(prompts: Sequence[str]) -> list[str]:
    """Capitalised names that at least two prompts hold, the longest form of each."""
    spellings = {name for prompt in prompts for name in _NAME.findall(prompt)
                 if not set(name.split()) & _NO_NAMES}
    recurring = [name for name in spellings if sum(_says(name, prompt) for prompt in prompts) >= 2]
    longest = [name for name in recurring
               if not any(name != other and _says(name, other) for other in recurring)]
    return sorted(longest)


def _recurring_actors(prompts: Sequence[str]) -> list[str]:
    """Nouns after "the" that at least two prompts hold and that do or own at least two different things."""
    deeds: dict[str, set[str]] = {}
    for prompt in prompts:
        for noun, verb in _ACTOR.findall(prompt):
            deeds.setdefault(noun, set()).add(verb)
        for noun in _OWNER.findall(prompt):
            deeds.setdefault(noun, set()).add("'s")
    held = Counter(noun for prompt in prompts for noun in deeds if _says(noun, prompt))
    return sorted(noun for noun, done in deeds.items()
                  if len(done) >= 2 and held[noun] >= 2 and noun not in _NO_SUBJECTS and len(noun) > 2)


def _subject(word: str, prompts: Sequence[str]) -> Subject:
    named = word[0].isupper()
    key = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
    return Subject(id=key, name=word if named else f"the {word}", kind=_kind(word),
                   appearance=_appearance_of_name(word, prompts) if named else _appearance_of_noun(word, prompts))


def _kind(word: str) -> SubjectKind:
    return "animal" if word in _ANIMALS else "object" if word in _OBJECTS else "person"


def _appearance_of_name(name: str, prompts: Sequence[str]) -> str:
    """What stands between commas behind the first mention: "Neo, a young man in a black coat, walks"."""
    pattern = re.compile(rf"\b{re.escape(name)}, (an? [^,.;]+(?:, (?:wearing|with|in) [^,.;]+)?)[,.;]")
    found = next((match for prompt in prompts if (match := pattern.search(prompt))), None)
    return found.group(1) if found else ""


def _appearance_of_noun(noun: str, prompts: Sequence[str]) -> str:
    """The first "a <adjectives> <noun>", with what the noun wears where that follows at once."""
    words = r"(?:(?!(?:an?|the|and|where|with|of|in|on) )[\w-]+,? ){0,4}"
    dress = r"(?:,? (?:wearing|with|in) an? [^,.;]+)?"
    pattern = re.compile(rf"\b([Aa]n? {words}{re.escape(noun)}\b{dress})")
    found = next((match for prompt in prompts if (match := pattern.search(prompt))), None)
    return found.group(1)[0].lower() + found.group(1)[1:] if found else ""


def _says(word: str, prompt: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", prompt) is not None
