"""Proper names in a logline: of characters and of places, found by capitals and by the words beside them.

Knows spelling only. Conservative: a capital that may be anything else is no name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_COMMON = frozenset("""
    a an the this that these those one two three four five once when while after before in on at as by for from with
    without and but or so if then now every each all some many most both no nobody everyone everybody someone somebody
    nothing something life love time death war hope fear dreams night day winter summer spring autumn rain snow
    he she it they his her its their who what where why how there here my our your i we you make write tell show film
    ignore please let story monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december christmas halloween easter god english french japanese
    chinese german spanish italian russian american african victorian
    """.replace("\n", " ").split(" "))
_NAME = r"[A-Z][\w'-]*[a-z\d]\w*"
_MOTION = r"(?:travels?|goes|go|walks?|flies|returns?|comes|moves|sails|journey|trip|way|road|back|runs|drives)"
_PLACE = re.compile(rf"\b(?:in|from|through|across|over|near) ({_NAME}(?: {_NAME})?)")
_TO_PLACE = re.compile(rf"\b{_MOTION} (?:\w+ )?to ({_NAME}(?: {_NAME})?)")
_CALLED = frozenset(["named", "called"])
_BEFORE_PLACES = frozenset(["in", "from", "to", "near", "of", "at", "through", "across", "over"])


def _is_common(word: str) -> bool:
    """Whether a word is too common to be a name."""
    return word.casefold() in _COMMON


def name_beside(words: Sequence[str], index: int) -> str | None:
    """Return the name of the character whose noun stands at `index`, or None.

    Understood are "Pixel, a small robot", "Tom the cat", "a cat named Tom" and "the robot Pixel".
    """
    after = words[index + 1:index + 3]
    if len(after) == 2 and after[0].casefold() in _CALLED and _is_name(after[1]):
        return _bare(after[1])
    if after and _is_name(after[0]) and not _is_title(words):
        return _bare(after[0])
    for back in range(1, 5):
        if index - back - 1 < 0:
            return None
        article, before = words[index - back].casefold(), words[index - back - 1]
        if article in ("a", "an", "the"):
            of_place = index - back - 2 >= 0 and words[index - back - 2].casefold() in _BEFORE_PLACES
            return _bare(before) if _is_name(before) and not of_place and not _is_title(words) else None
    return None


def leading_name(text: str) -> str | None:
    """Return the name that a text begins with and that acts or owns something: "Anna finds", "Luna and her dog"."""
    first = re.match(rf"\s*({_NAME})(?:'s|’s| and|,| [a-z]+s)\b", text)
    if first is None or not _is_name(first.group(1)) or _is_title(re.findall(r"[\w'’-]+", text)):
        return None
    return _bare(first.group(1))


def name_within(text: str) -> str | None:
    """Return the first name inside a text that is no place, such as Tom in "the adventures of Tom"."""
    words = re.findall(r"[\w'’-]+", text)
    if _is_title(words):
        return None
    places = {word for name in place_names(text) for word in name.split()}
    return next((_bare(word) for word in words[1:] if _is_name(word) and _bare(word) not in places), None)


def place_names(text: str) -> list[str]:
    """Return capitalised names behind words such as "in" and "from", and behind "travels to"."""
    if _is_title(re.findall(r"[\w'’-]+", text)):
        return []
    found = [match.group(1) for pattern in (_PLACE, _TO_PLACE) for match in pattern.finditer(text)]
    return [name for name in dict.fromkeys(found) if not any(_is_common(word) for word in name.split())]


def _is_name(word: str) -> bool:
    return re.fullmatch(_NAME, word) is not None and not _is_common(_bare(word)) and len(_bare(word)) > 1


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)


def _is_title(words: Sequence[str]) -> bool:
    """Whether a text is written Like a Title, so that capitals say nothing."""
    capitals = [word for word in words if word[0].isupper()]
    small = [word for word in words if word in ("a", "an", "the", "of", "and", "in", "on", "to", "for", "at", "by")]
    return len(capitals) >= 3 and len(capitals) + len(small) == len(words)
