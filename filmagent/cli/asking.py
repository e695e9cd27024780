"""Asks a person at a terminal. Knows the questions of the gates; nothing of the graph.

Editing happens in a file: the terminal offers approve, reject with notes, and stop; an edit is sent with
`filmagent resume RUN --answer FILE`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from filmagent.graphs.runner import Answer, OpenQuestion

PROMPTS = {
    "story": "[a]pprove, [r]eject with notes, [s]top here",
    "plan": "[a]pprove, [r]eject with notes, [s]top here",
    "take": "[a]pprove, [r]eject with notes, [s]top here",
    "film": "[a]pprove, [r]edo shots, [s]top here",
}


def ask_at_terminal(question: OpenQuestion, folder: Path, read: Callable[[], str], screen: TextIO) -> Answer | None:
    """Show a question and return the answer, or None when the person stops here."""
    asked = question.question
    screen.write(f"\n{asked.title}\n{asked.text}\n")
    if asked.picture:
        screen.write(f"picture: {folder / asked.picture}\n")
    for line in _scores(asked.facts):
        screen.write(line + "\n")
    while True:
        screen.write(f"{PROMPTS[asked.gate]}: ")
        screen.flush()
        word = read().strip().lower()
        if word in ("a", "approve"):
            return {"action": "approve"}
        if word in ("s", "stop", ""):
            return None
        if word in ("r", "reject", "redo"):
            return _rejection(asked.gate, asked.facts, read, screen)
        screen.write(f"{word!r} is none of these\n")


def _rejection(gate: str, facts: dict[str, Any], read: Callable[[], str], screen: TextIO) -> Answer:
    if gate != "film":
        screen.write("what should change? ")
        screen.flush()
        return {"action": "reject", "notes": read().strip()}
    screen.write(f"which shots ({', '.join(facts['shots'])})? ")
    screen.flush()
    return {"action": "reject", "redo": read().replace(",", " ").split()}


def _scores(facts: dict[str, Any]) -> list[str]:
    lines = []
    for number, review in enumerate(facts.get("attempts", []), start=1):
        scores = "  ".join(f"{name} {value:.2f}" for name, value in review["scores"].items())
        chosen = " <- this one" if review["take"] == facts.get("take") else ""
        lines.append(f"attempt {number}: {review['outcome']}  {scores}{chosen}")
    return lines
