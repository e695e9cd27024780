"""Which words of any story mean which papercut word. Plain tables; knows no story and decides nothing.

A word that is absent here is no mistake: casting then chooses a stable stand-in and says so.
"""

from __future__ import annotations


def _table(**groups: str) -> dict[str, str]:
    return {word: meaning for meaning, members in groups.items() for word in members.split()}


def _set(members: str) -> frozenset[str]:
    return frozenset(members.split())


KIND_WORDS = _table(
    cat="cat kitten kitty tomcat tabby lion lioness tiger tigress leopard panther lynx cheetah jaguar puma "
    "cougar calico",
    dog="dog puppy pup hound wolf husky terrier poodle corgi retriever labrador dalmatian beagle collie coyote jackal "
    "hyena seal",
    fox="fox vixen raccoon badger weasel ferret squirrel otter beaver lemur",
    rabbit="rabbit bunny hare kangaroo chinchilla",
    bear="bear panda koala elephant hippo rhino rhinoceros pig piglet boar monkey gorilla ape sloth walrus yeti "
    "monster "
    "ogre troll",
    bird="bird owl duck duckling hen chicken chick rooster crow raven magpie parrot penguin eagle hawk swan "
    "goose sparrow "
    "robin pigeon dove seagull gull stork heron flamingo peacock ostrich dragon phoenix bat butterfly moth bee "
    "dragonfly "
    "firefly",
    mouse="mouse rat hamster gerbil hedgehog mole shrew vole snail spider ant beetle ladybird ladybug",
    frog="frog toad tadpole newt salamander lizard gecko chameleon iguana turtle tortoise crocodile alligator dinosaur "
    "snake fish goldfish octopus crab seahorse jellyfish dolphin whale shark",
    horse="horse pony foal mare stallion donkey mule unicorn pegasus centaur zebra giraffe camel llama alpaca "
    "deer fawn "
    "doe stag reindeer moose elk goat sheep lamb cow bull calf ox buffalo",
    girl="girl princess daughter niece granddaughter sister schoolgirl maiden fairy lass heroine",
    boy="boy prince son nephew grandson brother schoolboy lad",
    woman="woman lady queen empress mother mom mum grandmother grandma granny aunt wife widow bride witch sorceress "
    "mermaid actress waitress duchess goddess nun",
    man="man gentleman king emperor father dad grandfather grandpa uncle husband wizard sorcerer monk priest sailor "
    "captain pirate fisherman knight samurai soldier cowboy lumberjack blacksmith postman policeman fireman fishermen "
    "santa viking duke waiter tramp giant",
    robot="robot android droid cyborg machine astronaut cosmonaut spaceman alien rover automaton drone car truck lorry "
    "van train locomotive bus tram taxi tractor scarecrow snowman puppet doll",
    child="child kid toddler baby infant youngster orphan elf gnome pupil",
    adult="adult person human figure hero stranger someone somebody artist painter musician pianist violinist singer "
    "dancer actor performer clown magician teacher scientist inventor doctor nurse surgeon chef cook baker farmer "
    "gardener shepherd hunter keeper traveller traveler wanderer hiker explorer tourist nomad detective thief "
    "spy ninja "
    "guard warrior driver pilot courier writer poet photographer librarian watchmaker clockmaker beekeeper carpenter "
    "tailor firefighter neighbour neighbor boxer runner swimmer surfer angel ghost vampire zombie superhero villager",
    student="student teenager teen youth",
)
"""`child`, `adult` and `student` leave open which person it is."""
OPEN_KINDS = {
    "child": ("girl", "boy"),
    "student": ("girl", "boy"),
    "adult": ("woman", "man"),
}
ACTING_THINGS = frozenset(["teddy"])
"""Things that act although they are no machine."""
HER_WORDS = _set(
    "she her hers herself girl woman lady mrs miss ms madam mother sister daughter queen princess female feminine "
    "actress heroine grandmother grandma granny aunt auntie wife dress skirt"
)
HIS_WORDS = _set(
    "he his him himself boy man mr sir lord father brother son king prince male masculine gentleman grandfather "
    "grandpa uncle husband beard bearded moustache mustache"
)
YOUNG_WORDS = _set("young little child childlike kid small tiny")
SMALL_WORDS = _set(
    "small tiny little mini miniature short kitten puppy pup cub piglet duckling chick foal fawn lamb toddler baby"
)
BIG_WORDS = _set("big large huge tall giant enormous gigantic massive great mighty elephant hippo rhino ogre troll")

