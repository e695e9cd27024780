"""Kill -9 in the middle of a curation: no kept answer is paid again, and the same sequences come out."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from filmagent.training.curate.curator import curate
from filmagent.training.sequences.folder import check_folder
from tests.training.curate.drawn_film import Stretch, write_film
from tests.training.curate.seeing_server import seeing_server
from tests.training.curate.test_curator import SETTINGS, llm_at

ROOT = Path(__file__).parents[3]
SMALL = (Stretch(1.5, (70, 90, 120), red=20), Stretch(1.5, (40, 120, 60), red=36, yellow=24),
         Stretch(1.5, (150, 120, 70), red=30, yellow=40))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "squares.mp4", SMALL)
    return folder


@pytest.fixture(scope="module")
def whole(films, tmp_path_factory):
    """What an undisturbed curation gives, and how many questions it asks."""
    out = tmp_path_factory.mktemp("whole") / "out"
    with seeing_server() as server:
        done = curate(films, out, SETTINGS, llm_at(server))
    return check_folder(out).records, done.questions


@pytest.mark.parametrize(("stage", "number"), [
    ("finding shots", 30), ("cutting clips", 3), ("captions", 3), ("report", 1),
])
def test_a_killed_curation_goes_on(films, whole, tmp_path, stage, number):
    out = tmp_path / "out"
    with seeing_server() as server:
        killed = subprocess.run(
            [sys.executable, "-m", "tests.training.curate.killed_curation", str(films), str(out), server.url, stage,
             str(number)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        kept = len(list((out / "answers").glob("[!.]*.json")))
        done = curate(films, out, SETTINGS, llm_at(server))
    assert done.questions == whole[1] - kept
    found = check_folder(out, hashes=True)
    assert found.faults == () and found.records == whole[0]
    assert [path for path in out.rglob(".*") if path.name != ".lock"] == [], "half-written files are left behind"
