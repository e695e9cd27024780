"""`filmagent evaluate papercut`: words typed by a person -> one run of the benchmark -> an exit code.

Knows no measures. Heavy imports wait until there is something to measure.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import UsageError

if TYPE_CHECKING:
    from filmagent.evaluation.papercut.benchmark import Step

INTERRUPTED = 130
DEFAULT_OUT = Path("evaluation") / "papercut"

EXAMPLES = """\
examples:
  filmagent evaluate papercut                                      every policy, 200 stories, 3 seeds; takes hours
  filmagent evaluate papercut --policy none,storymem --stories 24 --seeds 1
  filmagent evaluate papercut --stories 400                        goes on: what was measured is kept
  filmagent evaluate papercut --first-story 200 --out others       what was found on some stories, on others
  filmagent evaluate papercut --form 'long absence' --out absent   somebody is back after 1 to 8 shots
  filmagent evaluate papercut --workers 16                         as many films at once
  filmagent evaluate papercut --pictures --out pictures            who is kept at cuts, several times as fast
  filmagent evaluate papercut --trained mine=OUT/weights           and a memory of `filmagent train memory`
  filmagent evaluate papercut --trained cover-cached=cover:OUT/weights   weights of --cached-memory, chosen for by cover
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words of the command."""
    parser.add_argument("benchmark", choices=("papercut",), metavar="papercut", help="held-out stories of its world")
    parser.add_argument(
        "--policy", metavar="NAME,...", help="memories to compare (default: all rows); the controls are always there"
    )
    parser.add_argument(
        "--trained",
        action="append",
        default=[],
        metavar="NAME=[MEMORY:]DIR",
        help="one more row: weights of `filmagent train memory --base papercut`, with the memory they were trained "
        "for or another; may be given several times",
    )
    parser.add_argument("--stories", type=int, default=200, metavar="N", help="held-out stories (default 200)")
    parser.add_argument(
        "--first-story", type=int, default=0, metavar="N", help="number of the first of them (default 0)"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="films of each story and row (default 3)")
    parser.add_argument("--shots", type=int, metavar="N", help="shots of every story (default: each its own, 4 to 16)")
    parser.add_argument(
        "--form", metavar="NAME", help="form of every story, such as 'long absence' (default: all of training, in turn)"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="make only the first picture of every shot, and every shot a cut"
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help=f"what was measured (default {DEFAULT_OUT})"
    )
    parser.add_argument("--weights", type=Path, metavar="DIR", help="papercut's weights (default: the package's)")
    parser.add_argument("--probe", type=Path, metavar="DIR", help="the probe's weights (default: the package's)")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that film at once (default 1); cores are shared"
    )
    parser.add_argument("--json", action="store_true", help="print the table as one JSON object on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Measure what is not measured yet; print the table's path, or the table as JSON.

    Raises:
        FilmAgentError: see `run_benchmark`.
    """
    from filmagent.evaluation.papercut.benchmark import Benchmark, run_benchmark
    from filmagent.evaluation.papercut.crew import Crew
    from filmagent.evaluation.papercut.laboratory import PapercutOpener, open_laboratory
    from filmagent.evaluation.papercut.rows import POLICY_ROWS
    from filmagent.evaluation.papercut.trained_rows import TrainedRow
    from filmagent.generation.trained.names import BUILT_IN

    if options.workers < 1:
        raise UsageError(f"--workers {options.workers}: give at least 1")
    # Memories in the package were trained on the package's weights, and film with no others.
    everything = (*POLICY_ROWS, *(() if options.weights else BUILT_IN))
    policies = everything if options.policy is None else tuple(options.policy.replace(" ", "").split(","))
    trained = tuple(TrainedRow.parse(words) for words in options.trained)
    opener = PapercutOpener(policies, trained, options.weights, options.probe, options.pictures)
    benchmark = Benchmark(
        policies=opener.untrained,
        trained=opener.trained_rows(),
        stories=options.stories,
        seeds=options.seeds,
        shots=options.shots,
        first=options.first_story,
        form=options.form,
    )
    benchmark.check()
    laboratory = open_laboratory(options.weights, options.probe, pictures=options.pictures)
    crew = Crew(opener, options.workers) if options.workers > 1 else None
    try:
        with _Bar(options.quiet) as bar:
            table = run_benchmark(benchmark, laboratory, options.out, bar, crew)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; the same command goes on with the next shot\n")
        return INTERRUPTED
    if options.json:
        sys.stdout.write(json.dumps(table.as_json(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{options.out / 'table.md'}\n")
    return 0


class _Bar:
    """A bar over all shots."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, step: Step) -> None:
        """Show where the run stands."""
        if self._quiet:
            return
        if self._bar is None:
            from tqdm import tqdm

            # What an earlier run did must not make this one look fast.
            self._bar = tqdm(
                total=step.of, initial=step.done, file=sys.stderr, dynamic_ncols=True, smoothing=0.05, unit="shot"
            )
        self._bar.set_description_str(f"story {step.story}, seed {step.seed}, {step.row}", refresh=False)
        self._bar.update(step.done - self._bar.n)
