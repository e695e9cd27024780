"""Who can act in a story: nouns, how they move, what they wear. Knows words only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from filmagent.schemas.story import SubjectKind

Gait = Literal["walk", "swim", "fly", "roll", "sail"]

GAITS: Mapping[Gait, Mapping[str, str]] = MappingProxyType({
    "walk": {"walk": "walks", "run": "runs", "jump": "jumps", "sit": "sits", "sit_down": "sits down",
             "sleep": "sleeps", "look": "looks around"},
    "swim": {"walk": "swims", "run": "swims fast", "jump": "leaps", "sit": "rests", "sit_down": "rests",
             "sleep": "sleeps", "look": "looks around"},
    "fly": {"walk": "flies", "run": "flies fast", "jump": "rises", "sit": "rests", "sit_down": "settles",
            "sleep": "sleeps", "look": "looks around"},
    "roll": {"walk": "rolls", "run": "rolls fast", "jump": "bounces", "sit": "stands still", "sit_down": "stops",
             "sleep": "rests", "look": "turns around"},
    "sail": {"walk": "sails", "run": "sails fast", "jump": "rocks", "sit": "lies still", "sit_down": "stops",
             "sleep": "rests", "look": "turns around"},
})
"""How the six actions of the grammar are said of those who walk, swim, fly, roll or sail."""


@dataclass(frozen=True)
class Noun:
    """A kind of character."""

    word: str
    kind: SubjectKind
    gait: Gait = "walk"
    colours: tuple[str, ...] = ()
    """Colours that come naturally; empty: any."""
    dress: str = ""
    """What a person wears in the character's colour, such as `coat`; empty for animals and things."""
    trim: str = "scarf"
    """What carries the second colour."""


COLOURS = ("white", "black", "grey", "brown", "orange", "yellow", "blue", "pink")
TRIM_COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
COLOUR_WORDS = frozenset((*COLOURS, *TRIM_COLOURS, "gray", "golden", "silver", "turquoise", "violet", "crimson"))

ADJECTIVES = frozenset(["small", "little", "tiny", "big", "large", "giant", "huge", "old", "young", "tall", "thin",
                        "brave", "shy", "lonely", "tired", "curious", "gentle", "wild", "clever", "lazy", "proud",
                        "grumpy", "rusty", "fluffy", "elderly", "retired", "lost", "stray", "homeless", "happy", "sad",
                        "wounded", "blind", "three-legged", "one-eyed", "striped", "spotted", "paper", "wooden"])

_NATURAL = {
    "cat": ("orange", "black", "grey", "white"), "dog": ("brown", "white", "black"), "fox": ("orange",),
    "rabbit": ("white", "grey", "brown"), "bear": ("brown", "black"), "bird": ("blue", "yellow", "pink"),
    "robot": ("grey", "white", "blue"), "wolf": ("grey",), "mouse": ("grey",), "elephant": ("grey",),
    "panda": ("white",), "penguin": ("black",), "crow": ("black",), "owl": ("brown",), "duck": ("yellow",),
    "lion": ("yellow",), "tiger": ("orange",), "pig": ("pink",), "flamingo": ("pink",), "deer": ("brown",),
    "whale": ("blue",), "dolphin": ("grey",), "squirrel": ("orange",), "hedgehog": ("brown",), "swan": ("white",),
}
_WALKING_ANIMALS = ("cat", "kitten", "dog", "puppy", "fox", "rabbit", "bunny", "hare", "bear", "bird", "sparrow", "owl",
                    "crow", "raven", "duck", "duckling", "goose", "swan", "penguin", "flamingo", "parrot", "horse",
                    "pony", "donkey", "wolf", "lion", "tiger", "leopard", "elephant", "giraffe", "zebra", "mouse",
                    "rat", "hamster", "tortoise", "frog", "lizard", "crocodile", "dragon", "unicorn",
                    "monkey", "gorilla", "panda", "koala", "kangaroo", "deer", "moose", "pig", "piglet", "cow", "bull",
                    "sheep", "lamb", "goat", "hen", "chicken", "rooster", "hedgehog", "squirrel", "badger", "beaver",
                    "otter", "raccoon", "camel", "snail", "spider", "ant", "beetle", "crab", "dinosaur", "monster",
                    "polar bear")
