"""Where a story can happen: places, how one is in them and moves through them, what lies near. Knows words only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_GENERAL = ("The air is clear.", "Soft shadows lie on the ground.")


@dataclass(frozen=True)
class PlaceWord:
    """A kind of place."""

    word: str
    preposition: str
    """Such as `in`: how one is there."""
    path: str
    """How one moves there, such as `between the trees`."""
    group: str
    """Places that lie near each other share a group; see `NEIGHBOURS`."""
    details: tuple[str, ...] = _GENERAL
    """What can be seen there, in sentences that name nobody."""
    name: str = ""
    """The fixed name; empty: the word with its article."""

    @property
    def fixed_name(self) -> str:
        """The name that every caption uses, such as `the forest`."""
        return self.name or f"the {self.word}"

    @property
    def at(self) -> str:
        """Such as `in the forest`."""
        return f"{self.preposition} {self.fixed_name}"


_TABLE = (
    PlaceWord("forest", "in", "between the trees", "wild", ("Leaves move in the wind.", "Tall trees stand here.")),
    PlaceWord("meadow", "in", "through the tall grass", "wild", ("Flowers sway in the grass.", "The grass shines.")),
    PlaceWord("beach", "on", "along the water", "wild", ("Small waves roll onto the sand.", "The sand is smooth.")),
    PlaceWord("city", "in", "past the tall houses", "wild", ("Windows glow in the houses.", "The street is calm.")),
    PlaceWord("mountain", "on", "up the stony path", "wild", ("Snow lies on the peaks.", "Clouds drift past.")),
    PlaceWord("river", "by", "along the bank", "wild", ("The water glitters.", "Reeds bend over the water.")),
    PlaceWord("village", "in", "past the small houses", "wild", ("Smoke rises from a chimney.", "The roofs are red.")),
    PlaceWord("home", "at", "past the garden gate", "wild", ("A lamp shines in the window.", "The door stands open."),
              "the cosy home"),
    PlaceWord("lake", "by", "along the shore", "wild", ("The water lies still.",)),
    PlaceWord("waterfall", "by", "over the wet stones", "wild", ("White water falls over the rocks.",)),
    PlaceWord("hill", "on", "up the green slope", "wild"),
    PlaceWord("valley", "in", "along the narrow path", "wild"),
    PlaceWord("field", "in", "through the tall rows", "wild"),
    PlaceWord("farm", "on", "past the barn", "wild", ("Hay lies beside the barn.",)),
    PlaceWord("swamp", "in", "over the soft ground", "wild", ("Mist hangs over the water.",)),
    PlaceWord("cave", "in", "past the dark rocks", "wild", ("Light falls in from above.",)),
    PlaceWord("jungle", "in", "under the broad leaves", "wild", ("Vines hang from the trees.",)),
    PlaceWord("bridge", "on", "along the railing", "wild"),
    PlaceWord("road", "on", "along the verge", "wild", ("The road runs straight ahead.",)),
    PlaceWord("garden", "in", "past the green hedges", "town", ("Flowers stand in the beds.",)),
    PlaceWord("park", "in", "along the gravel path", "town", ("Benches stand under the trees.",)),
    PlaceWord("street", "on", "along the pavement", "town", ("Lamps line the pavement.",)),
    PlaceWord("market", "at", "past the stalls", "town", ("Fruit lies on the stalls.",)),
    PlaceWord("café", "in", "past the small tables", "town", ("Cups stand on the tables of the room.",)),
    PlaceWord("kitchen", "in", "past the table", "town", ("Pots hang on the wall.",)),
    PlaceWord("bakery", "in", "past the oven", "town", ("Bread lies on the shelves.",)),
    PlaceWord("school", "at", "across the yard", "town"),
    PlaceWord("library", "in", "between the shelves", "town", ("Books fill the shelves.",)),
    PlaceWord("museum", "in", "past the pictures", "town", ("Pictures hang on the walls.",)),
    PlaceWord("theatre", "in", "across the stage", "town", ("A red curtain hangs behind the stage.",)),
    PlaceWord("station", "at", "along the platform", "town", ("Rails gleam beside the platform.",)),
    PlaceWord("train station", "at", "along the platform", "town", ("Rails gleam beside the platform.",)),
    PlaceWord("harbour", "in", "along the quay", "town", ("Boats rock beside the quay.",)),
    PlaceWord("rooftop", "on", "past the chimneys", "town", ("Chimneys stand against the sky.",)),
    PlaceWord("studio", "in", "across the wooden floor", "town"),
    PlaceWord("workshop", "in", "past the workbench", "town", ("Tools hang on the wall.",)),
    PlaceWord("hospital", "in", "along the corridor", "town"),
    PlaceWord("office", "in", "past the desks", "town"),
    PlaceWord("prison", "in", "along the corridor", "town", ("A small window lights the room.",)),
    PlaceWord("church", "in", "past the benches", "town"),
    PlaceWord("sea", "in", "through the clear water", "sea", ("Rays of light fall through the water.",)),
    PlaceWord("reef", "at", "past the corals", "sea", ("Corals glow in the blue sea.",)),
    PlaceWord("bay", "in", "through the calm water", "sea", ("Small waves glitter.",)),
    PlaceWord("lagoon", "in", "through the warm water", "sea", ("The water shines beside the white sand.",)),
    PlaceWord("island", "on", "under the palm trees", "coast", ("Palm trees bend in the wind.",)),
    PlaceWord("lighthouse", "at", "up the stone steps", "coast", ("A beam of light turns above.",)),
    PlaceWord("coast", "on", "along the cliffs", "coast", ("Waves break below the cliffs.",)),
    PlaceWord("moon", "on", "across the grey dust", "space", ("Earth hangs above the horizon.", "The dust is still.")),
    PlaceWord("crater", "in", "along the rim", "space", ("Stars shine above the rim.",)),
    PlaceWord("spaceship", "in", "past the round windows", "space", ("Small lamps blink on the walls.",)),
    PlaceWord("space station", "in", "past the round windows", "space", ("Small lamps blink on the walls.",)),
    PlaceWord("base", "at", "past the white domes", "space", ("White domes stand on the moon.",), "the space base"),
    PlaceWord("space", "in", "past the bright stars", "space", ("Stars shine everywhere.",), "outer space"),
    PlaceWord("planet", "on", "over the red rocks", "space", ("Two moons hang in the sky.",)),
    PlaceWord("desert", "in", "over the dunes", "dry", ("The wind draws lines in the sand.",)),
    PlaceWord("oasis", "at", "under the palm trees", "dry", ("Water shines between the palms.",)),
    PlaceWord("canyon", "in", "between the red cliffs", "dry", ("Red cliffs rise on both sides.",)),
    PlaceWord("castle", "in", "along the stone wall", "castle", ("Banners move in the wind.",)),
    PlaceWord("tower", "in", "up the winding stairs", "castle", ("A narrow window lets the light in.",)),
    PlaceWord("palace", "in", "across the marble floor", "castle", ("Gold shines on the walls.",)),
    PlaceWord("temple", "at", "between the columns", "castle", ("Stone columns rise high.",)),
    PlaceWord("glacier", "on", "over the blue ice", "snow", ("The ice gleams.",)),
    PlaceWord("north pole", "at", "over the snow", "snow", ("Snow lies everywhere.",)),
    PlaceWord("snowfield", "on", "through the deep snow", "snow", ("Snow lies everywhere.",)),
)

PLACES: Mapping[str, PlaceWord] = MappingProxyType({place.word: place for place in _TABLE})
"""Every kind of place by its English word."""

SAME: Mapping[str, str] = MappingProxyType({
    "woods": "forest", "wood": "forest", "shore": "beach", "seaside": "beach", "ocean": "sea", "town": "city",
    "metropolis": "city", "house": "home", "hut": "home", "cabin": "home", "cottage": "home", "apartment": "home",
    "peak": "mountain", "summit": "mountain", "stream": "river", "creek": "river", "brook": "river",
    "harbor": "harbour", "port": "harbour", "cafe": "café", "coffee shop": "café", "theater": "theatre",
    "rainforest": "jungle", "path": "road", "highway": "road", "farmhouse": "farm", "mars": "planet",
    "rocket": "spaceship", "dunes": "desert", "arctic": "north pole", "antarctica": "north pole", "coral reef": "reef",
    "classroom": "school", "roof": "rooftop",
})
"""Other words for the same places."""

NEIGHBOURS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "wild": ("forest", "meadow", "river", "village", "mountain", "beach", "city"),
    "town": ("city", "village", "river", "meadow", "beach", "forest"),
    "sea": ("sea", "reef", "bay", "lagoon"),
    "shore": ("beach", "harbour", "river", "island", "lake"),
    "coast": ("beach", "village", "river", "meadow", "mountain"),
    "space": ("moon", "crater", "spaceship", "planet"),
    "dry": ("desert", "oasis", "canyon", "village", "river"),
    "castle": ("village", "forest", "river", "meadow", "mountain"),
    "snow": ("snowfield", "mountain", "village", "forest"),
})
"""Group -> places that a story goes on to when the logline names too few."""

HOMES: Mapping[str, str] = MappingProxyType({"space": "base", "sea": "reef", "shore": "beach"})
"""Group -> where a story there ends; any other ends at home."""


INDOORS = frozenset(["café", "kitchen", "bakery", "library", "museum", "theatre", "studio", "workshop", "hospital",
                     "office", "prison", "church", "spaceship", "space station", "cave", "palace", "tower"])
"""Places without a sky."""


def named_place(name: str) -> PlaceWord:
    """Return a place of which only the name is known, such as Paris."""
    return PlaceWord(word=name.lower(), preposition="in", path="along the street", group="town",
                     details=("Lamps line the streets.",), name=name)
