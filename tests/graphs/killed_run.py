"""A child process that works on a run and kills itself at the n-th event of a kind. Used by test_crash.py.

python -m tests.graphs.killed_run FOLDER LOG EVENT NUMBER
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from tests.support.stories import story
from tests.support.toy_generator import ToyGenerator
from tests.support.toy_studio import toy_studio


def main() -> None:
    folder, log, event, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    seen: Counter[str] = Counter()

    def die(happened: Mapping[str, Any]) -> None:
        seen[happened["event"]] += 1
        if happened["event"] == event and seen[event] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    run_film(
        folder, request=RunRequest(story=story(3, {2: "MI2V"})), studio=toy_studio(ToyGenerator(log=log)), on_event=die
    )


if __name__ == "__main__":
    main()
