"""Whose state a caption tells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.memory.states import AROUND, PASSING, likeness, states_in
from tests.generation.memory.banks import MARLOW, shot, story_of


def states(caption: str, *subjects: str, **appearance: str):
    told = story_of(shot(1, *subjects, caption=caption))
    if appearance:
        cat = MARLOW.model_copy(update=appearance)
        told = told.model_copy(update={"subjects": (cat, *told.subjects[1:])})
    return states_in(told, told.shots[0])


@pytest.mark.parametrize(("caption", "marlow", "rex"), [
    ("Marlow the cat in a wet coat meets Rex the dog in a hat.", {"wet", "coat"}, {"hat"}),
    ("In a torn cloak, Rex the dog waits for Marlow the cat.", set(), {"torn", "cloak"}),
    ("Marlow waits. Rex is muddy; Marlow is masked.", {"masked"}, {"muddy"}),
    ("A wet coat lies there. Marlow the cat and Rex the dog look at it.", set(), set()),
])
def test_a_state_belongs_to_whoever_is_named_last_before_it(caption, marlow, rex):
    found = states(caption, "marlow", "rex")
    assert (found["marlow"], found["rex"]) == (marlow, rex)


def test_alone_in_frame_all_states_are_ones_own_named_or_not():
    assert states("The hero stands in the rain. His coat is soaked.", "marlow")["marlow"] == {"coat", "soaked"}


def test_what_belongs_to_the_appearance_is_no_state():
    found = states("Marlow the cat in his red coat gets wet.", "marlow", appearance="an orange cat in a red coat")
    assert found["marlow"] == {"wet"}


def test_light_and_weather_belong_to_the_place():
    found = states("Marlow the cat walks in the rain at night.", "marlow")
    assert (found["forest"], found["marlow"]) == ({"rain", "night"}, frozenset())
    assert states("By day.", "marlow")["forest"] == frozenset()


STATES = st.frozensets(st.sampled_from(sorted(PASSING | AROUND)), max_size=4)


@settings(max_examples=40, deadline=None)
@given(STATES, STATES)
def test_likeness_is_one_for_equal_states_and_falls_to_nothing(first, second):
    assert likeness(first, second) == likeness(second, first)
    assert (likeness(first, second) == 1) == (first == second)
    assert (likeness(first, second) == 0) == (bool(first | second) and not first & second)
