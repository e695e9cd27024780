"""Casting: any story becomes papercut captions, always the same ones, and what was changed is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.agents.writer import write_story
from filmagent.generation.papercut.casting import caption_of, cast_shot, cast_story
from filmagent.generation.papercut.vocabulary import MAX_ROLES, PEOPLE, compose
from filmagent.schemas.story import Subject
from tests.support.tales import subject, tale

CAT = subject("Kit the cat", appearance="a grey cat with a red hat")
DOG = subject("Rex the dog", appearance="a brown dog with a blue bow")
FOX = subject("Ember the fox", appearance="an orange fox with a green scarf")
LETTER, LANTERN = subject("the letter", "object", "a letter"), subject("the lantern", "object")
KEY = subject("the golden key", "object")


def said(story, attributes="first"):
    cast = caption_of(story, story.shots[-1], attributes)
    assert cast_shot(story, story.shots[-1], attributes).text == compose(cast.caption)
    return cast.caption, cast.notes


def part_of(name, kind="animal", appearance=""):
    return next(iter(cast_story(tale([subject(name, kind, appearance)])).values()))


def test_the_film_of_the_command_line():
    marlow = subject("Marlow the cat", appearance="an orange cat with a blue scarf")
    story = tale(
        [marlow], "Marlow the cat walks to the left through the forest at night.", "the forest", shot_size="wide"
    )
    prompt = cast_shot(story, story.shots[0])
    assert prompt.text == "wide shot of the forest two at night where the orange cat with a blue scarf walks left"
    assert prompt.notes == ()


def test_looks_are_said_once_and_then_left_to_memory():
    tiger = subject("Shan the tiger", appearance="a big orange tiger with black stripes and a blue scarf")
    first = tale([tiger], "Shan sits.", "the forest").shots[0]
    again = first.model_copy(update={"id": "two"})
    spelled = first.model_copy(update={"id": "three", "caption": f"Shan, {tiger.appearance}, sits."})
    story = tale([tiger], place="the forest").model_copy(update={"shots": (first, again, spelled)})
    bare = "medium shot of the forest two at day where the cat sits"
    full = "medium shot of the forest two at day where the big orange cat with black stripes and a blue scarf sits"
    assert [cast_shot(story, shot).text for shot in story.shots] == [full, bare, full]
    assert [cast_shot(story, shot, "always").text for shot in story.shots] == [full] * 3
    assert [cast_shot(story, shot, "never").text for shot in story.shots] == [bare] * 3


@pytest.mark.parametrize(
    ("name", "kind", "appearance", "played_by"),
    [
        ("Tom", "animal", "a small ginger kitten", "cat"),
        ("the wolf", "animal", "grey", "dog"),
        ("Pip", "animal", "a grey mouse", "mouse"),
        ("the hamster", "animal", "", "mouse"),
        ("the old toad", "animal", "", "frog"),
        ("Star", "animal", "a white unicorn", "horse"),
        ("the deer", "animal", "", "horse"),
        ("a giant bear", "animal", "", "bear"),
        ("the three puppies", "animal", "", "dog"),
        ("Ada", "person", "an astronaut in a white suit", "robot"),
        ("Puss", "person", "a robot", "robot"),
        ("the old king", "person", "", "man"),
        ("the prince", "person", "", "boy"),
        ("the sailor", "person", "", "man"),
        ("Queen Mara", "person", "a tall ruler", "woman"),
        ("the witch", "person", "", "woman"),
        ("Robin", "person", "a girl in a blue dress", "girl"),
        ("Jack Sparrow", "person", "a pirate", "man"),
        ("the knight", "person", "a knight on a horse", "man"),
        ("the child", "person", "a small child; she has a kite", "girl"),
        ("Sam", "person", "a child with his cap", "boy"),
        ("the doctor", "person", "a doctor with a grey beard", "man"),
        ("the red car", "object", "a talking car", "robot"),
        ("Bruno", "object", "a brown teddy bear", "bear"),
    ],
)
def test_who_plays_whom(name, kind, appearance, played_by):
    part = part_of(name, kind, appearance)
    assert part.kind == played_by
    words = f"{name} {appearance}".lower().replace(";", " ").split()
    assert any("is played by" in note for note in part.notes) is (played_by not in words)


def test_whoever_is_left_open_gets_a_fitting_kind_that_is_free():
    strangers = [subject(name, "person", "a doctor") for name in ("Kim", "Lee")]
    assert {part.kind for part in cast_story(tale(strangers)).values()} == {"woman", "man"}
    unknown = [subject(f"the {name}") for name in ("flibber", "gromp", "wuzz", "zazz")]
    kinds = [part.kind for part in cast_story(tale(unknown)).values()]
    assert len(set(kinds)) == len(kinds)
    assert not {*kinds} & {*PEOPLE, "robot"}


@pytest.mark.parametrize(
    ("appearance", "said_of_it"),
    [
        ("a ginger cat with a red scarf", "orange cat / red scarf"),
        ("a silver cat in a green hat", "grey cat / green hat"),
        ("a crimson cat wearing a bright purple scarf", "orange cat / purple scarf"),
        ("a cat with a crimson woollen scarf and black fur", "black cat / red scarf"),
        ("a small, fluffy, orange cat with a blue bow", "small orange cat / blue bow"),
        ("a huge golden brown cat with a white ribbon", "big brown cat / white bow"),
        ("a black and white cat with a red vest", "black cat / white patches / red vest"),
        ("an orange tabby cat with white paws and a red collar", "orange cat / black stripes / red bow"),
        ("a black-striped orange cat with a red scarf", "orange cat / black stripes / red scarf"),
        ("a black and white striped cat with a yellow hat", "black cat / white stripes / yellow hat"),
        ("a white cat with black and brown spots and a blue cap", "white cat / brown spots / blue hat"),
        ("a white cat, spotted with black, its scarf is red", "white cat / black spots / red scarf"),
        ("a grey cat in a striped yellow scarf", "grey cat / yellow scarf"),
        ("a grey cat with a blue scarf with white dots", "grey cat / blue scarf"),
        ("a cat with a glossy black coat, big eyes and a red bow", "black cat / red bow"),
        ("a white cat with a golden crown", "white cat / yellow hat"),
        ("a black cat wearing a green coat", "black cat / green vest"),
        ("a girl with blond hair in a blue dress and a straw hat", "blue girl / yellow hat"),
        ("a person in a white coat with a yellow scarf", "white woman / yellow scarf"),
        ("a boy in a red and white striped shirt and a green cap", "orange boy / white stripes / green hat"),
        ("a young woman dressed in black with a red bow", "black woman / red bow"),
        ("a robot in a white suit with a purple scarf", "white robot / purple scarf"),
    ],
)
def test_looks_come_from_the_appearance(appearance, said_of_it):
    person = any(f" {kind} " in appearance for kind in (*PEOPLE, "person"))
    part = part_of("Kim", "person" if person else "animal", appearance)
    pattern = f"{part.pattern_colour} {part.pattern}" if part.pattern else ""
    whole = " ".join(filter(None, (part.build, part.colour, part.kind)))
    assert " / ".join(filter(None, (whole, pattern, f"{part.garment_colour} {part.garment}"))) == said_of_it


def test_a_name_says_how_somebody_looks_unless_it_is_a_proper_name():
    assert part_of("the tiny yellow bird").colour == "yellow"
    assert part_of("the tiny yellow bird").build == "small"
    assert "Rose has no colour in the story" in " ".join(part_of("Rose", appearance="a cat").notes)


def test_what_is_invented_is_stable_and_noted():
    first, second = (part_of("Kit", appearance="a spotted cat") for _ in range(2))
    assert first == second
    assert first.notes == (
        f"Kit has no colour in the story and is {first.colour} here",
        f"Kit has {first.pattern_colour} spots whose colour the story does not say",
        f"Kit wears a {first.garment_colour} {first.garment} of which the story knows nothing",
    )
    assert first.garment_colour != first.colour != first.pattern_colour


def test_what_cannot_be_shown_as_asked_is_noted():
    king = part_of("Olaf", "person", "a king in a crimson robe with a golden crown and a green scarf")
    assert king.notes == (
        "Olaf is played by the man",
        "Olaf is orange instead of red",
        "Olaf wears a yellow hat instead of a yellow crown",
        "Olaf has no room for the scarf",
    )


def test_two_who_look_the_same_are_told_apart_by_their_garments():
    pair = [subject(name, appearance="a white cat with a red scarf") for name in ("Snow", "Ice")]
    story = tale(pair, "Snow sits and Ice sleeps.")
    one, other = cast_story(story).values()
    assert (one.kind, one.colour, one.garment, one.garment_colour) == ("cat", "white", "scarf", "red")
    assert (other.kind, other.colour, other.garment) == ("cat", "white", "scarf")
    assert other.garment_colour not in ("red", "white")
    assert other.notes == (f"Ice wears a {other.garment_colour} scarf to be told from Snow",)


def test_two_of_a_kind_are_always_said_to_look_as_they_do():
    black = subject("Coal", appearance="a black cat with a red bow")
    story = tale([CAT, black], "Kit the cat sits and Coal sleeps.")
    later = story.model_copy(update={"shots": (*story.shots, story.shots[0].model_copy(update={"id": "two"}))})
    assert [role.colour for role in said(later)[0].roles] == ["grey", "black"]


@pytest.mark.parametrize(
    ("caption", "action"),
    [
        ("Kit is running along the shore.", "runs"),
        ("Kit leapt over the fence.", "jumps"),
        ("Kit slept by the fire.", "sleeps"),
        ("Kit strolls home.", "walks"),
        ("Kit sat down.", "sits"),
        ("Kit watches the stars.", "looks"),
        ("Kit waves happily.", "waves"),
        ("Kit greets the morning.", "waves"),
        ("Kit drank some milk.", "eats"),
        ("Kit cooks soup.", "eats"),
        ("Kit carries a heavy stone.", "walks"),
        ("Kit meets nobody.", "looks"),
        ("Kit takes a walk and sits down.", "sits"),
        ("Small waves roll onto the sand. Kit sleeps.", "sleeps"),
        ("Kit the cat, a grey cat with a red hat, jumps.", "jumps"),
        ("Kit.", "looks"),
    ],
)
def test_verbs(caption, action):
    assert said(tale([CAT], caption))[0].roles[0].action == action


def test_everybody_does_what_their_own_sentence_says():
    roles = said(tale([CAT, DOG, FOX], "Kit sleeps while Rex runs to the right and Ember eats an apple."))[0].roles
    assert [(role.kind, role.action) for role in roles] == [("cat", "sleeps"), ("dog", "runs"), ("fox", "eats")]


def test_two_can_meet():
    roles = said(tale([CAT, DOG], "Kit the cat meets Rex the dog."))[0].roles
    assert [role.action for role in roles] == ["meets", "meets"]


def test_they_stand_as_the_caption_names_them():
    assert [role.kind for role in said(tale([CAT, DOG, FOX], "Rex, Ember and Kit wait."))[0].roles] == [
        "dog", "fox", "cat",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("caption", "moves"),
    [
        ("Kit runs to the left and Rex runs to the right.", [("cat", "left"), ("dog", "right")]),
        ("Kit runs to the left and Rex runs close behind.", [("cat", "left"), ("dog", "left")]),
        ("Kit runs and Rex runs. The camera pans left.", [("cat", "left"), ("dog", "left")]),
        ("Kit sits and Rex walks up from the left.", [("dog", "right"), ("cat", None)]),
        ("Kit sits and Rex walks closer.", [("cat", None), ("dog", "left")]),
        ("Kit walks and Rex sits.", [("cat", "right"), ("dog", None)]),
    ],
)
def test_directions(caption, moves):
    assert [(role.kind, role.direction) for role in said(tale([CAT, DOG], caption))[0].roles] == moves


def test_a_fourth_subject_is_left_out_and_named():
    mouse = subject("Pip the mouse", appearance="a white mouse with a red bow")
    caption, notes = said(tale([CAT, DOG, FOX, mouse]))
    assert [role.kind for role in caption.roles] == ["cat", "dog", "fox"]
    assert f"only {MAX_ROLES} subjects fit a shot: Pip the mouse left out" in notes


@pytest.mark.parametrize(
    ("caption", "things", "carried", "on_the_ground"),
    [
        ("Kit the cat carries the letter.", [LETTER], ["letter", None], None),
        ("Kit the cat climbs the hill and holds it. Rex sits.", [LETTER], ["letter", None], None),
        ("Kit the cat sits. Rex the dog brings the letter.", [LETTER], [None, "letter"], None),
        ("Kit the cat and Rex the dog carry the letter.", [LETTER], ["letter", None], None),
        ("Kit the cat carries a candle. Rex sleeps.", [], ["lantern", None], None),
        ("Kit the cat walks closer to the letter. Rex sits.", [LETTER], [None, None], "letter"),
        ("Kit the cat takes a step to the letter. Rex sits.", [LETTER], [None, None], "letter"),
        ("Kit the cat carries the letter. Rex sits by the lantern.", [LETTER, LANTERN], ["letter", None], "lantern"),
        ("Kit the cat finds the golden key. Rex sits.", [KEY], [None, None], None),
    ],
)
def test_things_are_carried_or_lie_on_the_ground(caption, things, carried, on_the_ground):
    found, notes = said(tale([CAT, DOG, *things], caption, "the forest"))
    assert [role.prop for role in found.roles] == carried
    assert found.prop == on_the_ground
    left_out = tuple(f"{each.name} is not in papercut's world and is left out of the picture" for each in [KEY])
    assert notes == (left_out if KEY in things else ())


@pytest.mark.parametrize(
    ("name", "prop"),
    [("the letter", "letter"), ("the treasure map", "letter"), ("the paper lantern", "lantern"), ("the globe", "ball"),
     ("the toy boat", "boat"), ("the old photograph", "letter"), ("the golden egg", "ball")],
)  # fmt: skip
def test_a_thing_alone_in_frame_is_played_by_the_nearest_prop_and_by_nobody(name, prop):
    caption, notes = said(tale([subject(name, "object")], "It lies there.", "the forest"))
    assert (caption.roles, caption.prop) == ((), prop)
    assert notes == (() if prop in name else (f"{name} is played by the {prop}",))


def test_a_thing_that_moves_by_itself_lies_still_and_is_noted():
    boat = subject("Milo the boat", "object", "a black boat")
    assert said(tale([boat], "Milo the boat sails to the right.", "the beach"))[1] == ("Milo the boat lies still here",)
    assert said(tale([CAT, LETTER], "Kit leaves the letter and runs.", "the beach"))[1] == ()


def test_of_several_things_one_lies_there():
    caption, notes = said(tale([LETTER, LANTERN], "Nobody is here.", "the forest"))
    assert caption.prop == "letter"
    assert notes == ("only one thing lies in a picture: the lantern left out",)


@pytest.mark.parametrize("logline", ["a cat's journey home", "a spotted horse finds a lantern in the fog",
                                     "an old king and a mouse in a snowy castle"])  # fmt: skip
def test_the_offline_writers_stories_cast_as_written(logline):
    story = write_story(logline, llm=None)
    for shot in story.shots:
        caption = caption_of(story, shot).caption
        players = [key for key in shot.subjects if story.subject(key).kind != "object"]
        assert len(caption.roles) == len(players)
        assert caption.size == shot.shot_size
        assert (caption.camera == "still") is (shot.camera == "still")
        assert (caption.time == "night") is ("at night" in shot.caption)


names = st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20).filter(str.strip)
LOOK_WORDS = (
    "a an the big small young red blue golden black and white striped with in spots patches scarf hat coat dress cat "
    "girl doctor tiger eyes , is"
)
looks = st.lists(st.sampled_from(LOOK_WORDS.split()), max_size=12).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(
    people=st.lists(st.tuples(names, st.sampled_from(["person", "animal", "object"]), looks | names), max_size=4),
    caption=names | st.sampled_from(["Kit carries a boat home in the rain", "The camera pans left. They meet"]),
    place=st.none() | names,
    attributes=st.sampled_from(["first", "always", "never"]),
)
def test_every_story_can_be_said(people, caption, place, attributes):
    subjects = [
        Subject(id=f"s{number}", name=name, kind=kind, appearance=appearance)
        for number, (name, kind, appearance) in enumerate(people)
    ]
    story = tale(subjects, caption, place)
    for part in cast_story(story).values():
        assert part.colour not in (part.garment_colour, part.pattern_colour)
        assert (part.pattern is None) is (part.pattern_colour is None)
    prompt = cast_shot(story, story.shots[0], attributes)
    assert prompt == cast_shot(story, story.shots[0], attributes)
