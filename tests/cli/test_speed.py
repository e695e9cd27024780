"""`--speed` as a person types it: explained, remembered by the run, refused before anything is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmagent.cli import main
from filmagent.generation.models.catalogue import FEW_STEP_SET, MODEL_SETS
from filmagent.generation.models.pull import pull
from filmagent.generation.wan.fast.presets import SPEEDS
from filmagent.settings import Settings
from tests.generation.test_models_few_step import hub, repositories  # noqa: F401  # fixtures
from tests.support.own_folder import in_a_folder  # noqa: F401  # a fixture
from tests.support.stories import story


def test_the_help_says_what_every_speed_costs(capsys: pytest.CaptureFixture[str]):
    assert main(["make", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for speed in SPEEDS.values():
        assert f"{speed.name} {speed.says}" in words


@pytest.mark.parametrize(("words", "says"), [
    (["--speed", "quick"], "--speed 'quick' is unknown; choose from exact, balanced, fast, draft"),
    (["--speed", "fast"], "--speed fast: generator 'papercut' knows no such shortcut; leave --speed out"),
    (["--speed", "draft", "--generator", "wan2.2", "--steps", "8"], "--steps 8: --speed draft makes exactly the 4"),
    (["--speed", "draft", "--generator", "wan2.2", "--guidance", "3"], "--guidance 3: --speed draft films without"),
    (["--speed", "fast", "--generator", "tests.support.toy_generator:toy"], "is your own"),
])
def test_what_cannot_be_meant_is_one_line_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
):
    assert main(["a cat's journey home", *words]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_exact_is_the_default_and_changes_no_run(tmp_path: Path):
    assert Settings().speed == "exact"
    assert Settings.model_validate(Settings().model_dump(exclude={"speed"})) == Settings()  # an older run.json


def test_an_estimate_and_a_run_know_the_speed(
    hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]  # noqa: F811
):
    pull(MODEL_SETS["wan2.2"], lambda line: None, show_bars=False)
    words = ["a cat's journey home", "--generator", "wan2.2", "--estimate"]
    assert main([*words, "--speed", "draft"]) == 1
    assert "`filmagent models pull wan2.2-4steps`" in capsys.readouterr().err
    pull(MODEL_SETS[FEW_STEP_SET], lambda line: None, show_bars=False)
    tera = {}
    for speed in SPEEDS:
        assert main([*words, "--speed", speed, "--json"]) == 0
        estimate = json.loads(capsys.readouterr().out)
        line = next(reason for reason in estimate["rests_on"] if "forwards" in reason)
        tera[speed] = float(line.split(": ")[1].split(" ")[0])
        assert ("4 forwards" in line) == (speed == "draft")
    assert list(tera.values()) == sorted(tera.values(), reverse=True)
    assert main([*words, "--speed", "draft"]) == 0
    assert capsys.readouterr().out.startswith("speed   draft: four steps without guidance")


def test_redo_films_at_the_runs_own_speed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    script = tmp_path / "story.json"
    script.write_text(story(1).model_dump_json())
    toy = ["--story", str(script), "--generator", "tests.support.toy_generator:toy", "--out", "film", "--quiet"]
    assert main(["make", *toy, "--speed", "exact"]) == 0
    request = json.loads(Path("film/run.json").read_text())
    assert request["settings"]["speed"] == "exact"
    assert json.loads(Path("film/film.json").read_text())["settings"]["speed"] == "exact"
    request["settings"]["speed"] = "fast"
    Path("film/run.json").write_text(json.dumps(request))
    capsys.readouterr()
    assert main(["redo", "film", "--shot", "1", "--quiet"]) == 2
    assert "--speed fast: generator 'tests.support.toy_generator:toy' is your own" in capsys.readouterr().err
