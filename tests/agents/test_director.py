"""The director: the rules as a table, the notes of a person, and a scripted model held to the same hard rules."""

from __future__ import annotations

import itertools

import pytest

from filmagent.agents.director import plan_story
from filmagent.agents.drafts import LinkDraft, PlanDraft
from filmagent.agents.scripted_llm import ScriptedLLM
from filmagent.agents.writer import write_story
from filmagent.errors import AnswerError, LLMAnswerError, UsageError
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.schemas.story_files import story_from_data

ALL = frozenset({"scene_cut", "MI2V", "MM2V"})
SUBJECTS = (
    Subject(id="ada", name="Ada", kind="person"),
    Subject(id="bo", name="Bo", kind="person"),
    Subject(id="park", name="the park", kind="place"),
    Subject(id="sea", name="the sea", kind="place"),
)


def two_shots(first: dict, second: dict) -> Story:
    """A story of two shots in one scene, equal but for what is given."""
    base = {"scene": 1, "caption": "Ada waits.", "action": "waits", "subjects": ("ada",)}
    shots = (Shot(id="a", **(base | first)), Shot(id="b", **(base | second)))
    return Story(
        title="T", subjects=SUBJECTS, shots=shots, scenes=(Scene(number=1, place="park"), Scene(number=2, place="park"))
    )


def second_link(first: dict, second: dict, links=ALL) -> Link:
    return plan_story(two_shots(first, second), llm=None, links=links).shots[1].link


@pytest.mark.parametrize(
    "first, second, kind, reason",
    [
        ({}, {}, "MI2V", "calm"),
        ({}, {"action": "runs away"}, "MM2V", "fast"),
        ({"action": "jumps"}, {}, "MM2V", "fast"),
        ({}, {"action": "", "caption": "Ada chases a ball."}, "MM2V", "fast"),
        ({}, {"action": "waits", "caption": "Ada waits beside a running track."}, "MI2V", "calm"),
        ({}, {"camera": "pan"}, "MM2V", "camera"),
        ({}, {"scene": 2}, "scene_cut", "new scene"),
        ({}, {"place": "sea"}, "scene_cut", "the place changes to the sea"),
        ({"place": "park"}, {}, "MI2V", "same place"),
        ({}, {"subjects": ("ada", "bo")}, "scene_cut", "Bo enters"),
        ({"subjects": ("ada", "bo")}, {}, "scene_cut", "Bo is no longer in frame"),
        ({"subjects": ("bo",)}, {}, "scene_cut", "Ada enters"),
        ({"subjects": ("ada", "bo")}, {"subjects": ("bo", "ada")}, "MI2V", "calm"),
        ({"subjects": ()}, {"subjects": ()}, "MI2V", "the view goes on"),
        ({"shot_size": "wide"}, {"shot_size": "close"}, "scene_cut", "from wide to close"),
        ({"shot_size": "close"}, {"shot_size": "medium"}, "scene_cut", "from close to medium"),
        ({"shot_size": "wide"}, {"shot_size": "medium", "camera": "push_in"}, "MM2V", "camera"),
        ({"shot_size": "wide"}, {"shot_size": "close", "camera": "push_in"}, "scene_cut", "from wide to close"),
    ],
)
def test_the_rules(first, second, kind, reason):
    link = second_link(first, second)
    assert link.kind == kind
    assert reason in link.reason
    assert "\n" not in link.reason


def test_the_film_opens_with_a_cut_and_everything_in_frame_is_remembered():
    plan = plan_story(two_shots({"subjects": ("ada", "bo")}, {"place": "sea"}), llm=None, links=ALL)
    assert plan.shots[0].link == Link(kind="scene_cut", reason="the film opens")
    assert plan.shots[0].remember == ("ada", "bo", "park")
    assert plan.shots[1].remember == ("ada", "sea")
    assert [decision.decided_by for decision in plan.shots] == ["rules", "rules"]


@pytest.mark.parametrize("kind", ["scene_cut", "MI2V", "MM2V"])
def test_a_link_of_the_script_is_never_changed(kind):
    link = Link(kind=kind, reason="mine")
    plan = plan_story(two_shots({}, {"link": link, "scene": 2, "place": "sea"}), llm=None, links=ALL)
    assert plan.shots[1].link == link
    assert plan.shots[1].decided_by == "script"


