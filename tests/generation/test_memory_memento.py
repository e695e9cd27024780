"""The policy that leaves the choice to the generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from filmagent.errors import UsageError
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.memento import Memento, spread
from filmagent.generation.memory.registry import check_memory_fits, create_policy
from filmagent.schemas import Lever, Link, MemoryUse, ShotPlan
from filmagent.scoring.colours import ColourFeatures
from tests.generation.test_memory_bank import take
from tests.support.stories import story
from tests.support.toy_generator import CAPABILITIES

STORY = story(shots=4)
PLAN = ShotPlan(shot="shot-04", link=Link(kind="scene_cut"))


def frames(seed, count=17):
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 20, 3), np.uint8)


def film(bank, *choices, lever=None):
    """Remember one shot a choice; a choice maps experts to places in the bank as it is then. Returns the records."""
    policy, records = Memento(ColourFeatures), []
    for number, choice in enumerate(choices, start=1):
        view = bank.view(records)
        memory = tuple(
            MemoryUse(sha256=keyframe.sha256, path=keyframe.path, shot=keyframe.shot,
                      chosen_by=tuple(expert for expert, places in choice.items() if place in places))
            for place, keyframe in enumerate(view.keyframes)
        )
        made = take(f"shot-{number:02}", f"{number}" * 32).model_copy(
            update={"memory": memory, "lever": lever if number == len(choices) else None})
        records.append(bank.remember(policy, view, STORY, STORY.shot(f"shot-{number:02}"), made, frames(number)))
    return records


@given(st.integers(1, 200), st.integers(1, 8))
def test_frames_are_spread_evenly_with_both_ends(count, most):
    places = spread(count, most)
    assert places == tuple(sorted(set(places))) and len(places) == min(count, most)
    assert places[0] == 0 and (most == 1 or places[-1] == count - 1)


def test_eight_frames_of_every_take_are_kept_with_names(tmp_path):
    bank = MemoryBank(tmp_path)
    record = bank.record(film(bank, {})[0])
    assert len(record.keyframes) == 8
    assert (record.keyframes[0].frame, record.keyframes[-1].frame) == (0, 16)
    assert all("marlow" in keyframe.subjects for keyframe in record.keyframes)


def test_each_expert_is_offered_its_own_last_choice_and_what_is_new(tmp_path):
    bank = MemoryBank(tmp_path)
    everything = {"high_noise": range(8), "low_noise": range(8)}
    third = {"high_noise": range(4, 12), "low_noise": [0, *range(9, 16)]}
    view = bank.view(film(bank, {}, everything, third))
    offered = Memento(ColourFeatures).recall(view, STORY, PLAN, 40)
    assert [recall.keyframe for recall in offered] == [
        view.keyframes[place] for place in (0, *range(4, 16), *range(16, 24))]
    assert offered[0].experts == ("low_noise",) and offered[1].experts == ("high_noise",)
    assert offered[-1].experts == () and offered[-1].reason == "new from shot-03"
    for expert in ("high_noise", "low_noise"):
        assert sum(not recall.experts or expert in recall.experts for recall in offered) == 16


def test_a_retake_with_less_memory_makes_nobody_forget(tmp_path):
    bank, everything = MemoryBank(tmp_path), {"high_noise": range(8), "low_noise": range(8)}
    lever = Lever(kind="less_memory", reason="frozen", memory_limit=1)
    view = bank.view(film(bank, {}, everything, {"high_noise": [0], "low_noise": [0]}, lever=lever))
    assert view.pool_shot == "shot-02"
    assert len(Memento(ColourFeatures).recall(view, STORY, PLAN, 40)) == 24


def test_the_limit_leaves_out_the_oldest_but_no_photograph(tmp_path):
    bank = MemoryBank(tmp_path)
    Pillow.fromarray(frames(99)[0]).save(tmp_path / "cat.png")
    records = [*film(bank, {}, {}), bank.add_reference(tmp_path / "cat.png", "marlow")]
    view, policy = bank.view(records), Memento(ColourFeatures)
    assert [recall.keyframe for recall in policy.recall(view, STORY, PLAN, 3)] == [
        view.keyframes[0], *view.keyframes[-2:]]
    assert policy.recall(view, STORY, PLAN, 0) == ()
    assert len(policy.recall(view, STORY, PLAN, 1)) == 1


def test_it_goes_only_with_a_generator_that_chooses():
    with pytest.raises(UsageError, match=r"no selector.*wan-memento"):
        check_memory_fits("memento", CAPABILITIES)
    check_memory_fits("storymem", CAPABILITIES)


def test_making_it_loads_no_features():
    def no_features():
        raise AssertionError("asked for features")

    assert create_policy("memento", no_features).name == "memento"
