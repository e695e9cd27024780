"""Sink and window: what the next shot is shown of a bank that is too large."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.memory.window import SINK, sink_and_window, sink_size

LENGTHS, LIMITS = st.integers(0, 40), st.integers(0, 12)


@pytest.mark.parametrize(("length", "limit", "shown"), [
    (12, 10, (0, 1, 2, 5, 6, 7, 8, 9, 10, 11)),  # StoryMem as released: three oldest, seven newest
    (10, 10, tuple(range(10))),
    (6, 4, (0, 1, 2, 5)),
    (6, 3, (0, 4, 5)),  # limit equal to the sink
    (6, 2, (0, 5)),
    (6, 1, (0,)),
    (6, 0, ()),
    (0, 5, ()),
])
def test_what_is_shown(length, limit, shown):
    assert sink_and_window(range(length), limit) == shown


@given(LENGTHS, LIMITS)
def test_order_is_kept_nothing_comes_twice_and_the_limit_holds(length, limit):
    shown = sink_and_window(range(length), limit)
    assert list(shown) == sorted(set(shown))
    assert len(shown) == min(length, limit)


@given(LENGTHS, LIMITS)
def test_the_sink_stays_and_the_newest_is_seen(length, limit):
    shown = sink_and_window(range(length), limit)
    oldest = range(min(length, limit, SINK if limit > SINK else sink_size(limit)))
    assert set(oldest) <= set(shown)
    if length and limit >= 2:
        assert length - 1 in shown


@given(LENGTHS, LIMITS, st.integers(1, 5))
def test_what_was_in_the_sink_once_stays_in_it(length, limit, more):
    before = sink_and_window(range(length), limit)[:sink_size(limit)] if length > limit > 0 else ()
    assert sink_and_window(range(length + more), limit)[:len(before)] == before
