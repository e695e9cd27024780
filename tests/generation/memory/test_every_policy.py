"""What every memory policy keeps to, whoever wrote it: the registry is the list."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.port import MemoryPolicy
from filmagent.generation.memory.registry import create_policy, policy_names
from filmagent.generation.port import Frames
from filmagent.scoring.colours import ColourFeatures
from tests.generation.memory.banks import FRIENDS, PLACES, STORY, SmallBank, bank, numbers, picture, plan, view
from tests.generation.test_memory_bank import take

EVERY_POLICY = pytest.mark.parametrize("name", policy_names())
EMPTY = SmallBank(())
PLAN = plan("marlow", "forest")
BUDGETS = (0, 1, 3, 10)


def policy(name: str) -> MemoryPolicy:
    """A new one every time, so that nothing can be carried over."""
    return create_policy(name, ColourFeatures)


def checked(name: str, keyframes: SmallBank, budget: int, remember=PLAN):
    """Recall, and check all that holds of every recall."""
    recalled = policy(name).recall(keyframes, STORY, remember, budget)
    assert len(recalled) <= budget
    order = [keyframes.keyframes.index(recall.keyframe) for recall in recalled]
    assert order == sorted(order), "oldest first"
    assert all(recall.reason.strip() for recall in recalled)
    assert recalled == policy(name).recall(keyframes, STORY, remember, budget), "deterministic"
    return recalled


def clip(*colours: int) -> Frames:
    """Sharp stripes, so that every quality gate lets them pass."""
    stripes = np.where(np.arange(192) // 16 % 2, 1.0, 0.2)[None, :, None]
    tints = [picture(colour)[0, 0].astype(float) for colour in colours]
    return np.stack([np.broadcast_to(80 + (tint + 90) * stripes / 2, (144, 192, 3)) for tint in tints]).astype(np.uint8)


def kept(name: str, made: MemoryBank, frames: Frames, records=(), number: int = 1):
    shot = STORY.shots[number - 1]
    return made.remember(policy(name), made.view(records), STORY, shot, take(shot.id, f"{number}" * 32), frames)


@EVERY_POLICY
def test_a_policy_goes_by_the_name_in_the_registry(name):
    assert policy(name).name == name


@EVERY_POLICY
def test_what_its_choice_depends_on_is_said_without_a_model(name):
    class Unloaded(ColourFeatures):
        def embed(self, images):
            raise AssertionError("loaded")

    fingerprint = create_policy(name, Unloaded).fingerprint
    assert json.loads(json.dumps(dict(fingerprint))) == dict(policy(name).fingerprint)

    class Newer(ColourFeatures):
        revision = "newer"

    assert name == "none" or dict(create_policy(name, Newer).fingerprint) != dict(fingerprint)


@EVERY_POLICY
@pytest.mark.parametrize("budget", BUDGETS)
def test_an_empty_bank_shows_nothing(name, budget):
    assert checked(name, EMPTY, budget) == ()


@EVERY_POLICY
def test_one_frame_of_the_wanted_subject_is_shown_by_whoever_has_a_memory(name):
    keyframes = bank(view(1, "s1", 30, place="forest", marlow=0.9))
    assert numbers(checked(name, keyframes, 5)) == ([] if name == "none" else [1])
    assert checked(name, keyframes, 0) == ()


@EVERY_POLICY
@pytest.mark.parametrize("budget", BUDGETS)
def test_thousands_of_keyframes_are_no_trouble(name, budget):
    keyframes = bank(*(view(number, None if number < 5 else f"s{1 + number % 4}", number % 216,
                            place=PLACES[number % 2], **{FRIENDS[number % 3]: number % 10 / 9})
                       for number in range(3000)))
    recalled = checked(name, keyframes, budget)
    assert len(set(numbers(recalled))) == len(recalled)


@EVERY_POLICY
def test_where_no_subject_is_known_nothing_breaks(name):
    keyframes = bank(view(1, None), view(2, "s1", 30), view(3, "s2", 60, place="beach"))
    for remember in (PLAN, plan(), plan("key", "beach")):
        for budget in BUDGETS:
            checked(name, keyframes, budget, remember)


@EVERY_POLICY
def test_the_same_frames_twice_are_one_memory(name, tmp_path: Path):
    made, frames = MemoryBank(tmp_path), clip(*[5] * 9)
    records = [kept(name, made, frames)]
    once = made.view(records)
    records.append(kept(name, made, frames, records, number=3))
    twice = made.view(records)
    assert len(twice.keyframes) == len(once.keyframes) == (name != "none")
    assert [recall.keyframe.sha256 for recall in policy(name).recall(twice, STORY, PLAN, 10)] == [
        each.sha256 for each in once.keyframes]


@EVERY_POLICY
@pytest.mark.parametrize("colours", [(5,), (5, 30, 180, 215, 100, 7, 150, 90, 35, 200, 60, 120)])
def test_what_is_kept_of_a_take_is_the_takes_own_and_has_a_reason(name, colours):
    shot, frames = STORY.shots[2], clip(*colours)
    remembered = policy(name).remember(EMPTY, STORY, shot, frames)
    assert name == "none" or remembered.kept
    for each in remembered.kept:
        assert 0 <= each.frame < len(frames)
        assert set(each.subjects) <= set(shot.subjects)
        assert all(0 <= surely <= 1 for surely in each.subjects.values())
        assert each.reason.strip()
    assert len({each.frame for each in remembered.kept}) == len(remembered.kept)
    assert remembered == policy(name).remember(EMPTY, STORY, shot, frames)


ENTRIES = st.lists(st.tuples(st.sampled_from([None, "s1", "s2", "s3", "s4"]), st.sampled_from([5, 30, 180]),
                             st.sampled_from([None, *PLACES]), st.sampled_from([-1.0, 0.0, 8.0]),
                             st.sampled_from(FRIENDS), st.sampled_from([0.0, 0.5, 1.0])), max_size=8)


@EVERY_POLICY
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES, st.lists(st.sampled_from([*FRIENDS, *PLACES]), unique=True), st.integers(0, 10))
def test_whatever_the_bank_holds_the_budget_is_kept(name, entries, remember, budget):
    entries.sort(key=lambda entry: entry[0] or "")
    keyframes = bank(*(view(number, source, colour, place=place, quality=quality, **{who: surely})
                       for number, (source, colour, place, quality, who, surely) in enumerate(entries)))
    checked(name, keyframes, budget, plan(*remember))