def test_a_scripts_cut_false_joins_and_the_motion_chooses_how():
    data = {
        "story_name": "s",
        "scenes": [
            {
                "video_prompts": ["A cat sits.", "A cat sleeps.", "A cat runs.", "A cat runs."],
                "cut": [True, False, False, True],
            }
        ],
    }
    plan = plan_story(story_from_data(data, source="s"), llm=None, links=ALL)
    assert [decision.link.kind for decision in plan.shots] == ["scene_cut", "MI2V", "MM2V", "scene_cut"]
    assert all(decision.decided_by == "script" for decision in plan.shots)
    assert "cut: false" in plan.shots[2].link.reason
    exact = two_shots({}, {"action": "runs", "link": Link(kind="MI2V", reason="a person chose it")})
    assert plan_story(exact, llm=None, links=ALL).shots[1].link.kind == "MI2V"


@pytest.mark.parametrize(
    "wanted, links, kind",
    [
        ("MM2V", {"scene_cut", "MI2V"}, "MI2V"),
        ("MI2V", {"scene_cut", "MM2V"}, "MM2V"),
        ("MM2V", {"scene_cut"}, "scene_cut"),
    ],
)
def test_what_the_generator_cannot_do_becomes_the_nearest_and_is_said(wanted, links, kind):
    story = two_shots({}, {"link": Link(kind=wanted, reason="mine")})
    decision = plan_story(story, llm=None, links=frozenset(links)).shots[1]
    assert decision.link.kind == kind
    assert f"cannot do {wanted}" in decision.link.reason
    assert decision.link.reason.startswith("mine")
    assert decision.notes == (f"b is joined by {kind}: the generator cannot do {wanted}",)


def test_a_generator_that_cannot_cut_is_refused():
    with pytest.raises(UsageError, match="scene_cut"):
        plan_story(two_shots({}, {}), llm=None, links=frozenset({"MI2V"}))


STORY = write_story("a cat's journey home", llm=None)


def kinds(plan: Plan) -> list[str]:
    return [decision.link.kind for decision in plan.shots]


def test_an_offline_film_uses_all_three_links():
    assert set(kinds(plan_story(STORY, llm=None, links=ALL))) == set(ALL)


@pytest.mark.parametrize(
    "notes, changes",
    [
        ("shot 2: cut", {2: "scene_cut"}),
        ("Shot 3 should be MM2V", {3: "MM2V"}),
        ("cut at shot 6", {6: "scene_cut"}),
        ("shot-06: cut", {6: "scene_cut"}),
        ("shots 2-4: cut", {2: "scene_cut", 3: "scene_cut", 4: "scene_cut"}),
        ("shot 3: join; shot 8: mi2v", {3: "MM2V", 8: "MI2V"}),
        ("shot 2 cut and shot 4 cut.", {2: "scene_cut", 4: "scene_cut"}),
        ("join shot 5\ncontinue shot 7", {5: "MM2V", 7: "MM2V"}),
        ("shot 1: scene_cut", {1: "scene_cut"}),
    ],
)
def test_simple_notes_are_obeyed(notes, changes):
    before = plan_story(STORY, llm=None, links=ALL)
    after = plan_story(STORY, llm=None, links=ALL, notes=notes, previous=before)
    for number, (old, new) in enumerate(zip(before.shots, after.shots, strict=True), start=1):
        if number in changes:
            assert (new.link.kind, new.decided_by) == (changes[number], "person"), number
        else:
            assert new == old


@pytest.mark.parametrize(
    "notes, words",
    [
        ("make it snappier", "edited plan"),
        ("shot 2: cut, and more drama", "more drama"),
        ("shot 9: cut", "shots 1 to 8"),
        ("shot 0: cut", "shots 1 to 8"),
        ("shots 5-3: cut", "shots 1 to 8"),
        ("shot nine: cut", "no shots"),
        ("shot 1: join", "opens the film"),
    ],
)
def test_notes_that_the_rules_cannot_follow_are_never_ignored(notes, words):
    with pytest.raises(AnswerError, match=words):
        plan_story(STORY, llm=None, links=ALL, notes=notes)


def test_a_note_for_a_link_that_the_generator_cannot_do():
    with pytest.raises(AnswerError, match="MM2V"):
        plan_story(STORY, llm=None, links=frozenset({"scene_cut", "MI2V"}), notes="shot 3: MM2V")
    joined = plan_story(STORY, llm=None, links=frozenset({"scene_cut", "MI2V"}), notes="shot 4: join")
    assert joined.shots[3].link.kind == "MI2V"


def test_what_a_person_decided_before_stays_until_the_notes_change_it():
    first = plan_story(STORY, llm=None, links=ALL, notes="shot 2: cut; shot 4: cut")
    second = plan_story(STORY, llm=None, links=ALL, notes="shot 4: join", previous=first)
    assert second.shots[1] == first.shots[1]
    assert second.shots[3].link.kind == "MM2V"


