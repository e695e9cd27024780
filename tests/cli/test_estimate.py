"""`--estimate` and `--memory-budget` as a person types them; and the line at the start of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmagent.cli import main
from filmagent.cli.estimate import StartLine, in_one_line, in_words
from filmagent.graphs.estimate import Estimate
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.studio import Studio
from filmagent.settings import Settings
from tests.support.own_folder import in_a_folder  # noqa: F401  # a fixture
from tests.support.tiny_wan import build_tiny_wan, tiny_generator
from tests.support.toy_studio import toy_studio

TOY = "tests.support.toy_generator:toy"
KNOWN = Estimate(
    generator="papercut", machine="CPU with 2 threads", shots=8, takes=12.0, takes_most=16, seconds=150.0,
    seconds_least=90.0, seconds_most=200.0, peak_bytes=3 * 2**30, room_bytes=24 * 2**30, rung="resident",
    disk_bytes=5 * 2**20, model_bytes=2**30, calibrated_on=14, last_error=-0.12, rests_on=("a formula",),
)


def test_estimate_makes_nothing_and_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["a cat's journey home", "--shots", "6", "--estimate", "--json", "--memory-budget", "2GiB"]) == 0
    out, err = capsys.readouterr()
    estimate = json.loads(out)
    assert (estimate["generator"], estimate["shots"], estimate["room_bytes"]) == ("papercut", 6, 2 * 2**30)
    assert estimate["seconds_least"] <= estimate["seconds"] <= estimate["seconds_most"]
    assert estimate["rests_on"]
    assert err == ""
    assert list(tmp_path.iterdir()) == []


def test_estimate_needs_a_generator_that_tells_its_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["a cat's journey home", "--generator", TOY, "--estimate"]) == 2
    assert "does not tell" in capsys.readouterr().err
    assert main(["a cat's journey home", "--generator", TOY, "--memory-budget", "24GiB"]) == 2
    assert "no memory ladder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", ["24", "GiB", "0GiB", "-1GiB", "24 gibberish", "1e3GB"])
def test_sizes_that_cannot_be_read_are_refused(size: str, capsys: pytest.CaptureFixture[str]):
    assert main(["a cat", f"--memory-budget={size}", "--estimate"]) == 2
    assert "write a size such as 24GiB" in capsys.readouterr().err


def test_words_say_time_memory_disk_and_what_they_rest_on():
    text = in_words(KNOWN)
    for words in ("8 shots with papercut", "2.5 min for 12 takes", "90 s without a retake", "3.00 GiB at its peak",
                  "5 MiB for the run", "-12% off", "- a formula"):
        assert words in text
    assert "MORE THAN THERE IS" in in_words(KNOWN.model_copy(update={"room_bytes": 2**30}))


def test_the_line_says_when_it_is_not_calibrated():
    assert "about 2.5 min (from 14 earlier takes, the last one was -12% off)" in in_one_line(KNOWN)
    unknown = KNOWN.model_copy(update={"seconds": None, "calibrated_on": 0})
    assert "time unknown" in in_one_line(unknown)


def test_the_line_comes_once_with_the_first_shot_and_before_weights(tmp_path: Path):
    generator = tiny_generator(build_tiny_wan(tmp_path / "wan"))
    start = StartLine(RunRequest(logline="a cat"), Studio(make_generator=lambda settings: generator), tmp_path)
    assert start.line_for({"event": "reused"}) is None
    line = start.line_for({"event": "shot", "index": 2, "of": 5})
    assert line is not None
    assert line.startswith("estimate for 3 shots")
    assert generator._models is None
    assert start.line_for({"event": "shot", "index": 3, "of": 5}) is None


def test_no_line_where_nothing_is_known(tmp_path: Path):
    shot = {"event": "shot", "index": 0, "of": 5}
    assert StartLine(RunRequest(logline="a cat"), toy_studio(), tmp_path).line_for(shot) is None
    gone = Studio(make_generator=lambda settings: tiny_generator(tmp_path / "nowhere"))
    assert StartLine(RunRequest(logline="a cat", settings=Settings()), gone, tmp_path).line_for(shot) is None
