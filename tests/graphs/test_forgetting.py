"""The node that watches for forgetting: whom it draws, and what it tells the director and the manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from langgraph.runtime import Runtime

from filmagent.graphs.context import FilmContext
from filmagent.graphs.forgetting import watch
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.run_memory import read_memory
from filmagent.graphs.runner import run_film
from filmagent.graphs.state import FilmState
from filmagent.schemas.plan import Plan
from filmagent.settings import Settings
from tests.support.painter import Painter, painters_studio
from tests.support.stories import story
from tests.support.toy_studio import toy_studio

SETTINGS = Settings(memory="cover")
FORGETFUL = ("white", "dog")


@pytest.fixture(scope="module")
def filmed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "film"
    run_film(folder, request=RunRequest(story=story(3), settings=SETTINGS), studio=painters_studio(Painter()))
    return folder


@pytest.fixture
def run(filmed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filmed, tmp_path / "film")


def state_after(run: Path, shot: str, **more: object) -> FilmState:
    """The state as it was when a shot had just been accepted."""
    state = read_memory(run).state
    done = {key: entry for key, entry in state["accepted"].items() if key <= shot}
    return FilmState(**{**state, "accepted": done, "shot": shot, **more})  # type: ignore[typeddict-item]


def watched(run: Path, studio, state: FilmState) -> tuple[FilmState, list[str]]:
    events: list[str] = []
    asked = SETTINGS.model_copy(update={"watch_forgetting": True})
    runtime = Runtime(context=FilmContext(**asked.model_dump(), run_dir=str(run)),
                      stream_writer=lambda event: events.append(event["text"]))
    return watch(studio, state, runtime), events


def test_nothing_is_drawn_unless_it_is_asked_for(run: Path):
    runtime = Runtime(context=FilmContext(**SETTINGS.model_dump(), run_dir=str(run)), stream_writer=print)
    assert watch(painters_studio(Painter(forgets=FORGETFUL)), state_after(run, "shot-01"), runtime) == {}
    assert not (run / "reconstructions").exists()


def test_a_subject_that_memory_gives_back_changes_nothing(run: Path):
    assert watched(run, painters_studio(Painter()), state_after(run, "shot-01")) == ({}, [])
    assert (run / "reconstructions/marlow.png").is_file()


def test_the_director_is_told_in_the_plans_to_come_and_in_the_manifest(run: Path):
    update, events = watched(run, painters_studio(Painter(forgets=FORGETFUL)), state_after(run, "shot-01"))
    (line,) = update["decisions"]
    assert line.startswith("Marlow the cat is being forgotten: drawn from memory after shot-01")
    assert events == [line]
    first, *later = Plan.model_validate(update["plan"]).shots
    assert line not in first.notes
    for decision in later:
        assert line in decision.notes
        assert "marlow" in decision.remember


def test_what_is_told_later_replaces_what_was_told_before(run: Path):
    studio = painters_studio(Painter(forgets=FORGETFUL))
    first, _ = watched(run, studio, state_after(run, "shot-01"))
    update, _ = watched(run, studio, state_after(run, "shot-02", plan=first["plan"]))
    notes = [note for note in Plan.model_validate(update["plan"]).for_shot("shot-03").notes if "forgotten" in note]
    assert notes == update["decisions"]
    assert "after shot-02" in notes[0]


def test_whoever_does_not_come_again_is_not_drawn(run: Path):
    painter = Painter(forgets=FORGETFUL)
    assert watched(run, painters_studio(painter), state_after(run, "shot-03")) == ({}, [])
    assert painter.requests == []


def test_what_cannot_be_measured_is_said_once_and_not_drawn(run: Path):
    state = state_after(run, "shot-01")
    update, _ = watched(run, toy_studio(), state)
    assert update == {"decisions": ["forgetting is not measured: no CLIP model goes with generator toy"]}
    state["decisions"] = [*state["decisions"], *update["decisions"]]
    assert watched(run, toy_studio(), state) == ({}, [])
    assert not (run / "reconstructions").exists()
