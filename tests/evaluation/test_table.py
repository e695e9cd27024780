"""What the table says of its own figures, and how its plots show them."""

from __future__ import annotations

import numpy as np

from filmagent.evaluation.papercut.plots import CONTROL, MEMORY, bars, identity_by_distance
from filmagent.evaluation.papercut.statistics import Estimate
from filmagent.evaluation.papercut.table import Table, as_markdown


def figure(value, *, stories=20, asked=60.0):
    return Estimate(value, value - 0.1, value + 0.1, stories, asked)


def table(**cells):
    return Table(rows=tuple(cells), says=dict.fromkeys(cells, "a row"), cells=cells, chance={}, probe_error={},
                 differences={}, about={})


def counted(of):
    return [line for line in as_markdown(of).splitlines() if line.startswith("| counted")]


def test_how_much_was_counted_is_said_where_all_rows_were_asked_the_same():
    rows = table(
        cover={"identity at 1": figure(0.7), "identity at 2": figure(0.6, stories=3, asked=9)},
        truth={"identity at 1": figure(0.9), "identity at 2": figure(0.8, stories=3, asked=8)},
    )
    assert counted(rows) == ["| counted (in stories) | 60 (20) | varies" + " | -" * 7 + " |"]
    differing = table(cover={"in memory: right": figure(0.7)}, truth={"in memory: right": figure(0.7, asked=3)})
    assert not counted(differing)


def drawn(image, colour):
    return int((np.asarray(image) == colour).all(axis=-1).sum())


def test_every_row_has_a_panel_and_controls_are_grey():
    one, both = (
        table(**{name: {name_of: figure(0.7) for name_of in ("identity", "identity at 1")} for name in names})
        for names in (("cover",), ("cover", "truth"))
    )
    for draw in (identity_by_distance, bars):
        assert drawn(draw(both), MEMORY) == drawn(draw(one), MEMORY) > 0
        assert drawn(draw(both), CONTROL) > drawn(draw(one), CONTROL)


def test_few_stories_behind_a_point_leave_it_hollow():
    few, many = (table(cover={"identity at 1": figure(0.7, stories=count)}) for count in (2, 20))
    assert 0 < drawn(identity_by_distance(few), MEMORY) < drawn(identity_by_distance(many), MEMORY)
