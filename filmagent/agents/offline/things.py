"""Objects to find, times of day, weather, activities, and irregular plurals. Knows words only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

THINGS = frozenset(["key", "letter", "balloon", "lantern", "map", "treasure", "kite", "book", "ring", "flower", "star",
                    "umbrella", "ball", "box", "chest", "crown", "sword", "mirror", "watch", "clock", "photograph",
                    "photo", "painting", "violin", "guitar", "piano", "hat", "shoe", "seed", "rose", "pebble", "coin",
                    "candle", "feather", "shell", "pearl", "egg", "apple", "cake", "bread", "fish bone", "bicycle",
                    "telescope", "bottle", "suitcase", "snow globe", "music box", "paper boat", "diamond",
                    "compass", "scroll", "potion", "acorn", "bell", "drum", "radio"])
"""Things that a story can be about finding."""

TIMES: Mapping[str, str] = MappingProxyType({
    "morning": "in the morning", "dawn": "at dawn", "sunrise": "at sunrise", "noon": "at noon", "midday": "at noon",
    "afternoon": "in the afternoon", "evening": "in the evening", "dusk": "at dusk", "sunset": "at sunset",
    "twilight": "at dusk", "night": "at night", "midnight": "at midnight", "moonlight": "at night",
    "nacht": "at night", "nuit": "at night", "noche": "at night", "notte": "at night", "noite": "at night",
    "ночью": "at night", "ночь": "at night",
})
"""Word -> time of day as captions say it."""

WEATHERS: Mapping[str, str] = MappingProxyType({
    "rain": "Rain falls softly.", "rainy": "Rain falls softly.", "storm": "Dark clouds race past.",
    "stormy": "Dark clouds race past.", "snow": "Snow falls softly.", "snowy": "Snow falls softly.",
    "winter": "Snow lies on the ground.", "blizzard": "Snow falls thickly.", "fog": "Fog hangs in the air.",
    "foggy": "Fog hangs in the air.", "mist": "Fog hangs in the air.", "autumn": "Yellow leaves drift down.",
    "spring": "Fresh green shines everywhere.", "wind": "The wind blows hard.", "windy": "The wind blows hard.",
})
"""Word -> weather as a sentence of its own."""

_DEEDS = {
    "dance": "dances", "sing": "sings", "paint": "paints a picture", "draw": "draws a picture", "bake": "bakes bread",
    "read": "reads a book", "write": "writes on a sheet of paper", "swim": "swims", "fly": "flies", "skate": "skates",
    "juggle": "juggles", "dig": "digs a hole", "build": "builds a small tower", "knit": "knits", "climb": "climbs",
    "cycle": "rides a bicycle", "meditate": "meditates", "pray": "prays", "sew": "sews", "surf": "surfs",
}


def _forms() -> dict[str, str]:
    forms: dict[str, str] = {}
    for verb, deed in _DEEDS.items():
        stem = verb.removesuffix("e")
        doubled = stem + stem[-1] if verb in ("swim", "dig", "knit") else stem
        forms |= {verb: deed, deed.split()[0]: deed, f"{doubled}ing": deed}
    return forms


ACTIVITIES: Mapping[str, str] = MappingProxyType(_forms())
"""Verb in any present form -> what the hero is seen doing."""

SINGULARS: Mapping[str, str] = MappingProxyType({
    "wolves": "wolf", "mice": "mouse", "men": "man", "women": "woman", "children": "child", "geese": "goose",
    "thieves": "thief", "elves": "elf", "fishermen": "fisherman", "snowmen": "snowman",
})
"""Irregular plural -> singular."""
