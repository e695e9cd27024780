"""Every symptom gets one lever that changes something, and never the same one twice."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.agents.levers import REPAIRS, SEVERITY, Situation, choose_lever
from filmagent.schemas.plan import DecidedBy, ShotPlan
from filmagent.schemas.story import Link, LinkKind
from filmagent.schemas.take import Lever, Symptom

SYMPTOMS = get_args(Symptom)
LINKS = get_args(LinkKind)


def situation(link: LinkKind = "MI2V", by: DecidedBy = "rules", **changes: object) -> Situation:
    base = Situation(plan=ShotPlan(shot="shot-2", link=Link(kind=link), decided_by=by), links=frozenset(LINKS),
                     memory_shown=3, attributes="Marlow the cat: an orange cat.", unseen_in_photographs=("robin",),
                     unseen_in_film=("marlow",))
    return replace(base, **changes)  # type: ignore[arg-type]


SITUATIONS = st.builds(
    situation, st.sampled_from(LINKS), st.sampled_from(get_args(DecidedBy)), memory_shown=st.integers(0, 10),
    attributes=st.sampled_from(["", "An orange cat."]), links=st.sets(st.sampled_from(LINKS)).map(frozenset),
    unseen_in_photographs=st.sets(st.sampled_from("abc"), max_size=2).map(tuple),
    unseen_in_film=st.sets(st.sampled_from("def"), max_size=2).map(tuple),
)


def repair(symptom: Symptom, where: Situation, attempts: int) -> list[Lever]:
    """The levers of so many retakes in a row that never help."""
    tried: list[Lever] = []
    for attempt in range(1, attempts + 1):
        lever = choose_lever([symptom], tried, attempt, where)
        assert lever is not None
        tried.append(lever)
    return tried


def test_every_symptom_has_levers_and_a_weight() -> None:
    assert set(REPAIRS) == set(SEVERITY) == set(SYMPTOMS)


@pytest.mark.parametrize(("symptom", "kinds"), [
    ("blank", ["new_seed", "less_memory", "new_seed"]),
    ("frozen", ["new_seed", "less_memory", "other_link", "new_seed"]),
    ("flicker", ["new_seed", "new_seed"]),
    ("low_quality", ["new_seed", "new_seed"]),
    ("wrong_subject", ["rewrite_attributes", "add_reference", "more_memory", "new_seed", "new_seed"]),
    ("identity_drift", ["rewrite_attributes", "more_memory", "add_reference", "new_seed", "new_seed"]),
    ("off_caption", ["rewrite_attributes", "new_seed", "less_memory", "new_seed"]),
    ("seam_jump", ["other_link", "new_seed", "new_seed"]),
])
def test_the_table(symptom: Symptom, kinds: list[str]) -> None:
    assert [lever.kind for lever in repair(symptom, situation(), len(kinds))] == kinds


def test_each_lever_carries_what_it_changes_and_nothing_else() -> None:
    where = situation()
    levers = {lever.kind: lever for symptom in SYMPTOMS for lever in reversed(repair(symptom, where, 5))}
    changes = {kind: {name: value for name, value in lever.model_dump(exclude={"kind", "reason"}).items()
                      if value not in (None, "", 0)} for kind, lever in levers.items()}
    assert changes == {
        "new_seed": {"seed_offset": changes["new_seed"]["seed_offset"]},
        "less_memory": {"memory_limit": 1},
        "more_memory": {"subject": "marlow"},
        "add_reference": {"subject": "robin"},
        "other_link": {"link": "MM2V"},
        "rewrite_attributes": {"prompt_suffix": "Marlow the cat: an orange cat."},
    }
    assert levers["other_link"].reason == "seam jump: MM2V instead of MI2V"


@pytest.mark.parametrize(("where", "first"), [
    (situation("MM2V"), "MI2V"), (situation("scene_cut"), None), (situation(by="person"), None),
    (situation(by="script"), None), (situation(links=frozenset({"scene_cut", "MI2V"})), None),
])
def test_a_join_stays_a_join_and_a_person_keeps_her_link(where: Situation, first: LinkKind | None) -> None:
    lever = choose_lever(["seam_jump"], [], 1, where)
    assert lever is not None and lever.link == first
    assert lever.kind == ("new_seed" if first is None else "other_link")


def test_what_changes_nothing_is_passed_over() -> None:
    bare = situation("scene_cut", memory_shown=0, attributes="", unseen_in_photographs=(), unseen_in_film=())
    assert {lever.kind for symptom in SYMPTOMS for lever in repair(symptom, bare, 4)} == {"new_seed"}


def test_the_worst_symptom_is_repaired_first() -> None:
    lever = choose_lever(["low_quality", "seam_jump", "wrong_subject"], [], 1, situation())
    assert lever is not None and lever.reason.startswith("wrong subject")


def test_without_symptoms_there_is_nothing_to_pull() -> None:
    assert choose_lever([], [], 1, situation()) is None


@given(st.lists(st.lists(st.sampled_from(SYMPTOMS), min_size=1, max_size=4), min_size=1, max_size=20), SITUATIONS)
def test_no_lever_is_ever_pulled_twice(attempts: list[list[Symptom]], where: Situation) -> None:
    """Whatever a take shows next, the retake differs from the baseline and from every retake before."""
    tried: list[Lever] = []
    for number, symptoms in enumerate(attempts, start=1):
        lever = choose_lever(symptoms, tried, number, where)
        assert lever is not None
        change = lever.model_dump(exclude={"reason"})
        assert change not in [earlier.model_dump(exclude={"reason"}) for earlier in tried]
        assert sum(1 for name in ("seed_offset", "link", "prompt_suffix", "subject") if change[name])\
            + (lever.memory_limit is not None) == 1
        tried.append(lever)


@given(st.lists(st.sampled_from(SYMPTOMS), min_size=1, max_size=4), SITUATIONS)
def test_a_seed_repeats_only_after_everything_else(symptoms: list[Symptom], where: Situation) -> None:
    tried: list[Lever] = []
    for number in range(1, 16):
        lever = choose_lever(symptoms, tried, number, where)
        assert lever is not None
        tried.append(lever)
    kinds = [lever.kind for lever in tried]
    again = [index for index, kind in enumerate(kinds) if kind == "new_seed"][1]
    assert set(kinds[again:]) == {"new_seed"}
