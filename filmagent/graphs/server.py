"""The graph that `langgraph.json` points at, for LangGraph Studio and its server. They bring the checkpointer."""

from filmagent.graphs.build import build_graph

graph = build_graph()
