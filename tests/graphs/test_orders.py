from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from filmagent.graphs.orders import SEED_STRIDE, frames_for, memory_limit, order_shot, shot_as_ordered
from filmagent.graphs.state import FilmState
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, Shot
from filmagent.schemas.take import Lever
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.toy_generator import CAPABILITIES


def state(shot: str = "shot-02", lever: Lever | None = None, **more: object) -> FilmState:
    tale = story()
    plan = Plan(shots=tuple(ShotPlan(shot=s.id, link=Link(kind="scene_cut")) for s in tale.shots))
    return {
        "story": tale.model_dump(mode="json"),
        "plan": plan.model_dump(mode="json"),
        "shot": shot,
        "lever": lever.model_dump(mode="json") if lever else None,
        **more,
    }  # type: ignore[typeddict-item]


def test_the_baseline_is_the_plan_and_a_seed_of_the_shots_own():
    order = order_shot(state(), Settings(seed=7), CAPABILITIES)
    assert (order.link, order.seed, order.memory_limit, order.attempt) == ("scene_cut", 7 + SEED_STRIDE, 5, 1)


def test_a_lever_changes_one_thing_against_the_baseline():
    lever = Lever(kind="new_seed", reason="frozen", seed_offset=3)
    order = order_shot(state(lever=lever, reviews={"shot-02": [{}]}), Settings(), CAPABILITIES)
    assert (order.seed, order.link, order.memory_limit, order.suffix) == (SEED_STRIDE + 3, "scene_cut", 5, "")
    assert order.attempt == 2


def test_two_levers_never_add_up():
    first = order_shot(state(lever=Lever(kind="less_memory", reason="", memory_limit=1)), Settings(), CAPABILITIES)
    second = order_shot(state(lever=Lever(kind="new_seed", reason="", seed_offset=1)), Settings(), CAPABILITIES)
    assert first.memory_limit == 1
    assert second.memory_limit == 5


def test_a_generator_that_goes_on_from_what_it_sees_is_shown_memory_at_cuts_alone():
    forgetful = replace(CAPABILITIES, joins_remember=False)
    assert [memory_limit(Settings(), forgetful, link) for link in ("scene_cut", "MI2V", "MM2V")] == [5, 0, 0]
    assert memory_limit(Settings(), CAPABILITIES, "MI2V") == 5
    joined = Lever(kind="other_link", reason="", link="MI2V", memory_limit=3)
    assert order_shot(state(lever=joined), Settings(), forgetful).memory_limit == 0
    assert order_shot(state(lever=joined), Settings(), CAPABILITIES).memory_limit == 3


def test_a_persons_seed_and_memory_limit_win():
    order = order_shot(state(seeds={"shot-02": 99}), Settings(memory_frames=2), CAPABILITIES)
    assert (order.seed, order.memory_limit) == (99, 2)


def test_a_film_without_memory_has_none_whatever_number_is_asked_for():
    assert memory_limit(Settings(memory="none", memory_frames=3), CAPABILITIES) == 0
    assert memory_limit(Settings(memory_frames=0), CAPABILITIES) == 0
    assert memory_limit(Settings(memory_frames=9), CAPABILITIES) == CAPABILITIES.max_memory


def test_the_suffix_stands_behind_the_caption():
    lever = Lever(kind="rewrite_attributes", reason="", prompt_suffix="Marlow the cat is orange.")
    order = order_shot(state(lever=lever), Settings(), CAPABILITIES)
    shot = story().shot("shot-02")
    assert shot_as_ordered(shot, order).caption == f"{shot.caption} Marlow the cat is orange."


@given(st.floats(0.1, 60))
def test_a_generated_length_is_four_n_plus_one_within_range(duration: float):
    from dataclasses import replace

    capabilities = replace(CAPABILITIES, max_frames=81)
    frames = frames_for(Shot(id="s", scene=1, caption="c", duration=duration), capabilities)
    assert frames % 4 == 1
    assert 5 <= frames <= 81
