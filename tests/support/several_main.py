"""A command in processes of its own, started by torch's launcher: makes one toy shot on all of them, on the CPU.

    python -m tests.support.several_main FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from filmagent.errors import UsageError

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def toy(steps: int | None = None, guidance: float | None = None) -> Any:
    """Make the generator of the folder on the command line."""
    from tests.support.tiny_wan import tiny_generator

    return tiny_generator(FOLDER)


def shoot(options: argparse.Namespace) -> int:
    """Ask for what is refused; then estimate and make the shot, and say how large it is and on what it was made."""
    from filmagent.cli.estimate import print_estimate
    from filmagent.cli.several import studio_for
    from filmagent.generation.port import FrameSize, GenerationRequest
    from filmagent.graphs.run_folder import RunRequest
    from filmagent.settings import Settings

    try:
        studio_for(options, Settings(generator="papercut"))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
    settings = Settings(generator="tests.support.several_main:toy", shots=1)
    studio = studio_for(options, settings)
    print_estimate(RunRequest(logline="a cat", settings=settings), studio, None, False, options.gpus)
    generator = studio.generator(settings)
    asked = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9)
    shot = generator.generate(asked)
    sys.stdout.write(f"{shot.frames.shape} on {shot.machine}\n")
    return 3


if __name__ == "__main__":
    from filmagent.cli.several import run_on_several

    sys.exit(run_on_several([], argparse.Namespace(gpus=2, run=shoot)))
