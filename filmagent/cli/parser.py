"""The words of the command line: which commands and flags there are, with examples.

Knows nothing of how a command works; every command's function is imported when it is called.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from typing import Any

from filmagent.generation.wan.fast.presets import EXACT, SPEEDS
from filmagent.settings import GATES
from filmagent.version import __version__

TOOLS = {
    "evaluate": "measure memories on papercut's world, where the truth is known",
    "benchmark": "measure how fast shots are made on this machine, and what every shortcut costs",
    "reconstruct": "draw from a run's memory what the model still knows of its subjects",
    "curate": "make training sequences of a folder of films",
}
"""Commands that stand in a module of their own, with their words, their examples and their `run`."""
COMMANDS = ("make", "resume", "redo", "runs", "show", "models", "train", *TOOLS)
HELP_WIDTH = 118
"""Columns of the help's own paragraphs."""

EXAMPLES = """\
examples:
  filmagent "a cat's journey home"                        a film with the built-in model, no key, no GPU
  filmagent "a lost robot" --ask story,take --shots 6     ask a person after the story and after every take
  filmagent make --story script.json --out films/first    film a given shot list exactly
  filmagent "a cat's journey home" --llm gpt-5 --style "paper theatre, warm light"
  filmagent resume films/first --answer answer.json       answer an open question, or go on after a crash
  filmagent redo a-cats-journey-home --shot shot-03       make one shot again, and only what rests on it

exit codes: 0 done, 1 failed, 2 wrong usage, 3 waiting for a person, 130 interrupted
"""

SPEED_WORDS = """\
speeds (--speed; of wan2.2, wan2.2-storymem, wan-text:FOLDER and wan-storymem:FOLDER):
{table}
  They have not been compared on films of Wan2.2 yet. --estimate counts the forwards that are left, before what a cache
  skips; run.json, every take and film.json name what was on. --steps and --guidance win over a speed's own.
"""

MODELS_EXAMPLES = """\
examples:
  filmagent models                           what there is, what is on disk, sizes and licences
  filmagent models pull wan2.2-storymem      fetch it into huggingface_hub's cache (HF_HOME); resumes
  filmagent models verify wan2.2-storymem    files, names and shapes of all tensors, hashes
  filmagent models path wan2.2-storymem      the folders, one a line
  filmagent models pull wan2.2-4steps        the adapters of --speed draft
"""


