"""Whether a picture drawn from memory agrees with the remembered pictures."""

from __future__ import annotations

import pytest

from filmagent.errors import ScoringError
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.port import SeenBefore
from filmagent.scoring.remembered import Resemblance, resemblance
from tests.scoring.videos import ONE, THREE, WordFeatures, context, picture_of

FEATURES = WordFeatures()
MEMORY = (SeenBefore(picture_of("orange", "cat", "blue", "scarf", "forest"), {"marlow": 0.9}),)


def like(*words: str, memory=MEMORY, shot=ONE, prompt="the cat in the field") -> Resemblance:
    return resemblance(FEATURES, picture_of(*words), shot, context(prompt, memory=memory))


def test_the_same_cat_agrees():
    found = like("orange", "cat", "blue", "scarf")
    assert found.faults == ()
    assert set(found.scores) == {"identity", "shown"}
    assert min(found.scores.values()) > 0.8


def test_a_cat_of_another_colour_does_not_look_like_the_remembered_one():
    found = like("white", "cat")
    assert found.scores["shown"] > 0.8
    assert found.scores["identity"] < 0.5
    assert len(found.faults) == 1 and "remembered" in found.faults[0]


def test_an_orange_dog_is_no_cat():
    found = like("orange", "dog", "blue", "scarf")
    assert found.scores["shown"] < 0.5
    assert any("hardly shows a cat" in fault for fault in found.faults)


def test_whoever_has_no_word_is_compared_by_picture_alone():
    memory = (SeenBefore(picture_of("white", "forest"), {"nova": 1.0}),)
    found = like("white", "forest", memory=memory, shot=THREE, prompt="the hero")
    assert set(found.scores) == {"identity"} and found.faults == ()
    assert like("red", "city", memory=memory, shot=THREE, prompt="the hero").faults


@pytest.mark.parametrize("memory", [(), (SeenBefore(picture_of("orange", "cat"), {"marlow": 0.2}),)])
def test_without_a_sure_picture_nothing_is_measured(memory):
    assert like("orange", "cat", memory=memory) == Resemblance()


def test_features_without_words_measure_nothing():
    assert resemblance(ColourFeatures(), picture_of("cat"), ONE, context(memory=MEMORY)) == Resemblance()


def test_what_is_no_picture_is_refused():
    with pytest.raises(ScoringError):
        resemblance(FEATURES, picture_of("cat", frames=2), ONE, context(memory=MEMORY))
