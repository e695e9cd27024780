"""`filmagent benchmark generator`: how fast shots are made on this machine, and what every shortcut costs.

Knows words and exit codes; the measuring is `filmagent.evaluation.generator_benchmark`.
"""

from __future__ import annotations

import argparse
import json
import sys

from filmagent.errors import UsageError

EXAMPLES = """\
examples:
  filmagent benchmark generator                                  toy experts on any machine, all variants
  filmagent benchmark generator --config papercut --memory 0,5   the built-in model's own weights
  filmagent benchmark generator --config a14b --memory 0,10 --steps 8 --cache none
                                                                 Wan2.2's true size, random weights, one CUDA card
  filmagent benchmark generator --attention _flash_3,sage --compile --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("what", choices=("generator",), metavar="WHAT", help="what is measured: generator")
    parser.add_argument("--config", default="tiny", metavar="NAME",
                        help="tiny (default), a14b (Wan2.2's true size, random weights, needs a CUDA card), or a "
                        "generator with weights on disk, such as papercut (guided by words alone, which in films "
                        "memory helps with)")
    parser.add_argument("--memory", default="0,5", metavar="LIST", help="numbers of memory frames (default 0,5)")
    parser.add_argument("--guidance", default="joint,interval", metavar="LIST",
                        help="joint (both branches in one forward), interval or interval:LOW-HIGH (guide at these "
                        "noise levels only), or none; default joint,interval")
    parser.add_argument("--cache", default="first-block,magnitude", metavar="LIST",
                        help="first-block and magnitude, each with :THRESHOLD behind it or not, or none; default both")
    parser.add_argument("--attention", default="none", metavar="LIST",
                        help="attention kernels by diffusers' names, such as _flash_3 or sage; default only the one "
                        "that is chosen for the machine")
    parser.add_argument("--compile", action="store_true", help="compiled blocks as well: minutes of compiling")
    parser.add_argument("--few-step", action="store_true", help="a few-step adapter as well (tiny and a14b)")
    parser.add_argument("--steps", type=int, metavar="N", help="denoising steps; default as films are made with")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="shots for each row; medians are shown")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns the exit code.

    Raises:
        UsageError: what was given cannot be measured on this machine.
        ModelFilesError: a generator's files are missing or broken.
    """
    memories = _numbers(options.memory)
    from filmagent.evaluation.generator_benchmark.report import as_json, as_table, run_benchmark
    from filmagent.evaluation.generator_benchmark.variants import choose_variants

    variants = choose_variants(guidance=options.guidance, cache=options.cache, attention=options.attention,
                               compiled=options.compile, few_step=options.few_step)

    def say(line: str) -> None:
        if not options.quiet:
            sys.stderr.write(line + "\n")

    report = run_benchmark(options.config, memories, variants, steps=options.steps, repeat=options.repeat, say=say)
    sys.stdout.write(json.dumps(as_json(report)) + "\n" if options.json else as_table(report))
    return 0


def _numbers(words: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(word) for word in words.split(",")))
    except ValueError as error:
        raise UsageError(f"--memory {words!r}: give numbers of memory frames, such as 0,5,10") from error
