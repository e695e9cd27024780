"""Where the film goes next: pure functions from state to the name of a node.

State fields and conditional edges, so that a checkpoint can be rewound. Knows no node's work.
"""

from __future__ import annotations

from typing import Literal

from filmagent.graphs.state import FilmState


def enter(state: FilmState) -> Literal["reopen", "write"]:
    """A redo of a finished film opens its shots; anything else starts with the story."""
    return "reopen" if state.get("redo") else "write"


def after_story(state: FilmState) -> Literal["write", "direct"]:
    """A rejected story is written again."""
    return "write" if state["answer"] == "reject" else "direct"


def after_plan(state: FilmState) -> Literal["direct", "open_shot"]:
    """A rejected plan is made again."""
    return "direct" if state["answer"] == "reject" else "open_shot"


def after_open(state: FilmState) -> Literal["recall", "assemble"]:
    """Film the next shot, or assemble when none is left."""
    return "recall" if state["shot"] else "assemble"


def after_review(state: FilmState) -> Literal["recall", "ask_take"]:
    """The critic's lever means another attempt; without one the take stands before the gate."""
    return "recall" if state.get("lever") else "ask_take"


def after_take(state: FilmState) -> Literal["recall", "accept"]:
    """A rejected or edited take is made again."""
    return "accept" if state["answer"] == "approve" else "recall"


def after_film(state: FilmState) -> Literal["reopen", "__end__"]:
    """Shots to redo go back before the camera; else the film is over."""
    return "reopen" if state.get("redo") else "__end__"
