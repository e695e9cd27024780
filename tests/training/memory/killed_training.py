"""A child process that trains and kills itself after a step. Used by test_resume.py.

python -m tests.training.memory.killed_training BASE OUT POLICY STEP
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from filmagent.training.memory.trainer import plan_training, train_memory
from tests.training.memory.toy_films import opened_base, toy_films, toy_settings


def main() -> None:
    """Train until the step, then die."""
    base, out, policy, last = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    torch.set_num_threads(1)

    def die(step: int, _: Mapping[str, float]) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    plan = plan_training(opened_base(base), toy_films(3 if policy == "onestory" else 2), toy_settings(policy=policy))
    train_memory(plan, out, cpu=True, on_step=die)


if __name__ == "__main__":
    main()
