"""Weights that know less than the whole papercut world are told shots in the nearest words that they know."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut import vocabulary
from filmagent.generation.papercut.generator import weights_folder
from filmagent.generation.papercut.lexicon import CARD, Lexicon, fit, read_card, read_lexicon, whole_world
from filmagent.generation.papercut.vocabulary import Caption, Role, compose

GLUE = "shot of the empty at where and with a around someone camera pans pushes in left"
SMALL = Lexicon(
    frozenset(f"{GLUE} wide cat girl robot forest home beach day night walks looks sits scarf orange blue".split()),
    most_roles=2,
    weather_and_camera=False,
)
WALK = Caption("wide", "forest", "night", roles=(Role("cat", "walks", "left", colour="orange"),))


def test_whole_weights_are_told_everything():
    caption = replace(WALK, weather="snow", camera="in", prop="boat")
    assert fit(caption, whole_world()).caption == replace(caption, placed=True)
    assert fit(caption, whole_world()).notes == ()


@pytest.mark.parametrize(
    ("caption", "said", "note"),
    [
        (replace(WALK, place="bedroom"), "the home at night", "no bedroom: home instead"),
        (replace(WALK, time="morning"), "at day", "no morning"),
        (replace(WALK, weather="rain"), "the forest at night where", "neither weather nor"),
        (replace(WALK, camera="in"), "walks left", "moving camera"),
        (replace(WALK, prop="boat"), "walks left", "no boat"),
        (replace(WALK, roles=(Role("man", "waves"),)), "the girl looks around", "no man: played by the girl"),
        (replace(WALK, roles=(Role("man", "sits"), Role("girl", "sits"))), "the girl sits and the girl", None),
        (replace(WALK, roles=(Role("girl", "sits"), Role("man", "sits"))), "the girl sits and the robot", "robot"),
        (replace(WALK, roles=(Role("cat", "carries", "left", prop="ball"),)), "the cat walks left", "no carries"),
        (replace(WALK, roles=(Role("cat", "sits", pattern="stripes", build="big"),)), "the cat sits", "plain"),
        (replace(WALK, roles=(Role("cat", "sits", garment="hat", garment_colour="blue"),)), "blue scarf", "no hat"),
        (replace(WALK, roles=(Role("cat", "sits"),) * 3), "and the cat sits", "2 subjects at once"),
    ],
)
def test_what_weights_do_not_know_is_said_in_the_nearest_words(caption, said, note):
    fitted = fit(caption, SMALL)
    assert said in compose(fitted.caption)
    assert any(note in each for each in fitted.notes) if note else fitted.notes


def test_a_place_with_no_likeness_is_refused():
    with pytest.raises(ModelFilesError, match="no place like mountain"):
        fit(replace(WALK, place="mountain"), SMALL)


roles = st.builds(
    Role,
    kind=st.sampled_from(vocabulary.KINDS),
    action=st.sampled_from([action for action in vocabulary.ACTIONS if action != "carries"]),
    build=st.sampled_from((None, *vocabulary.BUILDS)),
    colour=st.sampled_from((None, *vocabulary.COLOURS)),
    garment=st.sampled_from((None, *vocabulary.GARMENTS)),
)
captions = st.builds(
    Caption,
    size=st.sampled_from(vocabulary.SIZES),
    place=st.sampled_from(vocabulary.PLACES),
    time=st.sampled_from(vocabulary.TIMES),
    weather=st.sampled_from(vocabulary.WEATHERS),
    camera=st.sampled_from(vocabulary.CAMERAS),
    roles=st.lists(roles, max_size=3).map(tuple),
    prop=st.sampled_from((None, *vocabulary.PROPS)),
)


@given(captions)
def test_the_weights_of_the_package_know_every_word_they_are_told(caption):
    lexicon = read_lexicon(weights_folder())
    fitted = fit(caption, lexicon)
    unknown = {word for word in compose(fitted.caption).split() if not lexicon.knows(word)}
    assert not unknown
    assert len(fitted.caption.roles) <= lexicon.most_roles
    assert fit(fitted.caption, lexicon).caption == fitted.caption


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(ModelFilesError, match="train papercut export"):
        read_card(tmp_path)


@pytest.mark.parametrize("broken", ["{", '{"width": 0}', json.dumps({"width": 160, "colour": "blue"})])
def test_a_broken_card_is_refused_and_says_where(tmp_path, broken):
    (tmp_path / CARD).write_text(broken, encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"papercut\.json: "):
        read_card(tmp_path)


def test_weights_without_a_vocabulary_are_refused(tmp_path):
    (tmp_path / CARD).write_bytes((weights_folder() / CARD).read_bytes())
    with pytest.raises(ModelFilesError, match="vocabulary"):
        read_lexicon(tmp_path)


def test_weights_that_know_where_people_stand_are_told():
    two = replace(WALK, roles=(Role("cat", "sits"), Role("dog", "waves")))
    told = compose(fit(two, whole_world()).caption)
    assert told.endswith("the lefthand cat sits and the righthand dog waves")
    assert "hand" not in compose(fit(two, SMALL).caption)


def test_weights_that_number_no_arrangements_hear_of_none():
    numbered = replace(WALK, layout="three")
    assert "forest three at" in compose(fit(numbered, whole_world()).caption)
    assert fit(numbered, SMALL).caption.layout is None
