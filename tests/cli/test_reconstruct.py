"""`filmagent reconstruct` as a person types it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from filmagent.cli import reconstruct
from filmagent.errors import RunBusyError, UsageError
from filmagent.graphs.run_folder import RunRequest, only_worker
from filmagent.graphs.runner import run_film
from filmagent.settings import Settings
from tests.support.stories import story

TOY = "tests.support.toy_generator:toy"


def typed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    reconstruct.add_arguments(parser)
    return reconstruct.run(parser.parse_args(list(words)))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films") / "first"
    run_film(folder, request=RunRequest(story=story(2), settings=Settings(generator=TOY)))
    return folder


def test_stdout_is_the_pictures_path_and_stderr_says_what_it_came_to(run: Path, capsys: pytest.CaptureFixture[str]):
    assert typed(str(run), "--subject", "Marlow the cat") == 0
    out, err = capsys.readouterr()
    assert out == f"{run}/reconstructions/marlow.png\n"
    with Image.open(out.strip()) as picture:
        assert picture.size == (64, 48)
    assert "Marlow the cat: not measured, from" in err


def test_json_is_one_object_and_quiet_is_quiet(run: Path, capsys: pytest.CaptureFixture[str]):
    assert typed(str(run), "--subject", "marlow", "--seed", "5", "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert (said["run"], said["path"], said["seed"]) == (str(run), "reconstructions/marlow.png", 5)
    assert said["prompt"] and said["memory"][0]["reason"] and said["forgotten"] is None
    assert err == ""


def test_all_makes_a_sheet(run: Path, capsys: pytest.CaptureFixture[str]):
    assert typed(str(run), "--all", "--quiet") == 0
    sheet = Path(capsys.readouterr().out.strip())
    assert sheet == run / "reconstructions/contact_sheet.png" and sheet.is_file()
    assert typed(str(run), "--all", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [entry["subject"] for entry in said["reconstructions"]] == ["marlow"]
    assert (run / said["sheet"]).is_file()


@pytest.mark.parametrize(("words", "message"), [
    (("nowhere", "--all"), "is no run"),
    (("{run}", "--subject", "Rex"), "'Marlow the cat'"),
    (("{run}", "--all", "--seed", "-1"), "--seed -1"),
])
def test_what_cannot_be_done_is_said(run: Path, words: tuple[str, ...], message: str):
    with pytest.raises(UsageError, match=message):
        typed(*(word.format(run=run) for word in words))


@pytest.mark.parametrize("words", [(), ("--all", "--subject", "marlow")])
def test_one_subject_or_all(run: Path, words: tuple[str, ...]):
    with pytest.raises(SystemExit):
        typed(str(run), *words)


def test_a_folder_in_work_is_left_alone(run: Path):
    with only_worker(run), pytest.raises(RunBusyError):
        typed(str(run), "--all")
