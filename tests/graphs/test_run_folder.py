from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import ArtifactError, RunBusyError, UsageError
from filmagent.graphs import run_folder
from filmagent.graphs.run_folder import (
    RunRequest,
    find_run,
    folder_for,
    list_runs,
    only_worker,
    read_request,
    slug,
    write_request,
)
from filmagent.settings import Settings


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_command_names_its_folder():
    assert slug("a cat's journey home") == "a-cats-journey-home"


@given(st.text(min_size=1))
def test_every_slug_is_a_safe_folder_name(title: str):
    name = slug(title)
    assert 1 <= len(name) <= 60
    assert set(name) <= set(string.ascii_lowercase + string.digits + "-")
    assert name[0] != "-"


def test_titles_in_other_scripts_get_different_folders():
    assert slug("猫的归途") != slug("狗的归途")


def test_the_same_words_are_the_same_film_and_other_settings_another():
    first = RunRequest(logline="a cat")
    write_request(folder_for(first, None), first)
    assert folder_for(RunRequest(logline="a cat", settings=Settings(ask=("story",))), None) == Path("runs/a-cat")
    assert folder_for(RunRequest(logline="a cat", settings=Settings(seed=1)), None) == Path("runs/a-cat-2")


def test_a_folder_of_another_film_or_with_other_files_is_refused(tmp_path: Path):
    request = RunRequest(logline="a cat")
    write_request(tmp_path / "dog", RunRequest(logline="a dog"))
    with pytest.raises(UsageError, match="holds another film"):
        folder_for(request, tmp_path / "dog")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("buy milk")
    with pytest.raises(UsageError, match="not empty"):
        folder_for(request, tmp_path / "notes")
    with pytest.raises(UsageError, match="is a file"):
        folder_for(request, tmp_path / "notes" / "todo.txt")


def test_a_folder_that_cannot_be_made_is_refused():
    with pytest.raises(UsageError, match="choose another"):
        write_request(Path("/proc/film"), RunRequest(logline="a cat"))


def test_a_folder_below_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not writable"):
        folder_for(RunRequest(logline="a cat"), tmp_path / "file" / "film")


def test_a_request_survives_the_disk_and_damage_is_named(tmp_path: Path):
    request = RunRequest(logline="猫", settings=Settings(seed=3, ask=("story",)))
    write_request(tmp_path / "run", request)
    assert read_request(tmp_path / "run") == request
    (tmp_path / "run" / run_folder.REQUEST_FILE).write_text('{"version": 1, "logline": 7}')
    with pytest.raises(ArtifactError, match=r"run\.json"):
        read_request(tmp_path / "run")


def test_runs_are_found_by_folder_and_by_name(tmp_path: Path):
    write_request(Path("runs/a-cat"), RunRequest(logline="a cat"))
    assert find_run("a-cat") == find_run("runs/a-cat") == Path("runs/a-cat")
    assert list_runs() == [Path("runs/a-cat")]
    with pytest.raises(UsageError, match="a-cat"):
        find_run("a-dog")


def test_one_folder_has_one_worker(tmp_path: Path):
    with only_worker(tmp_path), pytest.raises(RunBusyError, match="another process"), only_worker(tmp_path):
        pass
    with only_worker(tmp_path):
        pass
