"""Casting: any story becomes papercut sentences, always the same ones, and what was changed is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.papercut.casting import cast_shot, cast_story
from filmagent.generation.papercut.vocabulary import KINDS, parse
from filmagent.schemas.story import Scene, Shot, Story, Subject


def subject(name, kind="animal", appearance=""):
    return Subject(id=name.lower().replace(" ", "-"), name=name, kind=kind, appearance=appearance)


def tale(subjects, caption="They wait.", place=None, title="", **shot):
    places = () if place is None else (Subject(id="the-place", name=place, kind="place"),)
    scene = Scene(number=1, title=title, place="the-place" if places else None)
    keys = tuple(each.id for each in subjects)
    shots = (Shot(id="one", scene=1, caption=caption, subjects=keys, **shot),)
    return Story(title="A tale", subjects=(*subjects, *places), scenes=(scene,), shots=shots)


def said(story, colours="first"):
    prompt = cast_shot(story, story.shots[-1], colours)
    return parse(prompt.text), prompt.notes


def test_the_film_of_the_command_line():
    marlow = subject("Marlow the cat", appearance="an orange cat with a blue scarf")
    story = tale(
        [marlow], "Marlow the cat walks to the left through the forest at night.", "the forest", shot_size="wide"
    )
    prompt = cast_shot(story, story.shots[0])
    assert prompt.text == "wide shot of the forest at night where the orange cat with a blue scarf walks left"
    assert prompt.notes == ()


def test_colours_are_said_once_and_then_left_to_memory():
    marlow = subject("Marlow the cat", appearance="an orange cat with a blue scarf")
    first = tale([marlow], "Marlow sits.", "the forest").shots[0]
    shots = (first, first.model_copy(update={"id": "two"}))
    story = tale([marlow], "Marlow sits.", "the forest").model_copy(update={"shots": shots})
    named = {shot.id: parse(cast_shot(story, shot).text).roles[0].colour for shot in shots}
    assert named == {"one": "orange", "two": None}
    assert parse(cast_shot(story, shots[1], "always").text).roles[0].scarf == "blue"
    assert parse(cast_shot(story, shots[0], "never").text).roles[0].colour is None


@pytest.mark.parametrize(
    ("name", "kind", "appearance", "played_by"),
    [
        ("Tom", "animal", "a small ginger kitten", "cat"),
        ("the wolf", "animal", "grey", "dog"),
        ("Ada", "person", "an astronaut in a white suit", "robot"),
        ("the old king", "person", "", "girl"),
        ("the three puppies", "animal", "", "dog"),
        ("Puss", "person", "a robot", "robot"),
    ],
)
def test_synonyms(name, kind, appearance, played_by):
    part = next(iter(cast_story(tale([subject(name, kind, appearance)])).values()))
    assert part.kind == played_by


def test_a_stand_in_is_said_aloud():
    story = tale([subject("Ada", "person", "an astronaut in a white suit")], place="the volcano")
    _, notes = said(story)
    assert "Ada is played by the robot" in notes
    assert "volcano is played by the mountain" in notes


@pytest.mark.parametrize(
    ("appearance", "colour", "scarf"),
    [
        ("a ginger cat with a red scarf", "orange", "red"),
        ("a silver cat", "grey", None),
        ("a green cat wearing a bright purple scarf", "blue", "purple"),
        ("a cat with a crimson woollen scarf and black fur", "black", "red"),
    ],
)
def test_colours_come_from_the_appearance(appearance, colour, scarf):
    part = cast_story(tale([subject("Kit", "animal", appearance)]))["kit"]
    assert part.colour == colour
    assert scarf is None or part.scarf == scarf


def test_an_invented_colour_is_stable_and_noted():
    first, second = (cast_story(tale([subject("Kit", "animal", "a cat")]))["kit"] for _ in range(2))
    assert first == second
    assert f"Kit has no colour in the story and is {first.colour} here" in first.notes


@pytest.mark.parametrize(
    ("caption", "action"),
    [
        ("Kit is running along the shore.", "runs"),
        ("Kit leapt over the fence.", "jumps"),
        ("Kit slept by the fire.", "sleeps"),
        ("Kit strolls home.", "walks"),
        ("Kit sat down.", "sits"),
        ("Kit watches the stars.", "looks"),
        ("Kit.", "looks"),
    ],
)
def test_verbs(caption, action):
    assert said(tale([subject("Kit", "animal", "a cat")], caption))[0].roles[0].action == action


def test_each_of_two_subjects_does_what_its_own_sentence_says():
    pair = [subject("Kit", "animal", "a cat"), subject("Rex", "animal", "a dog")]
    roles = said(tale(pair, "Kit sleeps while Rex runs to the right."))[0].roles
    assert [(role.kind, role.action) for role in roles] == [("cat", "sleeps"), ("dog", "runs")]


@pytest.mark.parametrize(
    ("caption", "time"),
    [("At dusk Kit waits.", "evening"), ("Kit waits under the moon.", "night"), ("Kit waits.", "day")],
)
def test_times(caption, time):
    assert said(tale([subject("Kit", "animal", "a cat")], caption))[0].time == time


def test_a_third_subject_is_left_out_and_named():
    three = [subject(name, "animal", f"a {name}") for name in ("cat", "dog", "fox")]
    caption, notes = said(tale(three))
    assert len(caption.roles) == 2
    assert any("fox left out" in note for note in notes)


def test_a_thing_is_no_second_character():
    fox, letter = subject("the fox", "animal", "a grey fox"), subject("the letter", "object", "a red letter")
    caption, notes = said(tale([fox, letter], "The fox carries the letter."))
    assert [role.kind for role in caption.roles] == ["fox"]
    assert any("the letter is not in papercut's world" in note for note in notes)


def test_a_thing_that_is_alone_in_frame_is_played_by_somebody():
    caption, notes = said(tale([subject("the letter", "object")], "The letter waits."))
    assert len(caption.roles) == 1
    assert any("the letter is played by" in note for note in notes)


names = st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(st.tuples(names, st.sampled_from(["person", "animal", "object"]), names), max_size=8),
    caption=names,
    place=st.none() | names,
)
def test_every_story_can_be_said(people, caption, place):
    subjects = [
        Subject(id=f"s{number}", name=name, kind=kind, appearance=appearance)
        for number, (name, kind, appearance) in enumerate(people)
    ]
    story = tale(subjects, caption, place)
    parts = cast_story(story)
    assert len({part.kind for part in parts.values()}) == min(len(parts), len(KINDS)), "kinds are shared only in need"
    assert all(part.colour != part.scarf for part in parts.values())
    parse(cast_shot(story, story.shots[0]).text)
    assert cast_shot(story, story.shots[0]) == cast_shot(story, story.shots[0])
