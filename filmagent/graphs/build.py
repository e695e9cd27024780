"""The graph: which nodes there are and how they follow each other.

    story -> gate -> plan -> gate -> for each shot: recall, generate, review, (retake), gate, accept, watch -> film
    -> gate

Without a checkpointer by default: a host, LangGraph's server or the command line brings its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from filmagent.graphs import film_nodes, forgetting, gates, routes, shot_nodes, story_nodes
from filmagent.graphs.context import FilmContext
from filmagent.graphs.state import FilmInput, FilmOutput, FilmState
from filmagent.graphs.studio import Studio

FilmGraph = CompiledStateGraph[FilmState, FilmContext, FilmInput, FilmOutput]


def build_graph(checkpointer: BaseCheckpointSaver[Any] | None = None, *, studio: Studio | None = None) -> FilmGraph:
    """Build the graph that turns a logline into a film.

    Invoke it with `{"logline": "a cat's journey home"}` (or `{"story": ...}`), a `thread_id`, and optionally a
    `FilmContext`. Gates in the context's `ask` interrupt with a `Question` and take an answer of
    `filmagent.graphs.questions`; they need a checkpointer, the host's when the graph is embedded.

    Args:
        checkpointer: where steps are saved; None for an embedded graph, which uses its host's.
        studio: the live things (generator, LLM, critic); None: those that the context names.
    """
    studio = studio or Studio()
    graph = StateGraph(FilmState, context_schema=FilmContext, input_schema=FilmInput, output_schema=FilmOutput)
    graph.add_node("write", partial(story_nodes.write, studio))
    graph.add_node("ask_story", gates.ask_story)
    graph.add_node("direct", partial(story_nodes.direct, studio))
    graph.add_node("ask_plan", partial(gates.ask_plan, studio))
    graph.add_node("open_shot", shot_nodes.open_shot)
    graph.add_node("recall", partial(shot_nodes.recall, studio))
    graph.add_node("generate", partial(shot_nodes.generate, studio))
    graph.add_node("review", partial(shot_nodes.review, studio))
    graph.add_node("ask_take", partial(gates.ask_take, studio))
    graph.add_node("accept", partial(shot_nodes.accept, studio))
    graph.add_node("watch", partial(forgetting.watch, studio))
    graph.add_node("assemble", partial(film_nodes.assemble, studio))
    graph.add_node("ask_film", gates.ask_film)
    graph.add_node("reopen", film_nodes.reopen)

    graph.add_conditional_edges(START, routes.enter, ["reopen", "write"])
    graph.add_edge("write", "ask_story")
    graph.add_conditional_edges("ask_story", routes.after_story, ["write", "direct"])
    graph.add_edge("direct", "ask_plan")
    graph.add_conditional_edges("ask_plan", routes.after_plan, ["direct", "open_shot"])
    graph.add_conditional_edges("open_shot", routes.after_open, ["recall", "assemble"])
    graph.add_edge("recall", "generate")
    graph.add_edge("generate", "review")
    graph.add_conditional_edges("review", routes.after_review, ["recall", "ask_take"])
    graph.add_conditional_edges("ask_take", routes.after_take, ["recall", "accept"])
    graph.add_edge("accept", "watch")
    graph.add_edge("watch", "open_shot")
    graph.add_edge("assemble", "ask_film")
    graph.add_conditional_edges("ask_film", routes.after_film, ["reopen", END])
    graph.add_edge("reopen", "open_shot")
    return graph.compile(checkpointer=checkpointer, name="filmagent")
