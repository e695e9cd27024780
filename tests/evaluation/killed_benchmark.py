"""A child process that measures and kills itself on the way. Used by test_benchmark.py.

python -m tests.evaluation.killed_benchmark OUT PROBE LOG shot|step NUMBER
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from filmagent.evaluation.papercut.benchmark import run_benchmark
from filmagent.evaluation.papercut.film import Laboratory
from filmagent.scoring.colours import ColourFeatures
from filmagent.training.papercut.probe.reader import TrainedProbe
from tests.evaluation.toys import SMALL, WorldSizedToy


def main() -> None:
    out, probe, log, what, number = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
    count = itertools.count(1)

    def die(*_: object) -> None:
        if next(count) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    generator = WorldSizedToy(log=log, before_step=die if what == "step" else lambda request, step: None)
    laboratory = Laboratory(generator, ColourFeatures(), TrainedProbe(probe))
    run_benchmark(SMALL, laboratory, out, die if what == "shot" else lambda step: None)


if __name__ == "__main__":
    main()
