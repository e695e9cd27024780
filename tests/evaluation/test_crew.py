"""Several processes film what one process films; what goes wrong in one of them is said, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from filmagent.errors import GenerationError, UsageError
from filmagent.evaluation.papercut.benchmark import LOG, run_benchmark
from filmagent.evaluation.papercut.crew import Crew
from filmagent.evaluation.papercut.laboratory import PapercutOpener
from filmagent.evaluation.papercut.records import RecordLog
from filmagent.generation.port import GeneratedShot, GenerationRequest
from tests.evaluation.toys import SMALL, WorldSizedToy, laboratory

ROOT = Path(__file__).parents[2]
TINY = replace(SMALL, policies=("storymem",))


class Trouble(WorldSizedToy):
    """Fails, or dies, at every shot that goes on from another."""

    def __init__(self, dies: bool) -> None:
        super().__init__()
        self._dies = dies

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        if request.seam is not None and self._dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if request.seam is not None:
            raise GenerationError("the lamp burst")
        return super().generate(request)


@dataclass(frozen=True)
class ToyOpener:
    folder: Path
    trouble: str = ""

    def open(self):
        generator = Trouble(self.trouble == "dies") if self.trouble else None
        return laboratory(self.folder, generator), TINY.check()


def records(out: Path):
    """What was measured, but for the time that it took, in the order of the table."""
    found = [replace(each, seconds=None) for each in RecordLog(out / LOG).read()]
    return sorted(found, key=lambda each: (each.row, each.seed, each.story, each.shot))


def test_two_processes_measure_what_one_measures(tmp_path: Path):
    opener, steps = ToyOpener(tmp_path / "probe"), []
    alone = run_benchmark(TINY, laboratory(tmp_path / "probe"), tmp_path / "alone")
    together = run_benchmark(
        TINY, laboratory(tmp_path / "probe"), tmp_path / "together", steps.append, Crew(opener, 2)
    )
    assert records(tmp_path / "together") == records(tmp_path / "alone")
    assert {row: cells.keys() for row, cells in together.cells.items()} == {
        row: cells.keys() for row, cells in alone.cells.items()
    }
    assert together.cells["storymem"]["identity"] == alone.cells["storymem"]["identity"]
    assert not any((tmp_path / "together" / "work").iterdir())
    assert steps[-1].done == steps[-1].of == len(records(tmp_path / "alone"))
    assert len(steps) == steps[-1].of + 1 and [each.done for each in steps] == sorted(each.done for each in steps)


@pytest.mark.parametrize(
    ("trouble", "words"), [("fails", "the lamp burst"), ("dies", "a process that films was killed")]
)
def test_what_goes_wrong_in_a_process_is_said_and_the_rest_is_kept(tmp_path: Path, trouble: str, words: str):
    world, crew = laboratory(tmp_path / "probe"), Crew(ToyOpener(tmp_path / "probe", trouble), 2)
    with pytest.raises(GenerationError, match=words):
        run_benchmark(TINY, world, tmp_path / "out", crew=crew)
    before = records(tmp_path / "out")
    assert before, "some shots were measured"
    whole = Crew(ToyOpener(tmp_path / "probe"), 2)
    run_benchmark(TINY, world, tmp_path / "out", crew=whole)
    assert [each for each in records(tmp_path / "out") if each in before] == before


def test_processes_end_with_the_one_that_was_killed(tmp_path: Path):
    child = subprocess.Popen([sys.executable, "-m", "tests.evaluation.killed_crew", str(tmp_path)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("*.pid"))) < 2 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
        assert len(workers) == 2
    finally:
        child.kill()
        child.wait()
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_laboratory_is_opened_from_what_a_person_names(tmp_path: Path):
    world, rows = PapercutOpener(("none",), pictures=True).open()
    assert world.pictures and rows[0].name == "none"
    with pytest.raises(UsageError, match="is no folder"):
        PapercutOpener(("none",), weights=tmp_path / "nowhere").open()