PROP_WORDS = _table(
    letter="letter envelope note map book postcard parcel message",
    lantern="lantern lamp candle torch flashlight",
    ball="ball balloon orb apple globe football marble",
    boat="boat ship raft sailboat canoe",
)
PROP_LIKE_WORDS = _table(
    letter="paper scroll photo photograph picture painting card ticket diary page newspaper box chest suitcase "
    "flag kite",
    lantern="star fire light bottle lighthouse crystal jewel gem diamond clock bell lightbulb potion candlestick",
    ball="egg pearl stone pebble coin ring crown orange pumpkin planet moon flower rose seed acorn cake bread "
    "shell compass "
    "watch drum treasure key",
    boat="bicycle bike sledge sled wagon cart balloonist submarine spaceship rocket plane feather leaf",
)
"""Things of much the same shape, for one that is alone in frame."""

PLACE_WORDS = _table(
    forest="forest wood woods woodland jungle grove thicket trees rainforest bamboo",
    meadow="meadow field fields grassland prairie farm pasture hill hills valley savanna steppe countryside road path",
    beach="beach shore seashore coast seaside sea ocean island bay lagoon reef harbour harbor port pier "
    "lighthouse ship "
    "boat deck underwater",
    city="city town street streets downtown alley skyscraper skyscrapers market rooftop roof metropolis avenue "
    "pavement "
    "square",
    mountain="mountain mountains peak cliff volcano glacier summit ridge cave snowfield arctic antarctica pole",
    river="river stream creek lake pond brook waterfall swamp canal bridge riverbank wetland marsh",
    village="village castle hamlet palace temple church tower fortress monastery barn",
    kitchen="kitchen bakery cafe restaurant tavern inn pub diner pantry workshop laboratory lab",
    bedroom="bedroom nursery attic studio hotel dormitory prison cell hospital",
    station="station platform railway subway metro airport library museum theatre theater school classroom office hall "
    "corridor shop factory spaceship",
    desert="desert dune dunes canyon oasis sahara moon mars planet crater wasteland space",
    garden="garden park orchard yard backyard lawn greenhouse playground porch doorstep courtyard",
)
HOME_WORDS = _set("home house room apartment flat indoors inside cabin hut cottage den")
"""Places that may be a kitchen or a bedroom, where words speak of one; else the living room."""
HOME_HINTS = _table(
    kitchen="kitchen cook cooking stove oven pot pots kettle table dinner breakfast lunch soup tea bread cups "
    "dishes living",
    bedroom="bedroom bed sleep pillow blanket quilt bedside cradle toys wardrobe",
)

TIME_WORDS = _table(
    night="night midnight nighttime nightfall",
    evening="evening dusk sunset twilight",
    day="day daytime noon midday afternoon daylight",
    morning="morning dawn sunrise daybreak",
)
TIME_HINTS = _table(
    night="moonlight moonlit moon darkness stars starlit starry starlight",
    evening="candlelight",
    day="sunny sunshine",
)
"""Words that count where nothing says the time outright."""

WEATHER_WORDS = _table(
    rain="rain rains raining rained rainy rainfall raindrops drizzle drizzles drizzling drizzly downpour shower "
    "showers "
    "storm storms stormy thunderstorm thunder lightning",
    snow="snow snows snowing snowy snowfall snowflakes snowstorm snowfield blizzard winter wintry frost frosty",
    fog="fog foggy mist misty haze hazy smog sandstorm",
)
NO_WEATHER_BEFORE = _set(
    "peak peaks cap caps capped summit summits globe leopard owl queen white boots coat jacket clothes hat scarf"
)
"""`snow globe`, `winter coat`, `snow-capped`: words after which a weather word says nothing of the weather."""
NO_WEATHER_AFTER = _set("no without after until")
NO_WEATHER_WITH = _set("peak peaks summit summits")
"""Snow that lies on these does not fall."""

CAMERA_PANS = _set("pan pans panning track tracks tracking follows following slides sliding")
CAMERA_PUSHES = _set("push pushes pushing dolly dollies zoom zooms zooming")
CAMERA_CLOSES = _set("move moves moving close closes closing")
OTHER_CAMERA_MOVES = _set(
    "pull pulls pulling tilt tilts tilting crane cranes orbit orbits orbiting circle circles circling rises rising "
    "zoom zooms zooming swoops spins shakes dolly dollies"
)

