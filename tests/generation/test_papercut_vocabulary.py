"""The caption grammar: what it composes it parses, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.papercut.vocabulary import (
    ACTIONS,
    COLOURS,
    DIRECTIONS,
    KINDS,
    MOVING_ACTIONS,
    PLACES,
    SCARF_COLOURS,
    SIZES,
    TIMES,
    Caption,
    Role,
    compose,
    parse,
    words,
)


@st.composite
def roles(draw):
    action = draw(st.sampled_from(ACTIONS))
    return Role(
        kind=draw(st.sampled_from(KINDS)),
        action=action,
        direction=draw(st.sampled_from(DIRECTIONS)) if action in MOVING_ACTIONS else None,
        colour=draw(st.none() | st.sampled_from(COLOURS)),
        scarf=draw(st.none() | st.sampled_from(SCARF_COLOURS)),
    )


captions = st.builds(
    Caption,
    size=st.sampled_from(SIZES),
    place=st.sampled_from(PLACES),
    time=st.sampled_from(TIMES),
    roles=st.lists(roles(), max_size=2).map(tuple),
)


@given(captions)
def test_every_caption_round_trips(caption):
    assert parse(compose(caption)) == caption


@given(captions)
def test_every_word_is_in_the_vocabulary_and_fits_the_encoder(caption):
    spoken = compose(caption).split()
    assert set(spoken) <= set(words())
    assert len(spoken) < 32, "one place is needed for the end of the sentence"


@given(st.text())
def test_other_sentences_are_refused(sentence):
    with pytest.raises(ValueError, match=r"papercut sentence|is none of|at most"):
        parse(sentence)


def test_the_sentence_reads_as_english():
    role = Role(kind="cat", action="walks", direction="left", colour="orange", scarf="blue")
    caption = Caption(size="wide", place="forest", time="night", roles=(role, Role(kind="dog", action="looks")))
    assert compose(caption) == (
        "wide shot of the forest at night where the orange cat with a blue scarf walks left and the dog looks around"
    )


@pytest.mark.parametrize(
    "caption",
    [
        Caption("wide", "volcano", "day"),
        Caption("wide", "forest", "day", (Role("cat", "walks"),)),
        Caption("wide", "forest", "day", (Role("cat", "sits", direction="left"),)),
        Caption("wide", "forest", "day", (Role("cat", "sits"),) * 3),
    ],
)
def test_what_was_never_trained_is_never_said(caption):
    with pytest.raises(ValueError, match=r"none of|at most"):
        compose(caption)