class _Parser(argparse.ArgumentParser):
    """argparse that says one line and how to get help."""

    def error(self, message: str) -> Any:
        """Write one line and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message}\ntry `{self.prog} --help`\n")


def parse(words: Sequence[str]) -> argparse.Namespace | int:
    """Return the options, whose `run` makes the call; or an exit code when all is said (--help, wrong usage).

    `make` is meant when the first word names no command, so `filmagent "a cat's journey home"` makes a film.
    """
    words = list(words)
    if words and words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version"):
        words.insert(0, "make")
    parser = _build()
    if not words:
        parser.print_help(sys.stderr)
        return 2
    try:
        return parser.parse_args(words)
    except SystemExit as leave:
        return int(leave.code or 0)


def _build() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="filmagent",
        description="Turn a logline into a film.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"filmagent {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_make(commands)
    resume = _add(commands, "resume", "go on with a run: after a crash, or with an answer", "resume")
    resume.add_argument("name", metavar="RUN", help="a run's folder, or its name in runs/")
    resume.add_argument(
        "--answer", type=Path, metavar="FILE", help="the answer to the open question, as JSON (- for stdin)"
    )
    _add_gpus(resume)
    _add_output(resume)
    redo = _add(commands, "redo", "make shots of a finished film again, and what rests on them", "redo")
    redo.add_argument("name", metavar="RUN")
    redo.add_argument(
        "--shot", action="append", required=True, metavar="N", help="number or id of a shot; may be repeated"
    )
    redo.add_argument("--dry-run", action="store_true", help="only say what would become stale and why")
    _add_gpus(redo)
    _add_output(redo)
    runs = _add(commands, "runs", "list the runs in runs/", "runs")
    _add_output(runs)
    show = _add(commands, "show", "show where a run stands", "show")
    show.add_argument("name", metavar="RUN")
    _add_output(show)
    _add_models(commands)
    for name, text in TOOLS.items():
        tool = import_module(f"filmagent.cli.{name}")
        command = _add(commands, name, text, "", epilog=tool.EXAMPLES)
        tool.add_arguments(command)
        command.set_defaults(run=tool.run)
    train = _add(commands, "train", "train the built-in model, or a memory on films of your own", "train")
    train.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="papercut|memory ...",
        help="see `filmagent train papercut --help` and `filmagent train memory --help`",
    )
    return parser


def _add_models(commands: Any) -> None:
    models = _add(
        commands, "models", "list, fetch and check the models to film with", "models", epilog=MODELS_EXAMPLES
    )
    models.add_argument(
        "action", nargs="?", default="list", choices=("list", "pull", "verify", "path"), metavar="ACTION",
        help="list (default), pull, verify or path",
    )
    models.add_argument("name", nargs="?", metavar="NAME", help="a set of models, as `filmagent models` lists them")
    _add_output(models)


def _add_make(commands: Any) -> None:
    make = _add(
        commands, "make", "make a film (meant when no command is named)", "make", epilog=f"{EXAMPLES}\n{_speeds()}"
    )
    make.add_argument("logline", nargs="?", help="one sentence that the film tells; - reads it from stdin")
    make.add_argument(
        "--story", type=Path, metavar="FILE", help="a story file (StoryMem or filmagent JSON) to film exactly"
    )
    make.add_argument("--out", type=Path, metavar="DIR", help="the run's folder; default runs/<slug>/")
    make.add_argument("--shots", type=int, metavar="N", help="how many shots the writer plans (1 to 64)")
    make.add_argument("--style", default="", metavar="TEXT", help='the look, such as "paper theatre, warm light"')
    make.add_argument(
        "--generator", metavar="NAME",
        help="who makes the shots; default papercut; see `filmagent models`; or module:factory",
    )
    make.add_argument(
        "--commercial", action="store_true", help="refuse models whose licences forbid commercial films"
    )
    make.add_argument(
        "--memory-budget", metavar="SIZE",
        help="memory that the generator may use, such as 24GiB: chooses the rung of its memory ladder; default all",
    )
    make.add_argument(
        "--estimate", action="store_true", help="only say what the film is going to cost: minutes, memory, disk"
    )
    make.add_argument(
        "--memory", metavar="NAME", help="memory policy: storymem (default), cover, memento, onestory or none"
    )
    make.add_argument("--memory-frames", type=int, metavar="N", help="at most N memory frames a shot (0 to 10)")
    make.add_argument(
        "--identity", action="store_true",
        help="draw each shot's main subject from memory beside it (takes/KEY.identity.png); Memento's generators only",
    )
    make.add_argument(
        "--watch-forgetting",
        action="store_true",
        help="after every take draw its subjects from memory, and tell the director who is being forgotten",
    )
    make.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar='"SUBJECT=FILE"',
        help="a photograph of a subject, remembered from the first shot on; may be repeated",
    )
    make.add_argument(
        "--llm",
        metavar="MODEL",
        help="LLM for writer and director (any OpenAI-compatible server); "
        "default $FILMAGENT_LLM, else none. The key comes from $FILMAGENT_LLM_KEY or $OPENAI_API_KEY",
    )
    make.add_argument("--llm-url", metavar="URL", help="the server's base URL; default $FILMAGENT_LLM_URL")
    make.add_argument("--offline", action="store_true", help="no LLM, whatever the environment says")
    make.add_argument(
        "--vision-critic", action="store_true", help="let the LLM answer yes/no questions about every take"
    )
    make.add_argument(
        "--ask", default="none", metavar="GATES", help=f"where a person is asked: none, or any of {','.join(GATES)}"
    )
    make.add_argument("--attempts", type=int, metavar="N", help="attempts a shot (default 2)")
    make.add_argument("--seed", type=int, metavar="N", help="another seed, another film (default 0)")
    make.add_argument("--size", metavar="WxH", help="size of the takes in pixels; default the generator's own")
    make.add_argument("--steps", type=int, metavar="N", help="denoising steps; default the generator's own")
    make.add_argument("--guidance", type=float, metavar="G", help="guidance scale; default the generator's own")
    make.add_argument(
        "--speed", metavar="NAME",
        help=f"how much may be given up for time: {', '.join(SPEEDS)}; default {EXACT}; see below",
    )
    _add_gpus(make)
    _add_output(make)


def _speeds() -> str:
    """Return what every speed does, a few lines each."""
    width = max(map(len, SPEEDS))
    lines = []
    for speed in SPEEDS.values():
        first, *others = wrap(speed.says, HELP_WIDTH - width - 4)
        lines += [f"  {speed.name:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in others)]
    return SPEED_WORDS.format(table="\n".join(lines))


def _add(commands: Any, name: str, text: str, function: str, epilog: str | None = None) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_later(function))
    return command


def _add_gpus(command: argparse.ArgumentParser) -> None:
    command.add_argument("--gpus", type=int, metavar="N", help="make every shot on N GPUs (default: one)")


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _later(function: str) -> Callable[[argparse.Namespace], int]:
    """Import the commands only when one is called: --help and errors in usage stay instant."""

    def run(options: argparse.Namespace) -> int:
        from filmagent.cli import commands

        chosen: Callable[[argparse.Namespace], int] = getattr(commands, function)
        return chosen(options)

    return run
