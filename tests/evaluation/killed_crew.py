"""A benchmark with two processes that write down who they are, made to be killed: `python -m ... FOLDER`."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from filmagent.evaluation.papercut.benchmark import run_benchmark
from filmagent.evaluation.papercut.crew import Crew
from tests.evaluation.toys import SMALL, laboratory


@dataclass(frozen=True)
class SlowOpener:
    folder: Path

    def open(self):
        (self.folder / f"{os.getpid()}.pid").touch()
        time.sleep(600)
        raise AssertionError("nobody ended this process")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    run_benchmark(SMALL, laboratory(folder / "probe"), folder / "out", crew=Crew(SlowOpener(folder), 2))
