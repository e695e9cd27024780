"""The progress bar: it runs from nothing to the end, however many steps a take has."""

from __future__ import annotations

import pytest

from filmagent.cli.progress import Progress


def take(progress, index, steps, attempt=1, of=3):
    position = {"index": index, "of": of, "attempt": attempt, "link": "scene_cut", "caption": "A cat walks."}
    progress({"event": "shot", **position})
    for step in range(1, steps + 1):
        progress({"event": "step", **position, "step": step, "steps": steps})


def test_takes_of_different_lengths_fill_the_bar_exactly(capsys):
    with Progress(quiet=False) as progress:
        for index, steps in enumerate((17, 29, 14)):
            take(progress, index, steps)
        assert progress._bar.n == pytest.approx(progress._bar.total) == pytest.approx(3)
    assert "100 %" in capsys.readouterr().err


def test_a_retake_lengthens_the_bar():
    with Progress(quiet=False) as progress:
        take(progress, 0, 4)
        progress({"event": "review", "outcome": "retake", "reason": "frozen"})
        take(progress, 0, 6, attempt=2)
        assert (progress._bar.n, progress._bar.total) == (pytest.approx(2), 4)


def test_steps_that_are_reported_twice_do_not_count_twice():
    with Progress(quiet=False) as progress:
        position = {"index": 0, "of": 2, "attempt": 1, "link": "MI2V", "caption": "A cat sits."}
        for step in (1, 1, 2, 2):
            progress({"event": "step", **position, "step": step, "steps": 4})
        assert progress._bar.n == pytest.approx(0.5)


def test_a_quiet_one_says_nothing(capsys):
    with Progress(quiet=True) as progress:
        take(progress, 0, 3)
    assert capsys.readouterr().err == ""
