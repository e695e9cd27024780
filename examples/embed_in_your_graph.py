"""filmagent inside another LangGraph app, with the host's own checkpointer and an approval.

The host's graph writes the logline; the film graph stops at its story gate; the host answers and the film is made.

    python examples/embed_in_your_graph.py
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from filmagent import FilmContext, build_graph


class Campaign(TypedDict, total=False):
    """The host's state. `logline`, `film` and `status` are shared with the film graph by name."""

    product: str
    logline: str
    film: dict[str, Any]
    status: str


def pitch(state: Campaign) -> Campaign:
    """Turn a product into a logline."""
    return {"logline": f"a fox finds a lost {state['product']} and brings it home"}


def main(out: str = "runs/campaign", generator: str = "papercut", shots: int = 6) -> dict[str, Any]:
    """Run the host's graph, approve the story, and return the film."""
    host = StateGraph(Campaign, context_schema=FilmContext)
    host.add_node("pitch", pitch)
    host.add_node("film", build_graph())
    host.add_edge(START, "pitch")
    host.add_edge("pitch", "film")
    host.add_edge("film", END)
    app = host.compile(checkpointer=InMemorySaver())

    thread = {"configurable": {"thread_id": "campaign-1"}}
    context = FilmContext(run_dir=out, generator=generator, shots=shots, ask=("story",))
    stopped = app.invoke({"product": "lantern"}, thread, context=context, version="v2")
    question = stopped.interrupts[0]
    print(question.value["title"])

    answers = {question.id: {"action": "approve"}}  # by id: a stale answer can never answer another question
    done = app.invoke(Command(resume=answers), thread, context=context, version="v2")
    film: dict[str, Any] = done.value["film"]
    return film


if __name__ == "__main__":
    print(main())
