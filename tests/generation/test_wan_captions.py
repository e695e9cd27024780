"""Captions that stand alone."""

from __future__ import annotations

from filmagent.generation.wan.captions import caption_for_wan
from filmagent.schemas.story import Scene, Shot, Story, Subject

CAT = Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat with a blue scarf")
BRIDGE = Subject(id="bridge", name="the old bridge", kind="place", appearance="a mossy stone bridge")


def said(style="", **shot):
    filmed = Shot(**{"id": "s1", "scene": 1, "caption": "Marlow the cat crosses the old bridge",
                     "subjects": ("marlow",), "place": "bridge"} | shot)
    story = Story(title="t", style=style, subjects=(CAT, BRIDGE), scenes=(Scene(number=1),), shots=(filmed,))
    return caption_for_wan(story, filmed).text


def test_looks_size_camera_and_style_are_spelled_out():
    assert said(shot_size="close", camera="pan", style="watercolour") == (
        "Marlow the cat crosses the old bridge. Marlow the cat: an orange cat with a blue scarf. "
        "the old bridge: a mossy stone bridge. Close-up. The camera pans slowly. watercolour."
    )


def test_what_is_said_is_not_said_twice():
    caption = "Wide shot of Marlow, An orange cat with a blue scarf, on a mossy stone bridge. The camera stands still!"
    assert said(caption=caption, shot_size="wide", camera="push_in") == caption
