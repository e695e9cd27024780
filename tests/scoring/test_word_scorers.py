"""Identity and caption fit, with a model that reads true words off a picture."""

from __future__ import annotations

import numpy as np
import pytest

from filmagent.errors import ScoringError
from filmagent.scoring.anchors import attribute_anchors, kind_anchors, nouns_in_shot, presence
from filmagent.scoring.caption_fit import CaptionFit
from filmagent.scoring.glance import Glance
from filmagent.scoring.identity import Identity
from filmagent.scoring.port import SeenBefore
from filmagent.scoring.registry import standard_scorers
from filmagent.scoring.words import ColouredThing, among, coloured_things, words_of
from tests.scoring.videos import MARLOW, NOVA, ONE, STORY, THREE, TWO, WordFeatures, context, picture_of

FEATURES = WordFeatures()
CAT_IN_FOREST = ("orange", "blue", "scarf", "cat", "forest")


def seen(*words: str, **subjects: float) -> SeenBefore:
    return SeenBefore(picture_of(*words), subjects)


def test_the_same_cat_elsewhere_is_the_same_cat():
    sheet = Identity(FEATURES).score(picture_of("orange", "cat", "beach", frames=3), ONE, context(
        memory=(seen("orange", "cat", "forest", marlow=0.9),)))
    assert sheet.values["identity/marlow"] > 0.9 and sheet.symptoms == ()


def test_another_colour_is_drift_although_the_picture_is_nearly_the_same():
    sheet = Identity(FEATURES).score(picture_of("white", "cat", "forest", frames=3), ONE, context(
        memory=(seen("orange", "cat", "forest", marlow=0.9),)))
    assert sheet.symptoms == ("identity_drift",)
    assert sheet.values["identity/marlow"] < 0.3


def test_pictures_that_hardly_show_the_subject_are_no_evidence():
    drifted = picture_of("white", "cat", "forest", frames=3)
    memory = (seen("orange", "cat", "forest", marlow=0.2), seen("orange", "dog", "forest", rex=0.9))
    assert Identity(FEATURES).score(drifted, ONE, context(memory=memory)).values == {}


def test_every_subject_in_frame_gets_a_value_of_its_own():
    memory = (seen("orange", "cat", "forest", marlow=0.9), seen("brown", "dog", "forest", rex=0.8))
    sheet = Identity(FEATURES).score(picture_of("orange", "cat", "brown", "dog", "city", frames=2), TWO, context(
        "the cat and the dog in the city", memory=memory))
    assert set(sheet.values) == {"identity/marlow", "identity/rex"}


def test_a_subject_without_a_word_is_compared_by_picture():
    memory = (seen("white", "forest", nova=1.0),)
    here = Identity(FEATURES).score(picture_of("white", "forest", frames=2), THREE, context("the hero", memory=memory))
    gone = Identity(FEATURES).score(picture_of("red", "city", frames=2), THREE, context("the hero", memory=memory))
    assert here.values["identity/nova"] > 0.9 and here.symptoms == ()
    assert gone.symptoms == ("identity_drift",)


def test_a_take_that_fits_its_caption():
    sheet = CaptionFit(FEATURES).score(picture_of(*CAT_IN_FOREST, frames=3), ONE, context())
    assert sheet.symptoms == ()
    assert min(sheet.values["caption_fit/place"], sheet.values["caption_fit/marlow"]) > 0.9
    assert sheet.values["caption_fit/marlow/colour"] > 0.4


@pytest.mark.parametrize(("words", "symptoms"), [
    (("orange", "cat", "beach"), ("off_caption",)),
    (("orange", "dog", "forest"), ("wrong_subject",)),
    (("orange", "dog", "beach"), ("off_caption", "wrong_subject")),
])
def test_another_place_or_kind_is_a_symptom(words, symptoms):
    assert CaptionFit(FEATURES).score(picture_of(*words, frames=3), ONE, context()).symptoms == symptoms


@pytest.mark.parametrize("scorer", [CaptionFit(FEATURES), Identity(FEATURES)])
def test_what_is_no_video_is_refused(scorer):
    with pytest.raises(ScoringError):
        scorer.score(picture_of("cat"), ONE, context())


def test_a_glance_looks_at_frames_from_the_whole_take():
    frames = np.concatenate([picture_of("cat", frames=4), picture_of("dog", frames=4)])
    looked = Glance(frames=4).look(frames, FEATURES)
    assert np.array_equal(looked, FEATURES.embed([*picture_of("cat", frames=2), *picture_of("dog", frames=2)]))


def test_what_the_model_has_no_words_for_is_left_out():
    assert CaptionFit(FEATURES).score(picture_of("red", frames=2), THREE, context("a spaceship lands")).values == {}


def test_two_subjects_are_no_distractors_of_each_other():
    sheet = CaptionFit(FEATURES).score(picture_of("cat", "dog", "forest", frames=2), TWO,
                                       context("the cat and the dog in the forest"))
    assert sheet.symptoms == ()


def test_a_subject_played_by_another_kind_is_found_by_the_word_left_over():
    assert nouns_in_shot(STORY, THREE, "the robot in the forest", FEATURES) == {"nova": "robot"}
    assert nouns_in_shot(STORY, TWO, "the cat and the robot", FEATURES) == {"marlow": "cat", "rex": "robot"}
    assert nouns_in_shot(STORY, TWO, "the forest", FEATURES) == {}


def test_how_surely_a_subject_is_in_a_picture():
    both = presence(STORY, TWO, FEATURES.embed([picture_of("cat", "dog")]), FEATURES)
    alone = presence(STORY, TWO, FEATURES.embed([picture_of("cat", "forest")]), FEATURES)
    assert min(both["marlow"], both["rex"], alone["marlow"]) > 0.9 > alone["rex"]
    assert presence(STORY, THREE, FEATURES.embed([picture_of("robot")]), FEATURES) == {}


def test_anchors_differ_in_one_word_and_know_which_is_stated():
    colour, scarf = sorted(attribute_anchors(MARLOW, "cat", FEATURES), key=lambda asked: asked.about)
    assert (colour.about, colour.sentences[colour.stated]) == ("colour", "an orange cat")
    assert (scarf.about, scarf.sentences[scarf.stated]) == ("scarf", "a cat with a blue scarf")
    kind = kind_anchors("cat", ("dog",), FEATURES)
    assert set(kind.sentences) == {"a cat", "a robot"} and kind.sentences[kind.stated] == "a cat"


def test_a_thing_without_a_word_gives_its_colour_to_who_wears_it():
    asked = attribute_anchors(NOVA, "robot", FEATURES)
    assert [(each.about, each.sentences[each.stated]) for each in asked] == [("colour", "a white robot")]


def test_people_have_no_colour_unless_it_is_said():
    plain = NOVA.model_copy(update={"appearance": "an astronaut"})
    assert attribute_anchors(plain, "robot", FEATURES) == ()


def test_words_in_text():
    assert words_of("A gray Cat, Marlow's!") == ("a", "grey", "cat", "marlow", "s")
    assert among("the dog and the cat and the dog", ("cat", "dog")) == ("dog", "cat")
    assert coloured_things("a black and white cat with a red scarf") == (
        ColouredThing("white", "cat"), ColouredThing("red", "scarf"))


def test_scorers_have_names_of_their_own_and_load_nothing_when_made():
    class NoFeatures:
        def __getattr__(self, name):
            raise AssertionError(name)

    names = [scorer.name for scorer in standard_scorers(NoFeatures())]
    assert names == ["stillness", "flicker", "seam", "quality", "caption_fit", "identity"]
