"""People at the gates: approve, reject, edit, wrong answers, and nobody there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filmagent.delivery.manifest import read_manifest
from filmagent.errors import AnswerError, UsageError
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import OpenQuestion, RunResult, check_answer, run_film
from filmagent.settings import Gate, Settings
from tests.support.stories import story
from tests.support.toy_generator import ToyGenerator
from tests.support.toy_studio import toy_studio

Person = Callable[[OpenQuestion], dict[str, Any] | None]


def run(
    folder: Path, ask: tuple[Gate, ...], person: Person, generator: ToyGenerator | None = None, *, logline: str = ""
) -> RunResult:
    request = RunRequest(logline=logline, story=None if logline else story(3), settings=Settings(ask=ask))
    return run_film(folder, request=request, studio=toy_studio(generator), ask=person)


class Answers:
    """A person with a script; remembers the questions."""

    def __init__(self, *answers: dict[str, Any] | None) -> None:
        self.answers, self.questions = list(answers), []

    def __call__(self, question: OpenQuestion) -> dict[str, Any] | None:
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else {"action": "approve"}


def test_nobody_there_stops_before_anything_is_filmed(tmp_path: Path):
    generator = ToyGenerator()
    result = run(tmp_path, ("story",), lambda question: None, generator)
    assert result.film is None
    assert result.waiting[0].question.gate == "story"
    assert result.waiting[0].question.facts["story"]["title"] == "Marlow goes home"
    assert generator.requests == []
    with pytest.raises(UsageError, match="waits for an answer"):
        _ = result.film_path


def test_every_gate_asks_once_and_approval_goes_on(tmp_path: Path):
    person = Answers()
    result = run(tmp_path, ("story", "plan", "take", "film"), person)
    assert [question.question.gate for question in person.questions] == [
        "story",
        "plan",
        "take",
        "take",
        "take",
        "film",
    ]
    assert result.film is not None
    assert result.film.status == "done"
    assert {record.accepted_by for record in read_manifest(tmp_path / "film.json").shots} == {"person"}


def test_an_answer_later_goes_on_where_it_stopped(tmp_path: Path):
    generator = ToyGenerator()
    run(tmp_path, ("take",), lambda question: None, generator)
    assert len(generator.requests) == 1
    result = run_film(tmp_path, studio=toy_studio(generator), ask=Answers())
    assert result.film is not None
    assert len(generator.requests) == 3


def test_a_rejected_story_is_written_again_with_the_notes(tmp_path: Path):
    person = Answers({"action": "reject", "notes": "a dog instead"}, {"action": "approve"})
    run(tmp_path, ("story",), person, logline="a cat's journey home")
    first, second = (question.question.facts["story"] for question in person.questions)
    assert first != second


def test_an_edited_story_is_the_one_that_is_filmed(tmp_path: Path):
    generator, edited = ToyGenerator(), story(2)
    run(tmp_path, ("story",), Answers({"action": "edit", "story": edited.model_dump(mode="json")}), generator)
    assert [request.prompt for request in generator.requests] == [shot.caption for shot in edited.shots]


def test_an_edited_plan_changes_the_link_and_says_who_decided(tmp_path: Path):
    def person(question: OpenQuestion) -> dict[str, Any]:
        plan = question.question.facts["plan"]
        plan["shots"][1]["link"] = {"kind": "MM2V", "reason": "one movement"}
        return {"action": "edit", "plan": plan}

    generator = ToyGenerator()
    run(tmp_path, ("plan",), person, generator)
    assert generator.requests[1].link == "MM2V"
    plan = read_manifest(tmp_path / "film.json").plan
    assert plan.shots[1].decided_by == "person"
    assert plan.shots[0].decided_by != "person"


def test_a_plan_that_leaves_out_a_shot_is_refused_and_the_gate_stays_open(tmp_path: Path):
    def person(question: OpenQuestion) -> dict[str, Any]:
        plan = question.question.facts["plan"]
        return {"action": "edit", "plan": {"shots": plan["shots"][:2]}}

    with pytest.raises(AnswerError, match="every shot once"):
        run(tmp_path, ("plan",), person)
    result = run_film(tmp_path, studio=toy_studio(), ask=Answers())
    assert result.film is not None


def test_a_rejected_take_is_made_again_with_the_persons_words(tmp_path: Path):
    generator = ToyGenerator()
    run(tmp_path, ("take",), Answers({"action": "reject", "notes": "at night"}), generator)
    first, second = generator.requests[:2]
    assert second.prompt == f"{first.prompt} at night"
    assert second.seed != first.seed


def test_an_edited_take_changes_caption_and_seed(tmp_path: Path):
    generator = ToyGenerator()
    run(tmp_path, ("take",), Answers({"action": "edit", "caption": "Marlow the cat sleeps.", "seed": 77}), generator)
    assert (generator.requests[1].prompt, generator.requests[1].seed) == ("Marlow the cat sleeps.", 77)
    assert read_manifest(tmp_path / "film.json").story.shots[0].caption == "Marlow the cat sleeps."


def test_an_earlier_attempt_can_be_chosen(tmp_path: Path):
    def person(question: OpenQuestion) -> dict[str, Any]:
        attempts = question.question.facts["attempts"]
        if question.question.facts["shot"] == "shot-01" and len(attempts) == 1:
            return {"action": "reject", "notes": ""}
        return {"action": "approve", "take": attempts[0]["take"]}

    run(tmp_path, ("take",), person)
    record = read_manifest(tmp_path / "film.json").shots[0]
    assert len(record.attempts) == 2
    assert record.chosen.key == record.attempts[0].key


def test_the_film_gate_sends_shots_back(tmp_path: Path):
    generator = ToyGenerator()
    person = Answers({"action": "reject", "redo": ["shot-03"]}, {"action": "approve"})
    result = run(tmp_path, ("film",), person, generator)
    assert result.film is not None
    assert len(generator.requests) == 4
    assert generator.requests[3].prompt == generator.requests[2].prompt
    assert generator.requests[3].seed != generator.requests[2].seed


def test_a_film_can_be_rejected_for_good(tmp_path: Path):
    result = run(tmp_path, ("film",), Answers({"action": "reject"}))
    assert result.film is not None
    assert result.film.status == "rejected"


@pytest.mark.parametrize(
    ("gate", "answer", "words"),
    [
        ("story", {"action": "maybe"}, "action"),
        ("story", {"action": "edit"}, "story"),
        ("take", {"action": "edit"}, "caption"),
        ("take", {"action": "approve", "colour": "red"}, "colour"),
        ("film", {"action": "approve", "redo": ["shot-01"]}, "redo"),
        ("story", {"question": "another", "action": "approve"}, "another"),
    ],
)
def test_wrong_answers_are_refused_with_what_does_not_fit(
    tmp_path: Path, gate: Gate, answer: dict[str, Any], words: str
):
    result = run(tmp_path, (gate,), lambda question: None)
    with pytest.raises(AnswerError, match=words):
        check_answer(result.waiting[0], answer)


def test_redo_waits_for_an_open_question(tmp_path: Path):
    run(tmp_path, ("film",), lambda question: None)
    with pytest.raises(UsageError, match="answer"):
        run_film(tmp_path, studio=toy_studio(), redo=("shot-01",))
