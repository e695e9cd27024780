"""The held-out stories: what is said when, what is due, and since when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.evaluation.papercut.stories import held_out_story
from filmagent.generation.papercut.vocabulary import COLOURS, GARMENT_COLOURS, GARMENTS, PATTERN_COLOURS, PATTERNS
from filmagent.training.papercut.world import FORMS

ATTRIBUTES = {*COLOURS, *PATTERNS, *PATTERN_COLOURS, *GARMENTS, *GARMENT_COLOURS}
NUMBERS = st.integers(0, 500)


def test_the_same_number_is_the_same_story_and_forms_take_turns():
    assert held_out_story(3) == held_out_story(3)
    assert held_out_story(3).shots != held_out_story(9).shots
    assert [held_out_story(number).form for number in range(6)] == sorted(FORMS)


def test_a_form_can_be_asked_for():
    one, other = (held_out_story(number, 12, "long absence") for number in (0, 1))
    assert one.form == other.form == "long absence" and one.shots != other.shots
    with pytest.raises(ValueError, match="a tragedy"):
        held_out_story(0, 12, "a tragedy")


@pytest.mark.parametrize("shots", [4, 16])
def test_a_story_has_the_length_that_is_asked_for(shots):
    story = held_out_story(2, shots)
    assert len(story.shots) == len(story.due) == len(story.place_since) == len(story.story.shots) == shots


@given(NUMBERS)
@settings(max_examples=40, deadline=None)
def test_only_the_first_shot_of_a_figure_names_attributes(number):
    story = held_out_story(number)
    seen: set[str] = set()
    for index, shot in enumerate(story.shots):
        said = set(story.prompt(index).split())
        new = [shot.script.figures[due.subject] for due in story.due[index] if due.since is None]
        for figure in new:
            assert {figure.colour, figure.garment, figure.garment_colour} <= said
        if not new:
            assert not said & ATTRIBUTES
        assert not set(story.prompt(index, introduced=False).split()) & ATTRIBUTES
        assert all((due.since is None) == (due.kind not in seen) for due in story.due[index])
        seen |= {due.kind for due in story.due[index]}


@given(NUMBERS)
@settings(max_examples=40, deadline=None)
def test_distances_point_at_the_last_shot_that_showed_it(number):
    story = held_out_story(number)
    settings_seen = [shot.script.setting for shot in story.shots]
    present = [{due.kind for due in here} for here in story.due]
    for index, here in enumerate(story.due):
        for due in here:
            if due.since is not None:
                assert due.kind in present[index - due.since]
                between = present[index - due.since + 1 : index]
                assert all(due.kind not in shown for shown in between)
        since = story.place_since[index]
        if since is None:
            assert settings_seen[index] not in settings_seen[:index]
        else:
            assert settings_seen[index - since] == settings_seen[index]
            assert settings_seen[index] not in settings_seen[index - since + 1 : index]


def test_the_plan_remembers_everybody_in_frame_and_the_place():
    story = held_out_story(4, 8)
    for index, shot in enumerate(story.story.shots):
        plan = story.plan(index)
        assert plan.remember == (*shot.subjects, shot.place)
        assert plan.link.kind == story.shots[index].link
    assert len({story.story.subject(key).name for key in story.story.shots[0].subjects}) == len(story.due[0])
