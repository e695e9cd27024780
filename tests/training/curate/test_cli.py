"""`filmagent curate` as a person types it; nothing is reached but a server on loopback."""

from __future__ import annotations

import argparse
import json

import pytest

from filmagent.cli import curate
from filmagent.errors import FilmAgentError, LLMRequestError, UsageError
from tests.training.curate.drawn_film import Stretch, write_film
from tests.training.curate.seeing_server import seeing_server

SMALL = (Stretch(1.5, (70, 90, 120), red=20), Stretch(1.5, (40, 120, 60), red=36))


def curating(*words):
    parser = argparse.ArgumentParser()
    curate.add_arguments(parser)
    return curate.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("FILMAGENT_LLM", "FILMAGENT_LLM_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "http_proxy", "HTTP_PROXY",
                 "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FILMAGENT_LLM_KEY", "right-key")
    (tmp_path / "films").mkdir()


def test_it_says_where_the_report_is_and_shows_progress(tmp_path, capsys):
    write_film(tmp_path / "films" / "squares.mp4", SMALL)
    words = (tmp_path / "films", tmp_path / "out", "--llm", "eyes", "--shortest", 1, "--longest", 2, "--parallel", 2)
    with seeing_server() as server:
        assert curating(*words, "--llm-url", server.url) == 0
        out, err = capsys.readouterr()
        assert out == f"{tmp_path / 'out' / 'report.html'}\n"
        assert "film 1/1 squares.mp4: finding shots" in err and "36/36" in err
        assert "1 sequences, 2 clips" in err and "7 questions asked, 0 answers were there already" in err
        assert curating(*words, "--llm-url", server.url, "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"report": str(tmp_path / "out" / "report.html"), "films": 1, "skipped": {},
                               "sequences": 1, "clips": 2, "seconds": pytest.approx(2.83, abs=0.01), "questions": 0,
                               "answers_kept": 1}
    assert err == ""


def test_a_wrong_key_is_one_error(tmp_path, monkeypatch, capsys):
    write_film(tmp_path / "films" / "squares.mp4", SMALL)
    monkeypatch.setenv("FILMAGENT_LLM_KEY", "wrong-key")
    with seeing_server() as server, pytest.raises(LLMRequestError) as caught:
        curating(tmp_path / "films", tmp_path / "out", "--llm", "eyes", "--llm-url", server.url)
    assert "\n" not in str(caught.value) and "wrong-key" not in str(caught.value)
    assert "Traceback" not in capsys.readouterr().err


def test_nothing_usable_is_a_failure_that_names_the_report(tmp_path, capsys):
    write_film(tmp_path / "films" / "still.mp4", (Stretch(2, (70, 90, 120), red=20, still=True),))
    with seeing_server() as server, pytest.raises(FilmAgentError, match=r"no sequence .*report\.html") as caught:
        curating(tmp_path / "films", tmp_path / "out", "--llm", "eyes", "--llm-url", server.url, "--quiet")
    assert caught.value.exit_code == 1
    assert "nothing moves" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(("words", "message"), [
    ((), "give --llm MODEL"),
    (("--llm", "m", "--shots", 1), r"--shots 1: .*greater than or equal to 2"),
    (("--llm", "m", "--shortest", 8), "longest must be at least twice shortest"),
    (("--llm", "m", "--parallel", 0), "--parallel 0"),
    (("--llm", "m", "--llm-url", "nowhere"), "http://localhost:8000/v1"),
])
def test_wrong_words_are_refused_before_anything_is_made(tmp_path, words, message):
    with pytest.raises(UsageError, match=message):
        curating(tmp_path / "films", tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()
