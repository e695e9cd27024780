"""The log: what is written is read again, and a line cut by a kill is forgotten, not guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from filmagent.errors import ArtifactError
from filmagent.evaluation.papercut.records import RecordLog, by_film
from tests.evaluation.test_measures import record

FULL = record(seconds=1.5, tokens=77, seam=0.1, place_since=2, judged=("identity_drift",), memory="ab", notes=("slow",))


def test_what_is_written_is_read(tmp_path: Path):
    log = RecordLog(tmp_path / "shots.jsonl")
    assert log.read() == []
    for shot in range(3):
        log.append(replace(FULL, shot=shot))
    assert log.read() == [replace(FULL, shot=shot) for shot in range(3)]


def test_half_a_line_is_cut_off_and_the_next_one_is_whole(tmp_path: Path):
    log = RecordLog(tmp_path / "shots.jsonl")
    log.append(FULL)
    log.append(replace(FULL, shot=2))
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-40])
    assert log.read() == [FULL]
    log.append(replace(FULL, shot=2))
    assert log.path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"{}\n", b"no json\n", b"[1]\n", b'{"row": "none", "surprise": 1}\n'])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes):
    path = tmp_path / "shots.jsonl"
    path.write_bytes(line)
    with pytest.raises(ArtifactError, match=r"shots\.jsonl"):
        RecordLog(path).read()


def test_films_come_shot_by_shot():
    other = replace(FULL, row="cover")
    films = by_film([replace(FULL, shot=1), other, replace(FULL, shot=0)])
    assert [each.shot for each in films["none", 0, 0]] == [0, 1]
    assert films["cover", 0, 0] == [other]
