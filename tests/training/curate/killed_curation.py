"""A child process that curates and kills itself at the n-th event of a kind. Used by test_crash.py.

python -m tests.training.curate.killed_curation FILMS OUT URL STAGE NUMBER
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filmagent.agents.openai_llm import OpenAILLM
from filmagent.training.curate.curator import curate
from tests.training.curate.test_curator import SETTINGS


def main() -> None:
    films, out, url, stage, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    steps: Counter[str] = Counter()
    now = ""

    def die(event: Mapping[str, Any]) -> None:
        nonlocal now
        if event["event"] == "stage":
            now = event["text"]
        steps[now] += 1
        if now == stage and steps[now] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    curate(films, out, SETTINGS, OpenAILLM("eyes", base_url=url, key="right-key"), workers=2, on_event=die)


if __name__ == "__main__":
    main()
