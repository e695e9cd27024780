"""`filmagent reconstruct RUN`: draws from a run's memory what the model still knows of its subjects.

stdout carries the pictures' paths or JSON; stderr what is going on.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from filmagent.errors import UsageError

if TYPE_CHECKING:
    from filmagent.graphs.reconstruct import RunMemory
    from filmagent.graphs.studio import Studio
    from filmagent.schemas.reconstruction import Reconstruction
    from filmagent.schemas.story import Subject

EXAMPLES = """\
examples:
  filmagent reconstruct a-cats-journey-home --subject "Marlow the cat"   one picture, told the name alone
  filmagent reconstruct films/first --all                                every subject, and a sheet of them
  filmagent reconstruct films/first --all --json                         prompts, memory frames, scores
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words to its parser."""
    parser.add_argument("name", metavar="RUN", help="a run's folder, or its name in runs/")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--subject", metavar="NAME", help="name or id of the subject to draw")
    who.add_argument(
        "--all", action="store_true", help="draw every subject of whom there is a picture, and a sheet of them"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="another seed, another picture (default: the film's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Draw, as the person asked."""
    from filmagent.cli.commands import StopOnSignal
    from filmagent.graphs.reconstruct import remembered_subjects, subject_meant
    from filmagent.graphs.run_folder import find_run, only_worker
    from filmagent.graphs.run_memory import read_memory
    from filmagent.graphs.studio import Studio

    if options.seed is not None and not 0 <= options.seed < 2**31:
        raise UsageError(f"--seed {options.seed}: give 0 to {2**31 - 1}")
    folder, studio = find_run(options.name), Studio()
    with only_worker(folder), StopOnSignal(studio):
        known = read_memory(folder)
        wanted = remembered_subjects(known) if options.all else (subject_meant(known, options.subject),)
        if not wanted:
            raise UsageError(f"{folder} remembers pictures, but of no subject; `filmagent show {folder}` says why")
        drawn = [_draw(studio, known, subject, options) for subject in wanted]
        sheet = _sheet(known, drawn) if options.all else None
    if options.json:
        answer: dict[str, Any] = {"run": str(folder), "sheet": sheet, "reconstructions": list(map(_as_json, drawn))}
        sys.stdout.write(json.dumps(answer if options.all else {"run": str(folder), **_as_json(drawn[0])},
                                    ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{folder / (sheet or drawn[0].path)}\n")
    return 0


def _draw(studio: Studio, known: RunMemory, subject: Subject, options: argparse.Namespace) -> Reconstruction:
    """Draw one subject under a bar, and say what it came to."""
    from tqdm import tqdm

    from filmagent.delivery.reconstruction_sheet import scores_said
    from filmagent.graphs.reconstruct import reconstruct

    with tqdm(desc=subject.name, unit="step", file=sys.stderr, dynamic_ncols=True, disable=options.quiet,
              leave=False) as bar:

        def on_step(step: int, steps: int) -> None:
            bar.total = steps
            bar.update(step - bar.n)

        drawn = reconstruct(studio, known, subject, seed=options.seed, on_step=on_step)
    if not options.quiet:
        verdict = f"; is being forgotten: {'; '.join(drawn.faults)}" if drawn.forgotten else ""
        sys.stderr.write(f"{drawn.name}: {scores_said(drawn)}, from {len(drawn.memory)} memory frames{verdict}\n")
    return drawn


def _sheet(known: RunMemory, drawn: list[Reconstruction]) -> str:
    """Draw the sheet of all subjects; return its path relative to the run folder."""
    from filmagent.delivery.reconstruction_sheet import write_reconstruction_sheet
    from filmagent.graphs.reconstruct import FOLDER

    path = f"{FOLDER}/contact_sheet.png"
    write_reconstruction_sheet(known.story.title, drawn, known.folder, known.folder / path)
    return path


def _as_json(drawn: Reconstruction) -> dict[str, Any]:
    return {**drawn.model_dump(mode="json"), "forgotten": drawn.forgotten}
