"""What a person asks of the offline writer besides the logline: photographs of her cast, and notes."""

from __future__ import annotations

import pytest

from filmagent.agents.validator import check_story
from tests.agents.offline_stories import hero, places, write


@pytest.mark.parametrize(
    "cast, name, key",
    [
        ("Bruno", "Bruno the cat", "bruno"),
        ("Bruno the cat", "Bruno the cat", "bruno-the-cat"),
        ("cat", "the cat", "cat"),
        ("Old Tom", "Old Tom", "old-tom"),
        ("Ms. Ünal", "Ms. Ünal", "ms-unal"),
    ],
)
def test_names_of_photographs_become_subjects(cast, name, key):
    story = write("a cat's journey home", cast=(cast,))
    assert (hero(story).name, hero(story).id) == (name, key)
    assert check_story(story) == ()


def test_several_photographs_and_a_place():
    story = write("a cat's journey home", cast=("Marlow the cat", "Ada", "the old forest"))
    names = [subject.name for subject in story.subjects]
    assert names[:2] == ["Marlow the cat", "Ada"]
    assert "the old forest" in names


def test_whoever_a_photograph_was_given_for_is_in_the_inventory_of_the_shortest_film():
    cast = ("Tom", "cat", "the old mill by the river", "Ada", "Rex the dog", "Bo")
    story = write("a cat and a kitten", shots=1, cast=cast)
    known = {text.casefold() for subject in story.subjects for text in (subject.id, subject.name)}
    assert {name.casefold() for name in cast} <= known
    assert check_story(story) == ()


def test_notes_are_taken_up_and_said():
    first = write("a cat's journey home")
    again = write(
        "a cat's journey home", previous=first, notes="the helper should be a robot; more beach, at night please"
    )
    assert again != first
    assert any(subject.name.endswith("the robot") for subject in again.subjects)
    assert "the beach" in [subject.name for subject in again.subjects]
    assert all("at night" in shot.caption for shot in again.shots)
    assert "took up from the notes: robot beside the hero, beach, at night" in again.overview
    assert hero(again).name.endswith("the cat")


def test_notes_may_change_the_hero():
    again = write("a cat's journey home", notes="make the hero a fox")
    assert hero(again).name.endswith("the fox")
    assert "fox as the hero" in again.overview


def test_notes_that_are_not_understood_are_admitted():
    first = write("a cat's journey home")
    again = write("a cat's journey home", previous=first, notes="funnier")
    assert "understood nothing of the notes" in again.overview
    assert again.shots != first.shots


def test_notes_change_what_they_name_and_keep_the_rest():
    first = write("a cat's journey home")
    second = write("a cat's journey home", previous=first, notes="the helper should be a robot")
    third = write("a cat's journey home", previous=second, notes="at night")
    assert hero(first) == hero(second) == hero(third)
    assert third.subjects[1] == second.subjects[1]
    assert third.subjects[1].name.endswith("the robot")
    assert places(first) == places(second) == places(third)
    assert all("at night" in shot.caption for shot in third.shots)
