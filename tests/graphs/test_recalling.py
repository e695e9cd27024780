"""What a take remembers, for generators that are shown their memory and for those that choose it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from filmagent.delivery.manifest import read_manifest
from filmagent.generation.memory.port import Keyframe, Recall
from filmagent.generation.memory.uses import film_starts, recollection_of, with_choice
from filmagent.generation.port import Candidate, IdentityPrompt, ShotPrompt
from filmagent.graphs.orders import ShotOrder
from filmagent.graphs.recalling import with_memory
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.schemas import Link, MemoryUse, ShotPlan
from filmagent.schemas.story import Shot, Story
from filmagent.settings import Settings
from tests.generation.test_memory_bank import take
from tests.support.stories import story
from tests.support.toy_generator import CAPABILITIES, ToyGenerator
from tests.support.toy_studio import toy_studio

CHOOSES = replace(CAPABILITIES, memory_candidates=16, draws_identity=True)
KEYFRAMES = tuple(
    Keyframe(sha256=f"{number}" * 64, path=f"memory/{number}.png", shot=None if number == 0 else f"shot-{number:02}",
             take=None, frame=3, subjects={"marlow": number / 10}) for number in range(3)
)
EARLIER = [take("shot-01", "1" * 32), take("shot-02", "2" * 32)]


@dataclass(frozen=True)
class View:
    keyframes: tuple[Keyframe, ...] = KEYFRAMES


@dataclass(frozen=True)
class Shows:
    """Shows the given places of the bank, and remembers nothing else than the limit that it was given."""

    places: tuple[int, ...]
    name: str = "storymem"

    def recall(self, bank, story, plan, limit):
        return tuple(Recall(bank.keyframes[place], "told") for place in self.places[:limit])


def ordered(capabilities, places=(0, 1, 2), name="storymem", **order):
    given = ShotOrder(**{"shot": "shot-03", "attempt": 1, "link": "MI2V", "seed": 1, "frames": 13, "memory_limit": 2}
                      | order)
    plan = ShotPlan(shot="shot-03", link=Link(kind="MI2V"))
    return with_memory(given, Shows(places, name), View(), story(3), plan, capabilities, EARLIER)


def told_of(order, capabilities, identity=None):
    return recollection_of(
        order.memory, capabilities, start=order.film_start, limit=order.memory_limit, identity=identity
    )


def test_a_generator_that_is_shown_its_memory_is_told_nothing_else():
    order = ordered(CAPABILITIES)
    assert [use.film_frame for use in order.memory] == [None, None]
    assert (order.film_start, told_of(order, CAPABILITIES)) == (0, None)


def test_a_generator_that_chooses_is_told_when_everything_was_filmed():
    order = ordered(CHOOSES, name="memento")
    told = told_of(order, CHOOSES, IdentityPrompt("marlow", "an orange cat"))
    assert told.candidates == (Candidate(None), Candidate(3), Candidate(14))
    assert (told.start, told.show, told.identity) == (21, 2, "an orange cat")
    assert film_starts({"shot-01": 11, "shot-02": 11}) == {"shot-01": 0, "shot-02": 11}


def test_only_a_policy_that_offers_gets_the_room_of_the_candidates():
    assert len(ordered(CHOOSES, name="memento").memory) == 3
    assert len(ordered(CHOOSES).memory) == 2
    assert ordered(CHOOSES, name="memento", memory_limit=0).memory == ()


@pytest.mark.parametrize("places", [(0, 1), (0, 1, 2)])
def test_a_subject_that_a_lever_names_is_pinned_where_the_generator_chooses(places):
    order = ordered(CHOOSES, places, name="memento", must_show="marlow")
    pinned = [use for use in order.memory if use.pinned]
    assert [use.sha256 for use in pinned] == [KEYFRAMES[2].sha256]
    assert pinned[0].reason == "the critic asked for marlow"
    assert not any(use.pinned for use in ordered(CAPABILITIES, places, must_show="marlow").memory)


def test_what_was_chosen_is_what_was_shown():
    memory = tuple(MemoryUse(sha256=f"{number}", path="", shot=None) for number in range(4))
    made = take().model_copy(update={"memory": with_choice(memory, {"high": (0, 1), "low": (1, 3)})})
    assert [use.chosen_by for use in made.memory] == [("high",), ("high", "low"), (), ("low",)]
    assert [use.sha256 for use in made.memory_shown] == ["0", "1", "3"]
    assert made.memory_at_a_time == 2
    shown = take().model_copy(update={"memory": with_choice(memory, {})})
    assert (shown.memory_shown, shown.memory_at_a_time) == (memory, 4)


class ChoosingToy(ToyGenerator):
    capabilities = CHOOSES

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        return ShotPrompt(shot.caption, identity=IdentityPrompt("marlow", "an orange cat"))


def test_what_a_generator_is_told_beside_the_pictures_makes_another_take(tmp_path: Path):
    keys = []
    for identity in (False, True):
        folder = tmp_path / str(identity)
        settings = Settings(identity=identity)
        run_film(folder, request=RunRequest(story=story(2), settings=settings), studio=toy_studio(ChoosingToy()))
        keys.append([record.chosen.key for record in read_manifest(folder / "film.json").shots])
    assert keys[0][0] == keys[1][0], "the first shot remembers nothing"
    assert keys[0][1] != keys[1][1]
