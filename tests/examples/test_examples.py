"""Every example runs, with the toy instead of papercut where the pictures do not matter."""

from __future__ import annotations

import logging
import runpy
from pathlib import Path

import pytest

from examples import embed_in_your_graph, film_a_story_file, make_a_film, your_own_generator
from filmagent.delivery.manifest import read_manifest
from filmagent.delivery.video import probe_video

TOY = "tests.support.toy_generator:toy"
EXAMPLES = Path(make_a_film.__file__).parent


def test_make_a_film(tmp_path: Path):
    assert probe_video(make_a_film.main(str(tmp_path / "film"), TOY, shots=3)).frames > 30


def test_papercut_makes_a_film_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    film = make_a_film.main(str(tmp_path / "film"), "papercut", shots=4)
    assert probe_video(film).frames > 48
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_embed_in_your_graph(tmp_path: Path):
    film = embed_in_your_graph.main(str(tmp_path / "film"), TOY, shots=3)
    assert film["status"] == "done"
    assert (tmp_path / "film" / film["path"]).is_file()


def test_your_own_generator(tmp_path: Path):
    assert probe_video(your_own_generator.main(str(tmp_path / "film"))).frames == 48
    manifest = read_manifest(tmp_path / "film" / "film.json")
    assert {record.chosen.link for record in manifest.shots} == {"scene_cut"}
    assert "every shot is played by a sunset" in manifest.decisions


def test_film_a_story_file(tmp_path: Path):
    film_a_story_file.main(str(tmp_path / "film"), TOY)
    manifest = read_manifest(tmp_path / "film" / "film.json")
    assert [record.chosen.link for record in manifest.shots][0::2] == ["scene_cut", "scene_cut"]
    assert manifest.shots[1].chosen.link in ("MI2V", "MM2V")


@pytest.mark.parametrize("name", ["test_with_a_scripted_llm.py"])
def test_examples_that_are_programs(name: str, capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert "filmed" in capsys.readouterr().out


def test_no_example_is_forgotten():
    tested = {
        "make_a_film.py",
        "embed_in_your_graph.py",
        "your_own_generator.py",
        "film_a_story_file.py",
        "test_with_a_scripted_llm.py",
        "__init__.py",
    }
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested
