"""The words of the papercut world and the one grammar its captions follow. Knows no torch and no picture.

Training writes its captions with `compose`, the generator translates any shot into the same sentences, and the
tokenizer's vocabulary is `words()`; so the model never meets a sentence it was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("cat", "dog", "fox", "rabbit", "bear", "bird", "girl", "robot")
COLOURS = ("white", "black", "grey", "brown", "orange", "yellow", "blue", "pink")
SCARF_COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
PLACES = ("forest", "meadow", "beach", "city", "mountain", "river", "village", "home")
TIMES = ("day", "evening", "night")
ACTIONS = ("walks", "runs", "jumps", "sits", "sleeps", "looks")
MOVING_ACTIONS = ("walks", "runs")
DIRECTIONS = ("left", "right")
SIZES = ("wide", "medium", "close")
MAX_ROLES = 2


@dataclass(frozen=True)
class Role:
    """Who is seen and what they do. A colour or scarf of None is left out, for memory to know."""

    kind: str
    action: str
    direction: str | None = None
    colour: str | None = None
    scarf: str | None = None


@dataclass(frozen=True)
class Caption:
    """Everything a papercut sentence can say. With two roles the first stands on the left."""

    size: str
    place: str
    time: str
    roles: tuple[Role, ...] = ()


def compose(caption: Caption) -> str:
    """The sentence of a caption."""
    _check(caption)
    empty = "" if caption.roles else "empty "
    start = f"{caption.size} shot of the {empty}{caption.place} at {caption.time}"
    if not caption.roles:
        return start
    return f"{start} where " + " and ".join(_role_words(role) for role in caption.roles)


def parse(sentence: str) -> Caption:
    """The caption of a sentence that `compose` made; ValueError for any other sentence."""
    head, _, tail = sentence.partition(" where ")
    words = head.replace("the empty ", "the ").split()
    if len(words) != 7:
        raise ValueError(f"not a papercut sentence: {sentence!r}")
    roles = tuple(_parse_role(part) for part in tail.split(" and ")) if tail else ()
    caption = Caption(size=words[0], place=words[4], time=words[6], roles=roles)
    if compose(caption) != sentence:
        raise ValueError(f"not a papercut sentence: {sentence!r}")
    return caption


def words() -> tuple[str, ...]:
    """Every word a papercut sentence can hold, sorted."""
    glue = ("shot", "of", "the", "empty", "at", "where", "and", "with", "a", "scarf", "around")
    groups = (glue, KINDS, COLOURS, SCARF_COLOURS, PLACES, TIMES, ACTIONS, DIRECTIONS, SIZES)
    return tuple(sorted({word for group in groups for word in group}))


def _role_words(role: Role) -> str:
    colour = f"{role.colour} " if role.colour else ""
    scarf = f" with a {role.scarf} scarf" if role.scarf else ""
    manner = f" {role.direction}" if role.direction else " around" if role.action == "looks" else ""
    return f"the {colour}{role.kind}{scarf} {role.action}{manner}"


def _parse_role(part: str) -> Role:
    words_left = part.split()[1:]
    colour = words_left.pop(0) if words_left and words_left[0] in COLOURS else None
    kind = words_left.pop(0) if words_left else ""
    scarf = None
    if words_left[:2] == ["with", "a"] and len(words_left) > 3:
        scarf, words_left = words_left[2], words_left[4:]
    action = words_left.pop(0) if words_left else ""
    direction = words_left[0] if words_left and words_left[0] in DIRECTIONS else None
    return Role(kind=kind, action=action, direction=direction, colour=colour, scarf=scarf)


def _check(caption: Caption) -> None:
    allowed: list[tuple[str | None, tuple[str | None, ...]]] = [
        (caption.size, SIZES),
        (caption.place, PLACES),
        (caption.time, TIMES),
    ]
    for role in caption.roles:
        allowed += [(role.kind, KINDS), (role.action, ACTIONS)]
        allowed += [(role.colour, (None, *COLOURS)), (role.scarf, (None, *SCARF_COLOURS))]
        allowed.append((role.direction, DIRECTIONS if role.action in MOVING_ACTIONS else (None,)))
    for word, choices in allowed:
        if word not in choices:
            raise ValueError(f"{word!r} is none of {', '.join(map(str, choices))}")
    if len(caption.roles) > MAX_ROLES:
        raise ValueError(f"at most {MAX_ROLES} roles fit a papercut shot, not {len(caption.roles)}")