ACTION_WORDS = _table(
    walks="walk stroll wander march trek travel cross approach hike pad stride step tiptoe climb enter leave return "
    "follow explore trudge prowl search swim roam limp hurry go come head make arrive journey carry bring deliver lead "
    "roll sail float row ride",
    runs="run race dash chase sprint rush flee escape gallop bolt charge scurry trot drive skate surf",
    jumps="jump leap hop bounce dance fly play celebrate pounce skip soar flap spring cheer splash rise swing",
    sits="sit rest wait perch crouch read write paint draw sing meditate fish think listen talk kneel hide purr study "
    "work settle knit sew build dig pray",
    sleeps="sleep nap doze dream snooze lie slumber curl snore",
    looks="look watch stare gaze search observe notice see discover find examine turn glance stand stop pause wonder "
    "spot smile peer meet faces facing",
    waves="wave greet hail salute beckon welcome juggle",
    eats="eat drink cook bake nibble munch chew dine taste sip graze feast lick feed gnaw",
)
MEETING_WORDS = _set("meet greet hug embrace kiss welcome faces facing")
"""What two do; somebody alone in frame does what `ACTION_WORDS` says."""
CARRYING_WORDS = _set("carry hold take bring deliver lift fetch clutch grip")

IRREGULAR_VERBS = {
    "ran": "run", "sat": "sit", "slept": "sleep", "lay": "lie", "lying": "lie", "went": "go", "came": "come",
    "leapt": "leap", "flew": "fly", "ate": "eat", "drank": "drink", "swam": "swim", "stood": "stand", "saw": "see",
    "found": "find", "fled": "flee", "met": "meet", "left": "", "made": "make", "led": "lead", "sang": "sing",
    "wrote": "write", "drove": "drive", "hid": "hide", "knelt": "kneel", "dreamt": "dream", "sprang": "spring",
    "held": "hold", "took": "take", "brought": "bring", "rode": "ride", "drew": "draw", "rose": "rise", "fed": "feed",
    "built": "build", "dug": "dig", "swung": "swing", "facing": "facing", "faces": "faces",
}  # fmt: skip
"""`left` is a direction far more often than a verb; `face` is a noun more often."""
IRREGULAR_PLURALS = {
    "mice": "mouse", "men": "man", "women": "woman", "children": "child", "geese": "goose", "oxen": "ox",
    "calves": "calf", "thieves": "thief",
}  # fmt: skip
NOUN_MARKS = _set(
    "a an the this that his her its their every each some no of in on at by with for from over under small big little "
    "tiny large huge tall high gentle soft white black blue green dark bright great old new"
)
"""After these a word is no verb: `a walk`, `small waves`, `at rest`; forms in -ing excepted."""
PREPOSITIONS = _set(
    "with in of on at by from for to under over near beside behind between above around through along wearing wears "
    "dressed carrying carries holding holds has having who whose that which"
)

COLOUR_WORDS = _table(
    white="white snowy ivory cream creamy pale blond blonde",
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
HAIR_AND_SKIN = _set("blond blonde ginger auburn chestnut hazel pale tan rosy white black brown")
"""Colours that say nothing of a person's clothes when they stand right before the person."""
NEAREST_MAIN = {"red": "orange", "purple": "pink"}
NEAREST_GARMENT = {"black": "blue", "grey": "white", "brown": "red", "orange": "yellow", "pink": "purple"}
NEAREST_PATTERN = {
    "grey": "white", "orange": "yellow", "pink": "red", "green": "yellow", "blue": "black", "purple": "red",
}  # fmt: skip

PATTERN_NOUNS = _table(stripes="stripe", spots="spot dot freckle", patches="patch marking blotch splotch")
PATTERN_WORDS = _table(
    stripes="striped stripy stripey tabby tiger zebra brindled banded",
    spots="spotted spotty dotted speckled dalmatian leopard cheetah jaguar freckled ladybird ladybug",
    patches="patched patchy calico piebald pinto tortoiseshell patchwork giraffe",
)
"""Words that give whom they are said of a pattern; the colour before them is the ground's."""

GARMENT_WORDS = _table(
    scarf="scarf shawl muffler bandana neckerchief kerchief",
    hat="hat cap crown helmet bonnet beret beanie hood tiara",
    bow="bow ribbon tie bowtie collar necklace",
    vest="vest jacket coat waistcoat sweater backpack cardigan pullover jumper raincoat hoodie parka rucksack",
)
CLOTHES = _set(
    "dress robe suit spacesuit apron cloak cape shirt blouse trousers pants skirt uniform overalls dungarees gown "
    "kimono tunic pyjamas pajamas clothes outfit armour armor"
)
"""What covers most of a person: its colour is the person's."""
BODY_PARTS = _set(
    "eye eyed hair haired beard moustache mustache nose beak lip cheek paw tail ear leg foot feet mane horn face belly "
    "chest muzzle snout tip wing hand sock shoe boot glove wheel button antenna screen flag skin lens"
)
"""What has a colour of its own that papercut does not draw."""
