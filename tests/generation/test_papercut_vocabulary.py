"""The caption grammar: every sentence is made of its words, says one thing only, and nothing that was never trained."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    BUILDS,
    CAMERAS,
    COLOURS,
    DIRECTIONS,
    GARMENT_COLOURS,
    GARMENTS,
    INDOORS,
    KINDS,
    LAYOUTS,
    MAX_ROLES,
    MOVING_ACTIONS,
    PATTERN_COLOURS,
    PATTERNS,
    PEOPLE,
    PLACES,
    PROPS,
    SIZES,
    STANDS,
    TIMES,
    WEATHERS,
    WORDINGS,
    Caption,
    Role,
    compose,
    phrases,
    words,
)


def any_role(rng):
    def maybe(choices):
        return rng.choice((None, *choices))

    action = rng.choice(ACTIONS)
    pattern, garment = maybe(PATTERNS), maybe(GARMENTS)
    return Role(
        kind=rng.choice(KINDS),
        action=action,
        direction=maybe(DIRECTIONS) if action in MOVING_ACTIONS else None,
        build=maybe(BUILDS),
        colour=maybe(COLOURS),
        pattern=pattern,
        pattern_colour=maybe(PATTERN_COLOURS) if pattern else None,
        garment=garment,
        garment_colour=maybe(GARMENT_COLOURS) if garment else None,
        prop=rng.choice(PROPS) if action == "carries" else None,
    )


def any_caption(seed):
    rng = random.Random(seed)
    return Caption(
        size=rng.choice(SIZES),
        place=rng.choice(PLACES),
        time=rng.choice(TIMES),
        weather=rng.choice(WEATHERS),
        camera=rng.choice(CAMERAS),
        layout=rng.choice((None, *LAYOUTS)),
        roles=tuple(any_role(rng) for _ in range(rng.randint(0, MAX_ROLES))),
        prop=rng.choice((None, *PROPS)),
    )


captions = st.integers(min_value=0).map(any_caption)
"""Drawn from a seed: piece by piece, hypothesis would take seconds."""

CAT = Role("cat", "carries", "left", "small", "orange", "stripes", "black", "hat", "red", "letter")
FULLEST = Caption("wide", "forest", "night", "rain", "left", (CAT,) * MAX_ROLES, "boat", "two")


@given(captions)
def test_every_word_of_every_wording_is_in_the_vocabulary(caption):
    for wording in range(WORDINGS):
        assert set(compose(caption, wording).split()) <= set(words())


@given(captions)
def test_every_wording_uses_the_same_words_about_who_and_what(caption):
    glue = {"the", "of", "in", "where", "with", "shot", "at"}
    said = [
        sorted(word for word in compose(caption, wording).split() if word not in glue) for wording in range(WORDINGS)
    ]
    assert all(each == said[0] for each in said)


@given(captions, captions)
def test_different_captions_give_different_sentences(one, other):
    assert (compose(one) == compose(other)) is (one == other)


def test_roles_that_differ_a_little_sound_different():
    looks = list(
        product(
            ("cat", "dog"),
            (None, "small"),
            (None, "white"),
            *[((None, None), ("spots", None), ("spots", "white")), ((None, None), ("hat", None), ("hat", "white"))],
        )
    )
    deeds = [("looks", None, None), ("meets", None, None), ("walks", None, None), ("walks", "left", None),
             ("carries", None, "ball"), ("carries", "left", "ball"), ("carries", "left", "boat")]  # fmt: skip
    cast = [
        Role(kind, action, direction, build, colour, *pattern, *garment, prop)
        for kind, build, colour, pattern, garment in looks
        for action, direction, prop in deeds
    ]
    sentences = [compose(scene(role, **more)) for role in cast for more in ({}, {"camera": "left"}, {"prop": "ball"})]
    assert len(set(sentences)) == len(sentences) == 3 * len(looks) * len(deeds)


def test_every_part_of_a_caption_is_heard():
    heard = compose(FULLEST)
    bare = Caption("wide", "forest", "night", roles=(Role("cat", "carries", prop="letter"),) * MAX_ROLES)
    assert heard == (
        "wide shot of the forest two at night in the rain where "
        + " and ".join(["the small orange cat with black stripes and a red hat carries the letter left"] * MAX_ROLES)
        + " and the boat camera pans left"
    )
    added = "two in rain small orange with black stripes a red hat left boat camera pans"
    assert set(heard.split()) - set(compose(bare).split()) == {*added.split()}
    assert max(len(compose(FULLEST, wording).split()) for wording in range(WORDINGS)) == 65, (
        "encoders need one more place"
    )


def test_the_words_of_one_table_are_all_different():
    for table in (KINDS, COLOURS, PATTERNS, GARMENTS, PLACES, TIMES, WEATHERS, ACTIONS, PROPS, CAMERAS):
        assert len(set(table)) == len(table)
    assert set(PEOPLE) <= set(KINDS)
    assert set(INDOORS) <= set(PLACES)
    assert set(MOVING_ACTIONS) <= set(ACTIONS)
    assert list(words()) == sorted(set(words()))


@pytest.mark.parametrize(
    ("caption", "wording", "sentence"),
    [
        (
            Caption("wide", "forest", "night", roles=(Role("cat", "walks", "left"), Role("dog", "looks"))),
            0,
            "wide shot of the forest at night where the cat walks left and the dog looks around",
        ),
        (
            Caption("close", "city", "morning", "fog", "in", (Role("boy", "meets"),)),
            1,
            "the boy meets someone in the city at morning in the fog close shot camera pushes in",
        ),
        (
            Caption("medium", "garden", "day", roles=(Role("horse", "eats", pattern="spots"),), prop="ball"),
            2,
            "medium shot with the horse with spots eats and the ball in the garden at day",
        ),
        (Caption("wide", "desert", "evening"), 0, "wide shot of the empty desert at evening"),
    ],
)
def test_sentences_read_as_english(caption, wording, sentence):
    assert compose(caption, wording) == sentence


def scene(*cast, **said):
    return Caption("wide", "forest", "day", roles=cast, **said)


@pytest.mark.parametrize(
    "caption",
    [
        Caption("huge", "forest", "day"),
        Caption("wide", "volcano", "day"),
        Caption("wide", "forest", "noon"),
        scene(weather="hail"),
        scene(camera="up"),
        scene(prop="key"),
        scene(Role("wolf", "sits")),
        scene(Role("cat", "swims")),
        scene(Role("cat", "sits", direction="left")),
        scene(Role("cat", "walks", direction="up")),
        scene(Role("cat", "sits", colour="red")),
        scene(Role("cat", "sits", build="tall")),
        scene(Role("cat", "sits", pattern="rings")),
        scene(Role("cat", "sits", pattern_colour="black")),
        scene(Role("cat", "sits", pattern="spots", pattern_colour="pink")),
        scene(Role("cat", "sits", garment="coat")),
        scene(Role("cat", "sits", garment_colour="red")),
        scene(Role("cat", "sits", garment="hat", garment_colour="black")),
        scene(Role("cat", "sits", prop="ball")),
        scene(Role("cat", "carries")),
        scene(*(Role("cat", "sits"),) * (MAX_ROLES + 1)),
    ],
)
def test_what_was_never_trained_is_never_said(caption):
    with pytest.raises(ValueError, match=r"none of|at most"):
        compose(caption)


@pytest.mark.parametrize(
    ("count", "stands"), [(1, []), (2, ["lefthand", "righthand"]), (3, ["leftmost", "middle", "rightmost"])]
)
def test_a_placed_caption_says_where_each_stands(count, stands):
    roles = tuple(Role(kind, "sits", colour="white") for kind in ("cat", "dog", "fox")[:count])
    plain, placed = (Caption("wide", "forest", "day", roles=roles, placed=placed) for placed in (False, True))
    said = compose(placed).split()
    assert [word for word in said if word in STANDS[count]] == stands
    assert [word for word in said if word not in stands] == compose(plain).split()
    assert all(said[said.index(word) + 1] == "white" for word in stands)


@given(captions)
def test_every_word_of_a_role_says_whose_it_is(caption):
    parts = phrases(caption)
    assert " ".join(part.words for part in parts) == compose(caption)
    for index, role in enumerate(caption.roles):
        assert role.kind in " ".join(part.words for part in parts if part.role == index).split()
    assert {part.role for part in parts if part.role is not None} == set(range(len(caption.roles)))
