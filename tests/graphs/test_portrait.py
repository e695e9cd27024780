"""How a subject is named for a picture drawn from memory: nothing of its looks may be said."""

from __future__ import annotations

import pytest

from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.port import ShotPrompt
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.memento.captions import caption_for_memento
from filmagent.graphs.portrait import GROUND, with_portrait, wording_of
from filmagent.schemas.story import Scene, Shot, Story, Subject
from filmagent.scoring.words import COLOURS, words_of
from tests.support.stories import MARLOW, story
from tests.support.toy_generator import ToyGenerator

LUNA = Subject(id="luna", name="Luna", kind="animal", appearance="a black cat with a red hat")
BALL = Subject(id="ball", name="Rolly", kind="object", appearance="a red ball")
SOMEBODY = Subject(id="kim", name="Kim", kind="person", appearance="tall, in a yellow coat")


class Speaker(ToyGenerator):
    """A generator that words shots as another does."""

    def __init__(self, translate) -> None:
        super().__init__()
        self.says = translate

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        return self.says(story, shot)


def film(*subjects: Subject) -> Story:
    shots = tuple(Shot(id=f"of-{each.id}", scene=1, caption=f"{each.name} waits.", subjects=(each.id,))
                  for each in subjects)
    return Story(title="A film", style="red and gold", subjects=subjects, scenes=(Scene(number=1),), shots=shots)


@pytest.mark.parametrize("translate", [cast_shot, caption_for_wan, caption_for_memento])
@pytest.mark.parametrize("subject", [MARLOW, LUNA, BALL, SOMEBODY])
def test_no_generator_says_a_word_of_the_looks(translate, subject):
    wording = wording_of(Speaker(translate), film(MARLOW, LUNA, BALL, SOMEBODY), subject)
    said = set(words_of(wording.text))
    assert not said & {*COLOURS, "scarf", "hat", "coat", "tall"}
    assert "the prompt says" not in " ".join(wording.notes)


def test_papercut_calls_a_subject_by_its_kind_even_beside_a_twin():
    assert "where the cat looks" in wording_of(Speaker(cast_shot), film(MARLOW, BALL), MARLOW).text
    assert "where the cat looks" in wording_of(Speaker(cast_shot), film(MARLOW, LUNA), LUNA).text
    assert "where the ball" in wording_of(Speaker(cast_shot), film(MARLOW, BALL), BALL).text


def test_papercut_casts_as_it_cast_the_film():
    whole = film(SOMEBODY, *(Subject(id=f"p{n}", name=f"Person {n}", kind="person") for n in range(4)))
    part = words_of(cast_shot(whole, whole.shots[0]).text)
    kind = next(word for word in part if word in ("girl", "boy", "woman", "man"))
    assert kind in words_of(wording_of(Speaker(cast_shot), whole, SOMEBODY).text)


def test_wan_is_told_name_and_ground_only():
    said = wording_of(Speaker(caption_for_wan), film(MARLOW, LUNA), MARLOW).text
    assert said == f"Marlow the cat alone in {GROUND}. Medium shot."


def test_memento_names_whom_to_draw_by_the_label_of_the_film():
    identity = wording_of(Speaker(caption_for_memento), film(MARLOW, LUNA), LUNA).identity
    assert identity is not None
    assert (identity.subject, identity.text) == ("luna", "[Animal B] Luna")


def test_what_a_generator_cannot_help_saying_is_noted():
    wording = wording_of(Speaker(lambda story, shot: ShotPrompt("an orange cat")), film(MARLOW), MARLOW)
    assert wording.notes == ("the prompt says orange",)


def test_the_portrait_comes_after_all_shots_whatever_they_are_called():
    given = story(2)
    taken = given.model_copy(update={"shots": (*given.shots[:1], given.shots[1].model_copy(
        update={"id": "reconstruction"}))})
    whole, shot, plan = with_portrait(taken, MARLOW)
    assert Story.model_validate(whole.model_dump()).shots[-1] == shot
    assert shot.id == plan.shot == "reconstruction-2"
    assert plan.remember == shot.subjects == ("marlow",)
    assert whole.place_of(shot) is None
