"""The shots of the offline writer: where they lead, and what their captions say."""

from __future__ import annotations

from itertools import pairwise

import pytest

from filmagent.agents.offline.places import PLACES
from filmagent.agents.offline.things import THINGS
from tests.agents.offline_stories import places, write


def test_swimmers_stay_in_the_water():
    story = write("a whale's song")
    assert set(places(story)) <= {"the sea", "the reef", "the bay", "the lagoon"}
    assert any("swims" in shot.action for shot in story.shots)


def test_space_stories_stay_in_space():
    assert places(write("an astronaut on the moon"))[0] == "the moon"
    assert places(write("an astronaut on the moon"))[-1] == "the space base"


def test_the_goal_of_the_way_is_its_end():
    assert places(write("a dog walks from the city to the beach"))[0] == "the city"
    assert places(write("a dog walks from the city to the beach"))[-1] == "the beach"


@pytest.mark.parametrize("shots", [2, 6, 8, 30])
def test_a_way_out_and_back_home(shots):
    way = places(write("a dog leaves home and comes back home", shots=shots))
    assert way[-1] == "the cosy home"
    assert all(a != b for a, b in pairwise(way))
    assert len(set(way)) >= (3 if shots >= 6 else 2)
    assert (way[0] == "the cosy home") == (shots >= 8)


def test_subjects_are_described_when_first_seen_and_only_then():
    story = write("a girl and a robot on the beach", shots=12)
    described: set[str] = set()
    for shot in story.shots:
        for key in shot.subjects:
            appearance = story.subject(key).appearance
            assert (appearance in shot.caption) == (key not in described), shot.caption
            described.add(key)


def test_captions_say_size_place_time_and_camera():
    story = write("a cat's journey home")
    for shot in story.shots:
        assert {"wide": "Wide shot", "medium": "Medium shot", "close": "Close-up"}[shot.shot_size] in shot.caption
        assert story.place_of(shot).name.casefold() in shot.caption.casefold()
        assert any(time in shot.caption.casefold() for time in ("by day", "in the evening", "at night"))
        assert ("camera pans" in shot.caption) == (shot.camera == "pan")
        assert shot.action in shot.caption


def test_hero_and_helper_can_be_told_apart():
    for seed in range(20):
        story = write("a story", seed=seed)
        people = [s for s in story.subjects if s.kind != "place"]
        words = [
            set(s.appearance.split())
            & {"white", "black", "grey", "brown", "orange", "yellow", "blue", "pink", "red", "green", "purple"}
            for s in people
        ]
        assert len(people) == 2
        assert not words[0] & words[1]


def test_style_is_kept_out_of_captions():
    story = write("a cat", style="watercolour")
    assert story.style == "watercolour"
    assert all("watercolour" not in shot.caption for shot in story.shots)


@pytest.mark.parametrize("thing", sorted(THINGS))
def test_no_thing_is_named_by_the_words_of_a_place(thing):
    words = " ".join(word for place in PLACES.values() for word in (*place.details, place.path, place.at))
    assert f"the {thing} " not in f"{words} The camera stays still. ".casefold().replace(".", " ")