_SWIMMING = ("fish", "turtle", "goldfish", "whale", "dolphin", "shark", "octopus", "seahorse", "jellyfish")
_FLYING = ("butterfly", "bee", "dragonfly", "firefly", "bat", "moth", "eagle", "seagull")
_PEOPLE = ("girl", "boy", "woman", "man", "child", "kid", "person", "astronaut", "detective", "musician", "pianist",
           "violinist", "painter", "artist", "chef", "cook", "baker", "sailor", "captain", "pirate", "knight",
           "princess", "prince", "king", "queen", "wizard", "witch", "doctor", "nurse", "teacher", "student", "farmer",
           "fisherman", "explorer", "scientist", "inventor", "soldier", "dancer", "singer", "actor", "grandmother",
           "grandfather", "mother", "father", "brother", "sister", "baby", "monk", "samurai", "ninja", "thief",
           "cowboy", "gardener", "postman", "courier", "pilot", "driver", "writer", "poet", "photographer", "clown",
           "magician", "shepherd", "hunter", "blacksmith", "carpenter", "tailor", "librarian", "lighthouse keeper",
           "traveller", "traveler", "wanderer", "hiker", "stranger", "neighbour", "neighbor", "giant", "elf", "fairy",
           "ghost", "angel", "vampire", "zombie", "alien", "superhero", "watchmaker", "clockmaker", "beekeeper",
           "surfer", "swimmer", "boxer", "runner", "policeman", "firefighter", "waiter", "tourist", "nomad")
_DRESSES = {"astronaut": "space suit", "knight": "cloak", "wizard": "robe", "witch": "robe", "monk": "robe",
            "princess": "dress", "queen": "dress", "king": "robe", "doctor": "coat", "chef": "apron", "baker": "apron",
            "samurai": "robe", "pirate": "coat", "dancer": "dress", "girl": "dress", "superhero": "suit"}
_WEARS_WHITE = ("astronaut", "chef", "baker", "doctor", "ghost")


def _nouns() -> dict[str, Noun]:
    gaits: dict[Gait, tuple[str, ...]] = {"walk": _WALKING_ANIMALS, "swim": _SWIMMING, "fly": _FLYING}
    animals = [Noun(word, "animal", gait, _NATURAL.get(word, ())) for gait, words in gaits.items() for word in words]
    people = [Noun(word, "person", colours=("white",) if word in _WEARS_WHITE else (),
                   dress=_DRESSES.get(word, "coat")) for word in _PEOPLE]
    things = [Noun("robot", "object", colours=_NATURAL["robot"]), Noun("android", "object"),
              Noun("snowman", "object", colours=("white",)), Noun("doll", "object"), Noun("puppet", "object"),
              Noun("toy", "object"), Noun("scarecrow", "object"), Noun("teddy bear", "object", colours=("brown",)),
              Noun("car", "object", "roll", trim="stripe"), Noun("train", "object", "roll", trim="stripe"),
              Noun("bus", "object", "roll", trim="stripe"), Noun("tram", "object", "roll", trim="stripe"),
              Noun("drone", "object", "fly", trim="stripe"), Noun("boat", "object", "sail", trim="flag"),
              Noun("ship", "object", "sail", trim="flag")]
    mermaid = Noun("mermaid", "person", "swim", dress="top", trim="necklace")
    return {noun.word: noun for noun in (*animals, *people, *things, mermaid)}


NOUNS: Mapping[str, Noun] = MappingProxyType(_nouns())
"""Every kind of character by its English word."""
HELPERS: Mapping[Gait, tuple[str, ...]] = MappingProxyType(
    {"swim": ("dolphin", "turtle", "fish"), "sail": ("dolphin", "whale", "seagull")})
"""Gait of the hero -> helpers that can come along; anyone else is helped by one of `FILMABLE`."""
FILMABLE = ("cat", "dog", "fox", "rabbit", "bear", "bird", "girl", "robot")
"""Kinds that even a small model can show; chosen when the logline leaves it open."""
HER_NAMES = ("Juno", "Nova", "Wren", "Saffi", "Iris", "Luma", "Odette", "Mina", "Tilda", "Nell", "Yuki", "Zuri")
HIS_NAMES = ("Marlow", "Pip", "Otis", "Milo", "Tamo", "Bruno", "Fenn", "Kiko", "Rufus", "Basil", "Arlo", "Oskar")
_HER = frozenset(["girl", "woman", "princess", "queen", "witch", "grandmother", "mother", "sister", "mermaid", "fairy",
                  "hen", "cow"])
_HIS = frozenset(["boy", "man", "prince", "king", "wizard", "monk", "samurai", "cowboy", "postman", "fisherman",
                  "grandfather", "father", "brother", "policeman", "snowman", "rooster", "bull"])


def names_for(noun: str) -> tuple[str, ...]:
    """Return the names that fit a kind of character."""
    return HER_NAMES if noun in _HER else HIS_NAMES if noun in _HIS else (*HIS_NAMES, *HER_NAMES)


EVERYBODY = Noun("person", "person", dress="coat")
"""For a name of which nothing else is known."""
