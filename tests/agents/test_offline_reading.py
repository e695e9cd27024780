"""What the offline writer understands of a logline, in many languages, and brings into the film."""

from __future__ import annotations

import pytest

from filmagent.agents.offline.reading import read_text
from filmagent.agents.validator import check_story
from tests.agents.offline_stories import hero, places, write

LOGLINES = [
    ("a cat's journey home", "cat"),
    ("A CAT'S JOURNEY HOME", "cat"),
    ("an astronaut on the moon", "astronaut"),
    ("Eine Katze sucht den Weg nach Hause", "cat"),
    ("Le voyage d'un renard vers la mer", "fox"),
    ("Un perro perdido en la ciudad", "dog"),
    ("Un lapin dans la forêt", "rabbit"),
    ("Кот идёт домой", "cat"),
    ("猫が家に帰る", "cat"),
    ("一只狐狸在森林里", "fox"),
    ("고양이가 집으로 간다", "cat"),
    ("قطة تبحث عن البيت", "cat"),
    ("एक बिल्ली जंगल में", "cat"),
    ("Um robô na praia", "robot"),
    ("Il viaggio di un lupo", "wolf"),
    ("Kot wraca do domu", "cat"),
    ("Bir kedi eve dönüyor", "cat"),
    ("Een hond op het strand", "dog"),
    ("Seekor kucing di hutan", "cat"),
    ("🐱🏠", "cat"),
    ("🤖 👧 🌲", "robot"),
    ("wolves", "wolf"),
    ("two mice", "mouse"),
    ("a polar bear at the north pole", "polar bear"),
    ("The fox, the hound", "fox"),
]


@pytest.mark.parametrize("logline, noun", LOGLINES)
def test_the_hero_of_a_logline_is_understood_in_many_languages(logline, noun):
    story = write(logline)
    assert noun in hero(story).name
    assert check_story(story) == ()
    assert len(story.shots) == 8
    assert len(set(places(story))) >= 3


@pytest.mark.parametrize(
    "logline, name",
    [
        ("Pixel, a small robot, looks for a friend", "Pixel the robot"),
        ("Tom the cat is lost", "Tom the cat"),
        ("A cat named Bella sails away", "Bella the cat"),
        ("A robot called R2-D2 sings", "R2-D2 the robot"),
        ("Anna finds a key", "Anna"),
        ("Luna and her dog look for the sea", "Luna"),
        ("The adventures of Tom in town", "Tom"),
        ("Zoë's dog runs away", "Zoë"),
        ("The robot Pixel wakes up", "Pixel the robot"),
    ],
)
def test_names_that_the_logline_gives_are_kept(logline, name):
    assert hero(write(logline)).name == name


@pytest.mark.parametrize(
    "logline", ["In Paris a cat sleeps", "A cat walks from Rome to Berlin", "Dogs And Cats Of Rome"]
)
def test_a_place_is_no_name_of_the_hero(logline):
    assert hero(write(logline)).name.split()[0] not in ("Paris", "Rome", "Berlin", "Cats")


def test_everything_that_the_logline_says_is_in_the_film():
    story = write("A small orange cat and an old sailor look for a red lantern in Lisbon at night")
    names = [subject.name for subject in story.subjects]
    assert names[0].endswith(" the cat")
    assert hero(story).appearance.startswith("a small orange cat with a")
    assert names[1].endswith(" the sailor")
    assert "an old sailor" in story.subjects[1].appearance
    assert "the red lantern" in names
    assert "Lisbon" in names
    assert all("at night" in shot.caption for shot in story.shots)
    assert any("thing-red-lantern" in shot.subjects for shot in story.shots)


def test_three_characters_all_appear():
    story = write("a fox, a bear and a rabbit cross the river")
    seen = {key for shot in story.shots for key in shot.subjects}
    kinds = [story.subject(key).name.split(" the ")[1] for key in seen]
    assert sorted(kinds) == ["bear", "fox", "rabbit"]


@pytest.mark.parametrize(
    "logline, deed",
    [
        ("a bear learns to dance", "dances"),
        ("A baker bakes the last bread", "bakes bread"),
        ("the swimming fox", "swims"),
        ("a girl who is digging for gold", "digs a hole"),
    ],
)
def test_what_the_hero_does_in_the_logline_is_seen(logline, deed):
    story = write(logline)
    assert [shot.id for shot in story.shots if shot.action == deed] == ["shot-02", "shot-08"]
    assert check_story(story) == ()


def test_what_is_read_of_a_logline():
    reading = read_text("At dawn, Pixel, a small robot, leaves the city for the mountain in the snow")
    assert [(c.noun, c.name, c.adjectives) for c in reading.characters] == [("robot", "Pixel", ("small",))]
    assert [(p.word, p.role) for p in reading.places] == [("city", "start"), ("mountain", "goal")]
    assert (reading.time, reading.weather) == ("at dawn", "Snow falls softly.")
    assert read_text("chat about ours").is_empty or read_text("the chat of a dog").characters[0].noun == "dog"
