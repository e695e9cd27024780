"""The policy that remembers every shot and leaves the ranking to the generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from filmagent.errors import UsageError
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.onestory import OneStory
from filmagent.generation.memory.registry import check_memory_fits, create_policy, only_offers
from filmagent.schemas import Lever
from filmagent.scoring.colours import ColourFeatures
from tests.generation.memory.banks import STORY as FRIENDS
from tests.generation.memory.banks import bank, numbers, plan, view
from tests.generation.test_memory_bank import take
from tests.support.stories import story
from tests.support.toy_generator import CAPABILITIES

STORY = story(shots=4)


def frames(seed, count=17):
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 20, 3), np.uint8)


def policy():
    return OneStory(ColourFeatures)


def film(made, shots, lever=None):
    records = []
    for number in range(1, shots + 1):
        accepted = take(f"shot-{number:02}", f"{number}" * 32).model_copy(update={"lever": lever})
        shot = STORY.shot(f"shot-{number:02}")
        records.append(made.remember(policy(), made.view(records), STORY, shot, accepted, frames(number)))
    return records


@pytest.mark.parametrize(("length", "kept"), [(1, 1), (4, 1), (5, 2), (17, 5), (29, 8), (81, 8)])
def test_a_take_leaves_a_frame_for_every_latent_frame_at_most_eight(length, kept):
    remembered = policy().remember(bank(), STORY, STORY.shots[0], frames(0, length)).kept
    places = [each.frame for each in remembered]
    assert len(places) == kept and places == sorted(set(places))
    assert places[0] == 0 and (kept == 1 or places[-1] == length - 1)
    assert all("marlow" in each.subjects for each in remembered)


def test_all_earlier_shots_are_offered_whatever_was_chosen_of_them(tmp_path):
    made = MemoryBank(tmp_path)
    records = film(made, 3, Lever(kind="less_memory", reason="frozen", memory_limit=1))
    seen = made.view(records)
    offered = policy().recall(seen, STORY, plan(shot="shot-04"), 256)
    assert [recall.keyframe for recall in offered] == list(seen.keyframes) and len(offered) == 15
    assert all(recall.experts == () and not recall.pinned for recall in offered)
    assert offered[0].reason == "frame 0 of shot-01, for the selector to rank"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1200), st.integers(0, 3), st.integers(0, 300))
def test_a_long_film_is_thinned_evenly_and_photographs_stay(filmed, photographs, limit):
    keyframes = bank(*(view(number, None) for number in range(photographs)),
                     *(view(10 + number, f"s{1 + number * 4 // max(1, filmed)}") for number in range(filmed)))
    places = numbers(policy().recall(keyframes, FRIENDS, plan(), limit))
    assert places == sorted(set(places)) and len(places) == min(limit, photographs + filmed)
    assert [place for place in places if place < 10] == list(range(min(photographs, limit)))
    shown = [place - 10 for place in places if place >= 10]
    if len(shown) > 1:
        assert (shown[0], shown[-1]) == (0, filmed - 1)
        gaps = np.diff(shown)
        assert gaps.max() - gaps.min() <= 1


def test_photographs_say_that_they_are_photographs(tmp_path):
    made = MemoryBank(tmp_path)
    Pillow.fromarray(frames(99)[0]).save(tmp_path / "cat.png")
    records = [*film(made, 1), made.add_reference(tmp_path / "cat.png", "marlow")]
    first = policy().recall(made.view(records), STORY, plan(shot="shot-02"), 256)[0]
    assert first.keyframe.shot is None and first.reason.startswith("reference photograph")


def test_without_a_trained_selector_it_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"no selector.*trained-memory:FOLDER, or one of none, storymem") as found:
        check_memory_fits("onestory", CAPABILITIES)
    assert "\n" not in str(found.value)
    assert only_offers("onestory")


def test_making_it_loads_no_features():
    def no_features():
        raise AssertionError("asked for features")

    assert create_policy("onestory", no_features).name == "onestory"
