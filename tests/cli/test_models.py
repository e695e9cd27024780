"""`filmagent models` as a person types it; pulled through the environment that huggingface_hub reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from filmagent.cli import main
from filmagent.generation.models.catalogue import STORYMEM
from tests.support.fake_hub import fake_hub, talk_to
from tests.support.stories import story
from tests.support.toy_repositories import toy_repositories


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return toy_repositories(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(repositories, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FILMAGENT_LLM", "FILMAGENT_LLM_URL", "FILMAGENT_LLM_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with fake_hub(dict(repositories)) as running:
        talk_to(running, tmp_path / "cache", monkeypatch)
        yield running


def test_the_list_shows_what_there_is_with_licences(hub, capsys):
    assert main(["models"]) == 0
    table = capsys.readouterr().out
    assert "wan2.2-storymem: Wan2.2 with StoryMem's memory; all links; non-commercial" in table
    assert "CC-BY-NC-4.0" in table and "9.8 GB" in table


def test_json_says_what_is_on_disk_before_and_after(hub, capsys):
    def listed():
        assert main(["models", "list", "--json"]) == 0
        return {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["models"]}

    before = listed()
    assert (before["papercut"]["on_disk"], before["papercut"]["commercial"]) == ("yes", True)
    assert (before["wan2.2-storymem"]["on_disk"], before["wan2.2-storymem"]["commercial"]) == ("no", False)
    assert main(["models", "pull", "wan2.2-storymem", "--quiet"]) == 0
    folders, err = capsys.readouterr()
    assert err == ""
    after = listed()["wan2.2-storymem"]
    assert after["on_disk"] == "yes" and after["bytes"] < 10**7
    assert [part["folder"] for part in after["repositories"]] == folders.split()
    assert after["repositories"][1]["commit"] == STORYMEM.revision
    assert main(["models", "path", "wan2.2-storymem"]) == 0
    assert capsys.readouterr().out == folders
    assert main(["models", "verify", "wan2.2-storymem", "--quiet"]) == 0
    assert "whole" in capsys.readouterr().out


def test_verify_fails_with_a_line_for_every_problem(hub, capsys):
    assert main(["models", "verify", "wan2.2-storymem", "--json", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["whole"] is False
    assert err.count("is not on disk: `filmagent models pull wan2.2-storymem`") == 2


@pytest.mark.parametrize(("words", "code", "message"), [
    (["pull"], 2, "needs a name: papercut"), (["pull", "wan9"], 2, "no models 'wan9'"), (["frobnicate"], 2, "ACTION"),
    (["list", "papercut"], 2, "takes no name"), (["path", "wan2.2"], 1, "`filmagent models pull wan2.2`"),
])
def test_wrong_words_are_explained(hub, capsys, words, code, message):
    assert main(["models", *words]) == code
    assert message in capsys.readouterr().err


def test_the_environment_says_where_from_and_where_to(hub, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1",
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-m", "filmagent", "models", "pull", "wan2.2"], env=environment, capture_output=True,
        text=True, check=False, cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "home" / "hub"))
    assert "wan2.2 needs" in done.stderr


def test_a_film_with_models_that_are_missing_stops_before_anything_is_made(hub, tmp_path, capsys):
    assert main(["a cat", "--generator", "wan2.2-storymem"]) == 1
    assert "`filmagent models pull wan2.2-storymem`" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_commercial_films_refuse_non_commercial_models_before_they_are_looked_for(hub, tmp_path, capsys):
    assert main(["a cat", "--generator", "wan2.2-storymem", "--commercial"]) == 2
    err = capsys.readouterr().err
    assert "StoryMem LoRA (MI2V, MM2V), whose licence is non-commercial (CC-BY-NC-4.0)" in err
    assert "--generator papercut or wan2.2" in err
    assert not (tmp_path / "runs").exists()
    assert hub.requests == []


def test_commercial_films_are_made_with_models_that_allow_it_and_remember_the_wish(hub, tmp_path, capsys):
    (tmp_path / "story.json").write_text(story(2).model_dump_json())
    toy = "tests.support.toy_generator:toy"
    assert main(["--story", "story.json", "--out", "film", "--generator", toy, "--commercial", "--quiet"]) == 0
    assert json.loads((tmp_path / "film" / "film.json").read_text())["settings"]["commercial"] is True