def answer(*pairs: tuple[str, str], reason: str = "because") -> PlanDraft:
    return PlanDraft(shots=[LinkDraft(shot=key, link=kind, reason=reason) for key, kind in pairs])


TWO = two_shots({}, {})
GOOD = answer(("a", "scene_cut"), ("b", "MM2V"), reason="it\nflows")


def test_a_models_plan_is_taken_with_its_reasons():
    llm = ScriptedLLM([GOOD])
    plan = plan_story(TWO, llm=llm, links=ALL)
    assert plan.shots[1].link == Link(kind="MM2V", reason="it flows")
    assert plan.shots[1].decided_by == "llm"
    assert plan.shots[1].remember == ("ada", "park")
    text = llm.asked[0].messages[1].text
    assert "b | scene 1 | place: the park | medium | camera still | in frame: Ada" in text
    assert "MI2V, MM2V, scene_cut" in text


@pytest.mark.parametrize(
    "story, bad, links, reason",
    [
        (TWO, answer(("a", "MI2V"), ("b", "MI2V")), ALL, "a: it opens the film"),
        (TWO, answer(("a", "scene_cut")), ALL, "every shot once, in this order: a, b"),
        (TWO, answer(("b", "scene_cut"), ("a", "scene_cut")), ALL, "every shot once"),
        (
            TWO,
            answer(("a", "scene_cut"), ("b", "MM2V")),
            frozenset({"scene_cut", "MI2V"}),
            "b: the generator cannot do MM2V",
        ),
        (TWO, answer(("a", "scene_cut"), ("b", "MI2V"), reason=" "), ALL, "the reason is missing"),
        (
            two_shots({}, {"scene": 2}),
            answer(("a", "scene_cut"), ("b", "MI2V")),
            ALL,
            "b: it is the first of its scene",
        ),
        (two_shots({}, {"place": "sea"}), answer(("a", "scene_cut"), ("b", "MI2V")), ALL, "in another place than a"),
        (
            two_shots({}, {"link": Link(kind="scene_cut")}),
            answer(("a", "scene_cut"), ("b", "MI2V")),
            ALL,
            "its link is fixed",
        ),
    ],
)
def test_a_plan_that_breaks_a_rule_goes_back_with_the_reason(story, bad, links, reason):
    llm = ScriptedLLM([bad, answer(("a", "scene_cut"), ("b", "scene_cut"))])
    assert kinds(plan_story(story, llm=llm, links=links)) == ["scene_cut", "scene_cut"]
    assert reason in llm.asked[1].messages[-1].text


def test_after_three_rounds_it_is_an_error_that_says_why():
    llm = ScriptedLLM([answer(("a", "MI2V"), ("b", "MI2V"))] * 3)
    with pytest.raises(LLMAnswerError, match=r"3 rounds.*opens the film"):
        plan_story(TWO, llm=llm, links=ALL)
    assert len(llm.asked) == 3


def test_an_answer_in_the_wrong_shape_costs_a_round():
    llm = ScriptedLLM([LLMAnswerError("cut off"), GOOD])
    assert kinds(plan_story(TWO, llm=llm, links=ALL)) == ["scene_cut", "MM2V"]
    with pytest.raises(LLMAnswerError, match="third"):
        plan_story(TWO, llm=ScriptedLLM([LLMAnswerError("1"), LLMAnswerError("2"), LLMAnswerError("third")]), links=ALL)


def test_notes_reach_the_model_and_what_the_rules_can_read_of_them_is_fixed():
    llm = ScriptedLLM([answer(("a", "scene_cut"), ("b", "MI2V")), answer(("a", "scene_cut"), ("b", "scene_cut"))])
    before = plan_story(TWO, llm=None, links=ALL)
    plan = plan_story(TWO, llm=llm, links=ALL, notes="shot 2: cut; calmer", previous=before)
    assert plan.shots[1].link.kind == "scene_cut"
    assert plan.shots[1].decided_by == "person"
    text = llm.asked[0].messages[1].text
    assert "calmer" in text
    assert "FIXED LINK: scene_cut" in text
    assert before.shots[1].link.reason in text


@pytest.mark.parametrize("shots, seed", list(itertools.product((1, 2, 5, 8, 13, 30), (0, 1))))
def test_any_offline_story_gets_a_plan_that_the_model_would_be_held_to(shots, seed):
    story = write_story("a dog and a robot at the sea", llm=None, shots=shots, seed=seed)
    plan = plan_story(story, llm=None, links=ALL)
    echo = ScriptedLLM([answer(*[(decision.shot, decision.link.kind) for decision in plan.shots])])
    assert kinds(plan_story(story, llm=echo, links=ALL)) == kinds(plan)
    assert len(echo.asked) == 1
