"""The words of the papercut world and the one grammar its captions follow. Knows no torch and no picture.

Training writes its captions with `compose`, the generator translates any shot into the same sentences, and the
tokenizer's vocabulary is `words()`; so the model never meets a sentence it was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

KINDS = (
    "cat",
    "dog",
    "fox",
    "rabbit",
    "bear",
    "bird",
    "mouse",
    "frog",
    "horse",
    "girl",
    "boy",
    "woman",
    "man",
    "robot",
)
PEOPLE = ("girl", "boy", "woman", "man")
COLOURS = ("white", "black", "grey", "brown", "orange", "yellow", "pink", "green", "blue")
PATTERNS = ("stripes", "spots", "patches")
PATTERN_COLOURS = ("white", "black", "brown", "yellow", "red")
GARMENTS = ("scarf", "hat", "bow", "vest")
GARMENT_COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
BUILDS = ("small", "big")
PLACES = (
    "forest",
    "meadow",
    "beach",
    "city",
    "village",
    "mountain",
    "river",
    "home",
    "kitchen",
    "bedroom",
    "station",
    "desert",
    "garden",
)
INDOORS = ("home", "kitchen", "bedroom", "station")
"""Places with a roof: weather is not seen there."""
LAYOUTS = ("one", "two", "three")
"""Numbers of the arrangements of each place. Few enough that a small model learns to tell and to redraw them."""
TIMES = ("morning", "day", "evening", "night")
WEATHERS = ("clear", "rain", "snow", "fog")
ACTIONS = ("walks", "runs", "jumps", "sits", "sleeps", "looks", "waves", "eats", "meets", "carries")
MOVING_ACTIONS = ("walks", "runs", "carries")
PROPS = ("letter", "lantern", "ball", "boat")
DIRECTIONS = ("left", "right")
SIZES = ("wide", "medium", "close")
CAMERAS = ("still", "left", "right", "in")
"""What the camera does: it stands still, pans to a side, or pushes in."""
MAX_ROLES = 3
STANDS: dict[int, tuple[str | None, ...]] = {
    0: (),
    1: (None,),
    2: ("lefthand", "righthand"),
    3: ("leftmost", "middle", "rightmost"),
}
"""Where each of so many stands, one word for each: a sentence that is `placed` says it before every other word of them.
A small encoder does not count; without these words it never told whose hat was red."""
_GLUE = (
    *("shot", "of", "the", "empty", "at", "in", "where", "and", "with", "a", "around", "someone"),
    *("camera", "pushes", "pans"),
)
WORDINGS = 3
"""How many orders of a sentence there are; number 0 is what the generator writes."""


@dataclass(frozen=True)
class Role:
    """Who is seen and what they do. What is None is left out, for memory to know."""

    kind: str
    action: str
    direction: str | None = None
    build: str | None = None
    colour: str | None = None
    pattern: str | None = None
    pattern_colour: str | None = None
    garment: str | None = None
    garment_colour: str | None = None
    prop: str | None = None
    """What is carried; only with `carries`."""


@dataclass(frozen=True)
class Caption:
    """Everything a papercut sentence can say. Roles stand from left to right; a prop of its own lies on the ground."""

    size: str
    place: str
    time: str
    weather: str = "clear"
    camera: str = "still"
    roles: tuple[Role, ...] = ()
    prop: str | None = None
    layout: str | None = None
    """Which arrangement of the place is seen, in the words of `LAYOUTS`; None leaves it to memory or to chance."""
    placed: bool = False
    """Say where everybody stands, in the words of `STANDS`."""


class Look(Protocol):
    """How somebody looks, whoever says so: a casting, a drawn figure."""

    @property
    def build(self) -> str | None:
        """One of `BUILDS`; None is of middle size or unsaid."""

    @property
    def colour(self) -> str | None:
        """One of `COLOURS`."""

    @property
    def pattern(self) -> str | None:
        """One of `PATTERNS`; None is plain or unsaid."""

    @property
    def pattern_colour(self) -> str | None:
        """One of `PATTERN_COLOURS`; None without a pattern."""

    @property
    def garment(self) -> str | None:
        """One of `GARMENTS`."""

    @property
    def garment_colour(self) -> str | None:
        """One of `GARMENT_COLOURS`."""


def with_attributes(role: Role, look: Look) -> Role:
    """The role with all attributes of a look."""
    return replace(
        role,
        build=look.build,
        colour=look.colour,
        pattern=look.pattern,
        pattern_colour=look.pattern_colour,
        garment=look.garment,
        garment_colour=look.garment_colour,
    )


@dataclass(frozen=True)
class Phrase:
    """Words of a sentence and the role that they speak of; where that is None, they speak of the picture."""

    words: str
    role: int | None = None


def compose(caption: Caption, wording: int = 0) -> str:
    """The sentence of a caption in one of `WORDINGS` orders. Raises ValueError for a word the world does not have."""
    return " ".join(phrase.words for phrase in phrases(caption, wording))


def phrases(caption: Caption, wording: int = 0) -> tuple[Phrase, ...]:
    """The same sentence in parts that say whom they speak of. Raises ValueError as `compose` does."""
    _check(caption)
    stands = STANDS[len(caption.roles)] if caption.placed else (None,) * len(caption.roles)
    seen = [Phrase(_role_words(*each), index) for index, each in enumerate(zip(caption.roles, stands, strict=True))]
    seen += [Phrase(f"the {caption.prop}")] if caption.prop else []
    who = [part for phrase in seen for part in (Phrase("and"), phrase)][1:]
    place = f"the {'' if who else 'empty '}{caption.place}{f' {caption.layout}' if caption.layout else ''}"
    place += f" at {caption.time}"
    if caption.weather != "clear":
        place += f" in the {caption.weather}"
    shot = f"{caption.size} shot"
    camera = {"still": "", "in": "camera pushes in"}.get(caption.camera, f"camera pans {caption.camera}")
    if wording == 1:
        parts = [*who, Phrase(f"in {place}"), Phrase(shot), Phrase(camera)]
    elif wording == 2:
        parts = [Phrase(shot), Phrase(camera), Phrase("with" if who else ""), *who, Phrase(f"in {place}")]
    else:
        parts = [Phrase(f"{shot} of {place}"), Phrase("where" if who else ""), *who, Phrase(camera)]
    return tuple(part for part in parts if part.words)


def words() -> tuple[str, ...]:
    """Every word a papercut sentence can hold, sorted."""
    groups = (_GLUE, KINDS, COLOURS, PATTERNS, PATTERN_COLOURS, GARMENTS, GARMENT_COLOURS, BUILDS, PLACES, TIMES)
    more = (WEATHERS[1:], ACTIONS, PROPS, DIRECTIONS, SIZES, LAYOUTS, standing_words())
    return tuple(sorted({word for group in (*groups, *more) for word in group}))


def standing_words() -> tuple[str, ...]:
    """All words of `STANDS`."""
    return tuple(word for each in STANDS.values() for word in each if word)


def _role_words(role: Role, stands: str | None) -> str:
    before = "".join(f"{word} " for word in (stands, role.build, role.colour) if word)
    marks = []
    if role.pattern:
        marks.append(f"{role.pattern_colour} {role.pattern}" if role.pattern_colour else role.pattern)
    if role.garment:
        marks.append(f"a {role.garment_colour} {role.garment}" if role.garment_colour else f"a {role.garment}")
    worn = f" with {' and '.join(marks)}" if marks else ""
    manner = {"looks": " around", "meets": " someone"}.get(role.action, f" the {role.prop}" if role.prop else "")
    direction = f" {role.direction}" if role.direction else ""
    return f"the {before}{role.kind}{worn} {role.action}{manner}{direction}"


def _check(caption: Caption) -> None:
    allowed: list[tuple[str | None, tuple[str | None, ...]]] = [
        (caption.size, SIZES),
        (caption.place, PLACES),
        (caption.time, TIMES),
        (caption.weather, WEATHERS),
        (caption.layout, (None, *LAYOUTS)),
        (caption.camera, CAMERAS),
        (caption.prop, (None, *PROPS)),
    ]
    for role in caption.roles:
        allowed += [(role.kind, KINDS), (role.action, ACTIONS), (role.build, (None, *BUILDS))]
        allowed += [(role.colour, (None, *COLOURS)), (role.pattern, (None, *PATTERNS))]
        allowed.append((role.pattern_colour, (None, *PATTERN_COLOURS) if role.pattern else (None,)))
        allowed.append((role.garment, (None, *GARMENTS)))
        allowed.append((role.garment_colour, (None, *GARMENT_COLOURS) if role.garment else (None,)))
        allowed.append((role.direction, (None, *DIRECTIONS) if role.action in MOVING_ACTIONS else (None,)))
        allowed.append((role.prop, PROPS if role.action == "carries" else (None,)))
    for word, choices in allowed:
        if word not in choices:
            raise ValueError(f"{word!r} is none of {', '.join(map(str, choices))}")
    if len(caption.roles) > MAX_ROLES:
        raise ValueError(f"at most {MAX_ROLES} roles fit a papercut shot, not {len(caption.roles)}")
