"""What runs on disk and hosts rely on: renaming any of it breaks them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from filmagent import FilmContext, build_graph
from filmagent.graphs.state import FilmState
from tests.support.stories import story
from tests.support.toy_studio import toy_studio

ROOT = Path(__file__).parents[2]


def test_node_names_are_a_storage_format():
    assert set(build_graph().get_graph().nodes) == {
        "__start__",
        "write",
        "ask_story",
        "direct",
        "ask_plan",
        "open_shot",
        "recall",
        "generate",
        "review",
        "ask_take",
        "accept",
        "watch",
        "assemble",
        "ask_film",
        "reopen",
        "__end__",
    }


def test_state_keys_are_a_storage_format():
    assert set(get_type_hints(FilmState)) == {
        "logline",
        "story",
        "redo",
        "film",
        "status",
        "story_from",
        "notes",
        "answer",
        "plan",
        "references",
        "shot",
        "order",
        "lever",
        "candidate",
        "seeds",
        "reviews",
        "accepted",
        "decisions",
    }


def test_the_graph_draws_itself_with_every_route():
    drawing = build_graph().get_graph().draw_mermaid()
    for arrow in ("review -.-> recall", "ask_film -.-> reopen", "ask_story -.-> write", "accept --> watch",
                  "watch --> open_shot"):
        assert arrow in drawing


def test_langgraph_json_points_at_a_graph_without_checkpointer():
    from importlib import import_module

    path, _, name = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["film"].partition(":")
    module = import_module(path.removeprefix("./").removesuffix(".py").replace("/", "."))
    assert getattr(module, name).checkpointer is None


def test_a_host_embeds_the_graph_with_its_own_checkpointer_and_context(tmp_path: Path):
    class Host(TypedDict, total=False):
        story: dict[str, Any]
        film: dict[str, Any]
        status: str
        log: Annotated[list[str], lambda old, new: old + new]

    def intro(state: Host) -> Host:
        return {"log": ["intro"], "story": story(2).model_dump(mode="json")}

    host = StateGraph(Host)
    host.add_node("intro", intro)
    host.add_node("film", build_graph(studio=toy_studio()))
    host.add_edge(START, "intro")
    host.add_edge("intro", "film")
    host.add_edge("film", END)
    app = host.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    context = FilmContext(run_dir=str(tmp_path), ask=("film",))
    stopped = app.invoke({"log": []}, thread, context=context, version="v2")
    assert [entry.value["gate"] for entry in stopped.interrupts] == ["film"]
    done = app.invoke(
        Command(resume={stopped.interrupts[0].id: {"action": "approve"}}), thread, context=context, version="v2"
    )
    assert done.value["status"] == "done"
    assert done.value["log"] == ["intro"]
    assert (tmp_path / done.value["film"]["path"]).is_file()


def test_an_answer_that_cannot_be_carried_out_is_asked_for_again(tmp_path: Path):
    app = build_graph(InMemorySaver(), studio=toy_studio())
    thread = {"configurable": {"thread_id": "1"}}
    context = FilmContext(run_dir=str(tmp_path), ask=("film",))
    stopped = app.invoke({"story": story(1).model_dump(mode="json")}, thread, context=context, version="v2")
    for answer in ({"action": "reject", "redo": ["shot-99"]}, {"action": "reject", "redo": ["shot-98"]}):
        resume = Command(resume={stopped.interrupts[0].id: answer})
        stopped = app.invoke(resume, thread, context=context, version="v2")
        assert answer["redo"][0] in stopped.interrupts[0].value["text"]
    done = app.invoke(
        Command(resume={stopped.interrupts[0].id: {"action": "approve"}}), thread, context=context, version="v2"
    )
    assert done.value["status"] == "done"


def test_a_host_with_a_context_of_its_own_gets_the_defaults(tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)

    class HostContext(TypedDict):
        tenant: str

    app = StateGraph(FilmState, context_schema=HostContext)
    app.add_node("film", build_graph(studio=toy_studio()))
    app.add_edge(START, "film")
    graph = app.compile(checkpointer=InMemorySaver())
    graph.invoke(
        {"story": story(1).model_dump(mode="json")}, {"configurable": {"thread_id": "tenant-7"}}, context=object()
    )
    assert (tmp_path / "runs" / "tenant-7" / "film.mp4").is_file()
