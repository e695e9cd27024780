"""Where, when, in which weather, seen by which camera: read from captions and places."""

from __future__ import annotations

import pytest

from filmagent.generation.papercut.casting import caption_of
from filmagent.generation.papercut.vocabulary import INDOORS
from tests.support.tales import subject, tale

CAT = subject("Kit the cat", appearance="a grey cat with a red hat")


def said(story):
    cast = caption_of(story, story.shots[0])
    return cast.caption, cast.notes


@pytest.mark.parametrize(
    ("caption", "time"),
    [
        ("At dusk Kit waits.", "evening"),
        ("Kit waits at dawn.", "morning"),
        ("Kit waits under the moon.", "night"),
        ("Kit waits under the stars in the morning.", "morning"),
        ("Kit waits.", "day"),
    ],
)
def test_times(caption, time):
    assert said(tale([CAT], caption))[0].time == time


@pytest.mark.parametrize(
    ("caption", "place", "weather"),
    [
        ("Kit sits. Rain falls softly.", "the city", "rain"),
        ("Kit sits. Dark clouds race past.", "the city", "rain"),
        ("Kit sits in a blizzard.", "the city", "snow"),
        ("Kit sits in the mist.", "the city", "fog"),
        ("Kit sits.", "the snowy village", "snow"),
        ("Kit sits in a winter coat after the rain.", "the city", "clear"),
        ("Kit sits. Snow lies on the peaks.", "the mountain", "clear"),
        ("Kit sits. Rain falls softly.", "the kitchen", "clear"),
    ],
)
def test_weathers(caption, place, weather):
    found, notes = said(tale([CAT], caption, place))
    assert (found.weather, notes) == (weather, ())


@pytest.mark.parametrize(
    ("place", "looks", "played_by"),
    [
        ("the woods", "", "forest"),
        ("the volcano", "", "mountain"),
        ("the mountain village", "", "village"),
        ("the kitchen in the castle", "", "kitchen"),
        ("the café", "", "kitchen"),
        ("the old train station", "", "station"),
        ("the dunes", "", "desert"),
        ("the park", "", "garden"),
        ("our home", "A bed and a lamp.", "bedroom"),
        ("the house", "A stove and a long table.", "kitchen"),
    ],
)
def test_places(place, looks, played_by):
    found, notes = said(tale([CAT], "Kit sits.", place, looks=looks))
    assert found.place == played_by
    assert (len(notes) == 1) is (played_by not in place.split())


def test_a_caption_alone_says_the_place():
    story = tale([subject("Ada", "person", "a girl in a space suit")], "Ada, a girl in a space suit, takes the path "
                 "past a house in the forest.")  # fmt: skip
    assert said(story)[0].place == "forest"


def test_a_home_is_always_the_same_room():
    rooms = {said(tale([CAT], caption, "the cosy home"))[0].place for caption in ("Kit eats.", "Kit sits.")}
    assert len(rooms) == 1
    assert rooms < set(INDOORS)


@pytest.mark.parametrize(
    ("caption", "camera", "played"),
    [
        ("Kit sits.", "still", "still"),
        ("Kit sits. The camera stays still.", "still", "still"),
        ("Kit sits. The camera pans to the left.", "still", "left"),
        ("Kit sits as the camera tracks right.", "still", "right"),
        ("Kit sits. The camera pans left.", "pan", "left"),
        ("Kit runs to the left. The camera pans slowly.", "pan", "left"),
        ("Kit runs.", "pan", "right"),
        ("Kit sits.", "push_in", "in"),
        ("Kit sits. Slow push-in.", "still", "in"),
        ("Kit sits. The camera moves slowly closer.", "still", "in"),
        ("Kit sits beside a pan.", "still", "still"),
    ],
)
def test_cameras(caption, camera, played):
    found, notes = said(tale([CAT], caption, "the forest", camera=camera))
    assert (found.camera, notes) == (played, ())


def test_a_camera_that_papercut_has_not_is_noted():
    caption, notes = said(tale([CAT], "Kit sits. The camera zooms out.", "the forest"))
    assert caption.camera == "still"
    assert notes == ("the camera stands still; in the story it zooms",)


def test_a_place_keeps_its_arrangement_and_other_places_of_the_kind_have_their_own():
    forests = ("the dark forest", "the forest", "the old forest", "the forest of pines")
    seen = [{said(tale([CAT], words, place))[0].layout for words in ("Kit sits.", "Kit waits at dusk.")}
            for place in forests]  # fmt: skip
    assert all(len(each) == 1 for each in seen)
    assert len(set.union(*seen)) > 1
    assert {said(tale([CAT], "Kit sits.", place))[0].place for place in forests} == {"forest"}
