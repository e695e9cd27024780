"""StoryMem's choice for the next shot: a memory sink and a sliding window. Knows neither pictures nor text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

SINK = 3
"""Oldest keyframes that always stay (StoryMem, released programme)."""


def sink_size(limit: int, sink: int = SINK) -> int:
    """Return how many of the oldest keyframes are shown when not all can be.

    The sink holds who the film is about, the window how things look now. StoryMem defines the rule only for limits
    above the sink. At or below it, the sink takes half (at least one), because a memory of the sink alone would
    never learn anything after the first shots: limit 3 shows the oldest one and the newest two.
    """
    return sink if limit > sink else max(1, limit // 2)


def sink_and_window(items: Sequence[Item], limit: int, sink: int = SINK) -> tuple[Item, ...]:
    """Return at most `limit` items in their order: the oldest, then the newest.

    Args:
        items: oldest first.
        limit: 0 or more.
        sink: 0 or more.
    """
    if len(items) <= limit:
        return tuple(items)
    if limit <= 0:
        return ()
    oldest = sink_size(limit, sink)
    return (*items[:oldest], *items[len(items) - (limit - oldest):])
