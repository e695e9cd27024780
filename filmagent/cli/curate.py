"""`filmagent curate FILMS DIR`: a folder of films becomes a folder of captioned sequences to train memory with.

stdout carries the report's path or JSON; stderr what is going on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filmagent.errors import FilmAgentError, UsageError

INTERRUPTED = 130

EXAMPLES = """\
examples:
  filmagent curate films/ sequences/ --llm gpt-5             shots, captions, subjects and targets of every film
  filmagent curate films/ sequences/ --llm qwen3-vl --llm-url http://localhost:8000/v1 --parallel 16
  filmagent curate films/ short/ --shots 6 --shortest 3 --longest 8

It needs pip install 'filmagent[curate]'. The same words go on after a crash; no question is paid twice.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words to its parser."""
    parser.add_argument("films", type=Path, metavar="FILMS", help="folder of films, searched with its subfolders")
    parser.add_argument("out", type=Path, metavar="DIR", help="where sequences, clips and report.html go")
    parser.add_argument("--shots", type=int, metavar="N", help="most shots of a sequence, 2 to 16 (default 10)")
    parser.add_argument("--shortest", type=float, metavar="SECONDS", help="drop shorter shots (default 5)")
    parser.add_argument("--longest", type=float, metavar="SECONDS", help="divide longer shots (default 10)")
    parser.add_argument("--llm", metavar="MODEL", help="a vision LLM (any OpenAI-compatible server); default "
                        "$FILMAGENT_LLM. The key comes from $FILMAGENT_LLM_KEY or $OPENAI_API_KEY")
    parser.add_argument("--llm-url", metavar="URL", help="the server's base URL; default $FILMAGENT_LLM_URL")
    parser.add_argument("--parallel", type=int, default=4, metavar="N", help="questions at a time (default 4)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Curate, as the person asked."""
    from pydantic import ValidationError

    from filmagent.agents.openai_llm import OpenAILLM
    from filmagent.settings import from_environment, llm_key_from_environment
    from filmagent.training.curate.curator import curate
    from filmagent.training.curate.settings import CurateSettings

    environment = from_environment()
    model = options.llm or environment.get("llm", "")
    if not model:
        raise UsageError("curate needs an LLM that sees pictures: give --llm MODEL, or set FILMAGENT_LLM")
    if not 1 <= options.parallel <= 256:
        raise UsageError(f"--parallel {options.parallel}: give 1 to 256")
    given = {name: value for name in ("shots", "shortest", "longest") if (value := getattr(options, name)) is not None}
    try:
        settings = CurateSettings(model=model, **given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        flag = f"--{detail['loc'][0]} {given.get(str(detail['loc'][0]))}: " if detail["loc"] else ""
        raise UsageError(f"{flag}{detail['msg'].lower()}") from error
    url = options.llm_url or environment.get("llm_url") or None
    llm = OpenAILLM(model, base_url=url, key=llm_key_from_environment())
    with _Bar(options.quiet) as bar:
        try:
            done = curate(options.films, options.out, settings, llm, workers=options.parallel, on_event=bar)
        except KeyboardInterrupt:
            bar.say("interrupted; the same command goes on where it stopped")
            return INTERRUPTED
    if options.json:
        sys.stdout.write(json.dumps(asdict(done) | {"report": str(done.report)}) + "\n")
    else:
        sys.stdout.write(f"{done.report}\n")
    if not done.sequences:
        raise FilmAgentError(f"no sequence came out of {done.films} film(s); {done.report} says why for every part")
    if not options.quiet:
        sys.stderr.write(f"{done.sequences} sequences, {done.clips} clips, {done.seconds / 60:.1f} minutes; "
                         f"{done.questions} questions asked, {done.answers_kept} answers were there already\n")
    return 0


class _Bar:
    """One progress bar a stage of a film."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._film = quiet, ""
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        if self._quiet:
            return
        if event["event"] == "film":
            self._film = f"film {event['index'] + 1}/{event['of']} {event['name'][-40:]}"
        elif event["event"] == "note":
            self.say(event["text"])
        elif event["event"] == "stage":
            self._begin(event["text"], event["total"])
        elif self._bar is not None:
            self._bar.update(event["count"])

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        if not self._quiet:
            from tqdm import tqdm

            tqdm.write(text, file=sys.stderr)

    def _begin(self, text: str, total: int) -> None:
        from tqdm import tqdm

        self._close()
        if total:
            self._bar = tqdm(total=total, file=sys.stderr, dynamic_ncols=True, desc=f"{self._film}: {text}",
                                  bar_format="{desc} |{bar}| {n_fmt}/{total_fmt}, {elapsed} gone, {remaining} left")

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
