"""Which words of any story mean which papercut word. Plain tables; knows no story and decides nothing.

A word that is absent here is no mistake: casting then chooses a stable stand-in and says so.
"""

from __future__ import annotations


def _table(**groups: str) -> dict[str, str]:
    return {word: meaning for meaning, members in groups.items() for word in members.split()}


KIND_WORDS = _table(
    cat="cat kitten kitty tomcat tabby lion lioness tiger leopard panther lynx cheetah jaguar puma",
    dog="dog puppy pup hound wolf husky terrier poodle corgi retriever labrador coyote jackal horse pony",
    fox="fox vixen raccoon weasel ferret squirrel deer fawn doe",
    rabbit="rabbit bunny hare mouse rat hamster kangaroo donkey",
    bear="bear teddy cub panda koala elephant hippo pig cow yeti monster giant ogre troll",
    bird="bird owl duck duckling hen chicken rooster crow raven parrot penguin eagle swan goose sparrow pigeon dragon",
    girl=(
        "girl boy woman man child kid lady gentleman princess prince queen king emperor mother father grandmother "
        "grandfather daughter son sister brother witch wizard fairy mermaid teacher student musician painter artist "
        "sailor pirate farmer explorer detective chef nurse doctor soldier knight person human hero heroine monk "
        "santa scientist baker fisherman keeper traveller traveler dancer"
    ),
    robot="robot android droid cyborg machine astronaut cosmonaut spaceman alien rover automaton car truck train",
)

PLACE_WORDS = _table(
    forest="forest wood woods woodland jungle grove thicket trees rainforest park",
    meadow="meadow field fields grassland prairie garden farm pasture lawn hill hills orchard playground",
    beach="beach shore seashore coast seaside sea ocean island desert dune dunes bay harbour harbor sand lighthouse",
    city="city town street streets downtown alley skyscraper skyscrapers market station rooftop metropolis avenue",
    mountain="mountain mountains peak cliff volcano canyon glacier summit ridge cave valley moon mars crater snow",
    river="river stream creek lake pond brook waterfall swamp canal bridge riverbank wetland",
    village="village castle hamlet cottage palace temple church tower square inn fortress",
    home="home house room kitchen bedroom apartment studio indoors inside cabin hut library school classroom office "
    "laboratory lab attic hall sofa fireplace doorstep porch ship spaceship",
)

TIME_WORDS = _table(
    night="night midnight nighttime moonlight moonlit moon dark darkness stars starlit starry",
    evening="evening dusk sunset twilight dawn sunrise nightfall candlelight golden",
    day="day daytime morning noon midday afternoon daylight sunny",
)

ACTION_WORDS = _table(
    walks="walk stroll wander march trek travel cross approach hike pad stride step tiptoe climb enter leave return "
    "follow explore trudge prowl search swim roam limp hurry go come head make arrive journey carry lead",
    runs="run race dash chase sprint rush flee escape gallop bolt charge scurry trot drive",
    jumps="jump leap hop bounce dance fly play celebrate pounce skip soar flap spring cheer splash",
    sits="sit rest wait perch crouch eat drink read write paint sing meditate fish think cook listen talk kneel hide "
    "purr study work",
    sleeps="sleep nap doze dream snooze lie slumber curl snore",
    looks="look watch stare gaze search observe notice see discover find examine turn glance stand stop pause wonder "
    "spot smile peer meet greet",
)

IRREGULAR_VERBS = {
    "ran": "run", "sat": "sit", "slept": "sleep", "lay": "lie", "lying": "lie", "went": "go", "came": "come",
    "leapt": "leap", "flew": "fly", "ate": "eat", "drank": "drink", "swam": "swim", "stood": "stand", "saw": "see",
    "found": "find", "fled": "flee", "met": "meet", "left": "", "made": "make", "led": "lead", "sang": "sing",
    "wrote": "write", "drove": "drive", "hid": "hide", "knelt": "kneel", "dreamt": "dream", "sprang": "spring",
}  # fmt: skip
"""`left` is a direction far more often than a verb."""

COLOUR_WORDS = _table(
    white="white snowy ivory cream creamy pale silver-white blond blonde",
    black="black ebony jet inky",
    grey="grey gray silver silvery ash ashen metallic steel",
    brown="brown chocolate chestnut tan beige tawny bronze hazel",
    orange="orange ginger copper rust rusty amber marmalade auburn",
    yellow="yellow golden gold lemon straw sandy",
    blue="blue navy azure turquoise teal cyan cobalt indigo",
    pink="pink rose rosy magenta salmon",
    red="red crimson scarlet ruby maroon",
    green="green emerald olive lime mint khaki",
    purple="purple violet lilac lavender mauve",
)

NEAREST_MAIN = {"red": "orange", "green": "blue", "purple": "pink"}
NEAREST_SCARF = {"black": "blue", "grey": "white", "brown": "red", "orange": "yellow", "pink": "purple"}
