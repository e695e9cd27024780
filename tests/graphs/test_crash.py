"""Kill -9 in the middle of a real run: no finished take is made again, none is lost, the film comes out."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from filmagent.delivery.manifest import read_manifest
from filmagent.delivery.video import read_video
from filmagent.errors import RunBusyError
from filmagent.graphs.run_folder import only_worker
from filmagent.graphs.runner import run_film
from tests.support.toy_generator import ToyGenerator
from tests.support.toy_studio import toy_studio

ROOT = Path(__file__).parents[2]


def work(folder: Path, log: Path, event: str, number: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.graphs.killed_run", str(folder), str(log), event, str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("step", 2),  # in the middle of the first shot
        ("review", 1),  # a take is done and judged, but not accepted
        ("shot", 2),  # the second shot begins
        ("accepted", 2),  # between a take and its memory's checkpoint
        ("assemble", 1),  # all takes are done, the film is not
    ],
)
def test_a_killed_run_goes_on(tmp_path: Path, event: str, number: int):
    folder, log = tmp_path / "run", tmp_path / "log"
    killed = work(folder, log, event, number)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert 1 <= len(log.read_text().splitlines()) <= 3
    finished = set((folder / "takes").glob("*.json")) if (folder / "takes").exists() else set()
    generator = ToyGenerator()
    result = run_film(folder, studio=toy_studio(generator))
    assert result.film is not None
    assert len(generator.requests) == 3 - len(finished)
    assert finished <= set((folder / "takes").glob("*.json"))
    manifest = read_manifest(folder / "film.json")
    assert len(read_video(folder / "film.mp4").frames) == sum(record.chosen.frames for record in manifest.shots)
    assert not list(folder.rglob("*.part")), "half-written files are left behind"


def test_a_second_process_is_refused_while_the_first_works(tmp_path: Path):
    folder = tmp_path / "run"
    work(folder, tmp_path / "log", "review", 1)
    with only_worker(folder):
        second = work(folder, tmp_path / "log", "never", 1)
    assert second.returncode == 1
    assert RunBusyError.__name__ in second.stderr
