"""Words that CLIP anchors are made of: colours, kinds of subjects, kinds of places. Data and how to find it in text.

A model is asked only about words that it knows, so the lists may be longer than any one model's vocabulary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

COLOURS = ("white", "black", "grey", "brown", "orange", "yellow", "blue", "pink", "red", "green", "purple")
NOUNS = ("cat", "dog", "fox", "rabbit", "bear", "bird", "horse", "wolf", "mouse", "frog", "dragon", "girl", "boy",
         "woman", "man", "robot", "car", "boat", "train")
PLACES = ("forest", "meadow", "beach", "city", "mountain", "river", "village", "home", "desert", "garden", "street",
          "kitchen", "bedroom", "office", "castle", "station", "spaceship")


@dataclass(frozen=True)
class ColouredThing:
    """A colour and what it belongs to, as a description says it: `a blue scarf`."""

    colour: str
    thing: str


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, in order, without punctuation; American spellings made British."""
    return tuple("grey" if word == "gray" else word for word in re.findall(r"[a-z]+", text.lower()))


def among(text: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a text that are among the choices, in the order of the text, each once."""
    return tuple(dict.fromkeys(word for word in words_of(text) if word in choices))


def coloured_things(text: str) -> tuple[ColouredThing, ...]:
    """Return every colour that stands right before a word, with that word."""
    found = words_of(text)
    return tuple(ColouredThing(colour, thing) for colour, thing in pairwise(found)
                 if colour in COLOURS and thing not in COLOURS and thing != "and")


def with_article(phrase: str) -> str:
    """Return a phrase with `a` or `an` before it."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def coloured_phrase(noun: str, colour: str, thing: str) -> str:
    """Return a noun with something that has a colour: `cat with a blue scarf`, `cat with white stripes`."""
    article = "" if thing.endswith("s") else "a "
    return f"{noun} with {article}{colour} {thing}"
