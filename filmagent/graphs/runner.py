"""Runs the graph in a run folder: starts, goes on after a crash, resumes at a gate, opens shots again.

The checkpoint decides what is next, not the caller. One process a folder. Knows nothing of terminals: questions and
events go to callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, Interrupt, StateSnapshot
from pydantic import ValidationError

from filmagent.errors import AnswerError, UsageError
from filmagent.graphs.build import FilmGraph, build_graph
from filmagent.graphs.context import FilmContext
from filmagent.graphs.questions import ANSWERS, Question, problem_with
from filmagent.graphs.run_folder import RunRequest, only_worker, read_request, write_request
from filmagent.graphs.stale import Stale, stale_in_run
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.story import Story
from filmagent.schemas.take import Film

Event = Mapping[str, Any]
Answer = Mapping[str, Any]
THREAD: RunnableConfig = {"configurable": {"thread_id": "film"}, "recursion_limit": 10_000}
"""One thread a folder. Attempts are bounded by the critic's budget, not by a number of steps."""


@dataclass(frozen=True)
class OpenQuestion:
    """A question that waits for a person."""

    id: str
    question: Question


@dataclass(frozen=True)
class RunResult:
    """Where a run stands after it was worked on: finished, or waiting for answers."""

    folder: Path
    film: Film | None = None
    waiting: tuple[OpenQuestion, ...] = ()
    decisions: tuple[str, ...] = field(default=())

    @property
    def film_path(self) -> Path:
        """The film's file. Raises UsageError while the run waits for a person."""
        if self.film is None:
            raise UsageError(f"{self.folder} has no film yet: it waits for an answer")
        return self.folder / self.film.path


def ignore(event: Event) -> None:
    """Do nothing with an event."""


def leave_open(question: OpenQuestion) -> Answer | None:
    """Answer nothing: the run stops and waits."""
    return None


def run_film(
    folder: Path,
    *,
    request: RunRequest | None = None,
    studio: Studio | None = None,
    on_event: Callable[[Event], None] = ignore,
    ask: Callable[[OpenQuestion], Answer | None] = leave_open,
    redo: tuple[str, ...] = (),
) -> RunResult:
    """Work on a run until it is finished or waits for a person.

    Args:
        folder: the run folder; with `request` it is made when it does not exist.
        request: what to make; None: what the folder was asked for.
        studio: live things; None: those that the settings name.
        on_event: called with every progress event, a small mapping with the key `event`.
        ask: called with every open question; returns the answer as JSON, or None to stop and wait.
        redo: ids of shots of a finished film to make again.

    Raises:
        FilmAgentError: of the class that fits what went wrong. The folder can be worked on again.
    """
    studio = studio or Studio()
    if request is not None:
        studio.policy(request.settings)  # raises when generator and memory do not go together, before anything is paid
        write_request(folder, request)
    request = request or read_request(folder)
    context = FilmContext(**request.settings.model_dump(), run_dir=str(folder))
    with only_worker(folder), SqliteSaver.from_conn_string(str(folder / "run.sqlite")) as saver:
        graph = build_graph(saver, studio=studio)
        pending_redo = list(redo)
        while True:
            snapshot = graph.get_state(THREAD)
            if snapshot.interrupts:
                if pending_redo:
                    raise UsageError(f"{folder} waits for an answer; give it before redoing shots")
                answers = _collect(snapshot.interrupts, ask)
                if answers is None:
                    return _result(folder, snapshot)
                _advance(graph, Command(resume=answers), context, on_event)
            elif snapshot.next:
                _advance(graph, None, context, on_event)
            elif snapshot.values.get("film") and not pending_redo:
                return _result(folder, snapshot)
            elif snapshot.values.get("film"):
                _check_shots(snapshot, pending_redo)
                _advance(graph, {"redo": {"shots": pending_redo, "reason": "asked for"}}, context, on_event)
                pending_redo = []
            elif pending_redo:
                raise UsageError(f"{folder} has no finished film yet; `filmagent resume {folder}` finishes it")
            else:
                _advance(graph, _first_input(request), context, on_event)


def state_of(folder: Path) -> RunResult:
    """Return where a run stands, without working on it."""
    with SqliteSaver.from_conn_string(str(folder / "run.sqlite")) as saver:
        return _result(folder, build_graph(saver).get_state(THREAD))


def what_becomes_stale(folder: Path, shots: tuple[str, ...]) -> tuple[Stale, ...]:
    """Return the shots that a redo of these makes again, each with the reason. Raises UsageError for unknown shots."""
    with SqliteSaver.from_conn_string(str(folder / "run.sqlite")) as saver:
        snapshot = build_graph(saver).get_state(THREAD)
    if not snapshot.values.get("film"):
        raise UsageError(f"{folder} has no finished film yet; `filmagent resume {folder}` finishes it")
    _check_shots(snapshot, shots)
    return stale_in_run(cast("FilmState", snapshot.values), TakeStore(folder), shots)


def check_answer(question: OpenQuestion, answer: Answer) -> Answer:
    """Return the answer if it fits the question's gate. Raises AnswerError with what does not fit."""
    given = {key: value for key, value in answer.items() if key != "question"}
    if answer.get("question") not in (None, question.id):
        raise AnswerError(
            f"the answer is for question {answer['question']!r}, but {question.id!r} is open "
            f"(gate {question.question.gate!r})"
        )
    try:
        checked = ANSWERS[question.question.gate].model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise AnswerError(
            f"the answer does not fit gate {question.question.gate!r}: {where}: {first['msg']}"
        ) from error
    if problem := problem_with(question.question, checked):
        raise AnswerError(f"the answer cannot be carried out: {problem}")
    return given


def _first_input(request: RunRequest) -> dict[str, Any]:
    story = request.story
    return {"logline": request.logline, "story": None if story is None else story.model_dump(mode="json")}


def _advance(graph: FilmGraph, step: Any, context: FilmContext, on_event: Callable[[Event], None]) -> None:
    """Run until the graph finishes or stops at a gate; every step is on disk before the next begins."""
    for part in graph.stream(step, THREAD, context=context, stream_mode="custom", durability="sync"):
        on_event(part)


def _collect(
    interrupts: tuple[Interrupt, ...], ask: Callable[[OpenQuestion], Answer | None]
) -> dict[str, Answer] | None:
    answers: dict[str, Answer] = {}
    for question in _questions(interrupts):
        answer = ask(question)
        if answer is None:
            return None
        answers[question.id] = check_answer(question, answer)
    return answers


def _questions(interrupts: tuple[Interrupt, ...]) -> tuple[OpenQuestion, ...]:
    return tuple(OpenQuestion(entry.id, Question.model_validate(entry.value)) for entry in interrupts)


def _result(folder: Path, snapshot: StateSnapshot) -> RunResult:
    values = snapshot.values
    finished = bool(values.get("film")) and not snapshot.next
    return RunResult(
        folder=folder,
        film=Film.model_validate(values["film"]) if finished else None,
        waiting=_questions(snapshot.interrupts),
        decisions=tuple(values.get("decisions", [])),
    )


def _check_shots(snapshot: StateSnapshot, shots: tuple[str, ...] | list[str]) -> None:
    known = [shot.id for shot in Story.model_validate(snapshot.values["story"]).shots]
    for key in shots:
        if key not in known:
            raise UsageError(f"--shot {key!r}: the film has no such shot; it has {', '.join(known)}")
