"""The command line as a person types it: results on stdout, words on stderr, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from filmagent.cli import main
from filmagent.schemas.story import Story
from tests.support.stories import story

TOY = "tests.support.toy_generator:toy"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("FILMAGENT_LLM", "FILMAGENT_LLM_URL", "FILMAGENT_LLM_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    return tmp_path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "story.json"
    path.write_text(story(2).model_dump_json())
    return path


def nothing_written(folder: Path) -> bool:
    return not (folder / "runs").exists()


def test_make_is_meant_when_no_command_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["a cat's journey home", "--generator", TOY, "--shots", "6", "--memory", "none"]) == 0
    out, err = capsys.readouterr()
    assert out == "runs/a-cats-journey-home/film.mp4\n"
    assert (tmp_path / out.strip()).is_file()
    assert "shot 6/6" in err
    assert "offline writer" in err


def test_json_is_one_object_and_quiet_is_quiet(script: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    film = json.loads(out)
    assert (film["status"], film["shots"], film["run"]) == ("done", 2, "film")
    assert Path(film["film"]).is_file()
    assert err == ""


def test_waiting_prints_the_question_and_resume_answers_it(script: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--ask", "plan"]) == 3
    out, err = capsys.readouterr()
    question = json.loads(out)
    assert (question["gate"], question["version"]) == ("plan", 1)
    assert "resume film --answer" in err
    Path("answer.json").write_text(json.dumps({"question": question["question"], "action": "approve"}))
    assert main(["resume", "film", "--answer", "answer.json"]) == 0
    assert capsys.readouterr().out == "film/film.mp4\n"
    assert main(["resume", "film", "--answer", "answer.json"]) == 2
    assert "no open question" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"action": "perhaps"}', "action"),
        ('{"action": "approve"', "line 1"),
        ("[]", "JSON object"),
    ],
)
def test_a_wrong_answer_file_leaves_the_gate_open(
    script: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
):
    main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--ask", "story", "--quiet"])
    Path("answer.json").write_text(text)
    capsys.readouterr()
    assert main(["resume", "film", "--answer", "answer.json", "--quiet"]) == 2
    assert words in capsys.readouterr().err
    assert main(["resume", "film", "--quiet"]) == 3


def test_a_person_at_a_terminal_is_asked(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("what?\na\nr\nat night\na\na\n"))
    assert main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--ask", "plan,take"]) == 0
    err = capsys.readouterr().err
    assert "'what?' is none of these" in err
    assert "picture: film/takes/" in err
    assert "goodness" not in err


def test_redo_says_first_what_becomes_stale(script: Path, capsys: pytest.CaptureFixture[str]):
    main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--quiet"])
    capsys.readouterr()
    assert main(["redo", "film", "--shot", "1", "--dry-run", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["stale"][0]["shot"] == "shot-01"
    assert "shot-01: asked for" in err
    assert main(["redo", "film", "--shot", "shot-02", "--quiet"]) == 0
    assert main(["redo", "film", "--shot", "9"]) == 2
    assert "shots 1 to 2" in capsys.readouterr().err


def test_runs_and_show(capsys: pytest.CaptureFixture[str]):
    assert main(["runs"]) == 0
    main(["a dog finds a friend", "--generator", TOY, "--shots", "3", "--quiet"])
    capsys.readouterr()
    assert main(["runs"]) == 0
    assert "a-dog-finds-a-friend" in capsys.readouterr().out
    assert main(["show", "a-dog-finds-a-friend", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["state"] == "done"
    assert shown["questions"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([""], "logline"),
        (["word " * 10_000], "logline"),
        (["make"], "--story"),
        (["a cat", "--generator", "nobody"], "papercut"),
        (["a cat", "--generator", "no.such.module:thing"], "no.such.module"),
        (["a cat", "--memory", "elephant"], "storymem"),
        (["a cat", "--size", "big"], "--size"),
        (["a cat", "--size", "17x31"], "17x31"),
        (["a cat", "--size", "9999x9999"], "--size"),
        (["a cat", "--shots", "0"], "--shots"),
        (["a cat", "--shots", "many"], "--shots"),
        (["a cat", "--attempts", "0"], "--attempts"),
        (["a cat", "--seed", "-1"], "--seed"),
        (["a cat", "--memory-frames", "9"], "--memory-frames"),
        (["a cat", "--ask", "coffee"], "coffee"),
        (["a cat", "--reference", "Marlow"], "SUBJECT=FILE"),
        (["a cat", "--reference", "Marlow=missing.jpg"], "missing.jpg"),
        (["a cat", "--reference", "Marlow=broken.jpg"], "broken.jpg"),
        (["a cat", "--story", "story.json"], "one of them"),
        (["make", "--story", "missing.json"], "missing.json"),
        (["make", "--story", "broken.json"], "line 2"),
        (["make", "--story", "story.json", "--shots", "3"], "--shots"),
        (["a cat", "--offline", "--llm", "gpt"], "--offline"),
        (["a cat", "--vision-critic"], "--llm"),
        (["a cat", "--out", "full"], "not empty"),
        (["a cat", "--out", "story.json"], "is a file"),
        (["a cat", "--nonsense"], "--nonsense"),
        (["resume", "nothing"], "nothing"),
        (["redo", "nothing", "--shot", "1"], "nothing"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_written(
    tmp_path: Path, script: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "broken.json").write_text('{"title":\n oops}')
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    before = sorted(path for path in tmp_path.rglob("*"))
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 2
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert nothing_written(tmp_path)


def test_the_key_is_written_nowhere(
    tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert main(["make", "--story", str(script), "--out", "film", "--generator", TOY]) == 0
    assert "sk-very-secret" not in "".join(capsys.readouterr())
    for path in (tmp_path / "film").rglob("*"):
        if path.is_file():
            assert b"sk-very-secret" not in path.read_bytes()


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    assert "a cat's journey home" in capsys.readouterr().out
    assert main([]) == 2


def test_the_written_story_can_be_filmed_again(script: Path, capsys: pytest.CaptureFixture[str]):
    main(["make", "--story", str(script), "--out", "film", "--generator", TOY, "--quiet"])
    told = json.loads(Path("film/film.json").read_text())["story"]
    assert Story.model_validate(told) == story(2)
