"""One function a command: options in, one call of the library, an exit code out.

Everything a person gave is checked here before a folder is made, a token is paid or a weight is loaded.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from filmagent.cli.asking import ask_at_terminal
from filmagent.cli.estimate import StartLine, print_estimate
from filmagent.cli.progress import Progress
from filmagent.cli.requests import request_of
from filmagent.cli.several import studio_for
from filmagent.errors import AnswerError, UsageError
from filmagent.generation.wan.fast.presets import EXACT
from filmagent.graphs.run_folder import RunRequest, find_run, folder_for, list_runs, read_request
from filmagent.graphs.runner import Answer, Event, OpenQuestion, RunResult, run_film, state_of, what_becomes_stale
from filmagent.graphs.studio import Studio

WAITING = 3


def make(options: argparse.Namespace) -> int:
    """Make a film."""
    request = request_of(options)
    if options.estimate:
        studio = studio_for(options, request.settings)
        return print_estimate(request, studio, options.out, options.json, options.gpus or 1)
    folder = folder_for(request, options.out)
    return _work(folder, options, request=request)


def resume(options: argparse.Namespace) -> int:
    """Go on with a run."""
    folder = find_run(options.name)
    answers = [] if options.answer is None else [_read_answer(options.answer)]
    if answers and not state_of(folder).waiting:
        raise UsageError(f"--answer {options.answer}: {folder} has no open question")
    return _work(folder, options, answers=answers)


def redo(options: argparse.Namespace) -> int:
    """Make shots again."""
    folder = find_run(options.name)
    story_shots = _shot_ids(options.shot, folder)
    stale = what_becomes_stale(folder, story_shots)
    for entry in stale:
        sys.stderr.write(f"{entry.shot}: {entry.reason}\n")
    if options.dry_run:
        if options.json:
            sys.stdout.write(json.dumps({"stale": [entry.model_dump() for entry in stale]}) + "\n")
        return 0
    return _work(folder, options, redo=story_shots)


def runs(options: argparse.Namespace) -> int:
    """List the runs."""
    rows = [_summary(folder) for folder in list_runs()]
    if options.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return 0
    for row in rows:
        sys.stdout.write(f"{row['run']:<40} {row['state']:<24} {row['title']}\n")
    if not rows:
        sys.stderr.write('no runs here yet; try: filmagent "a cat\'s journey home"\n')
    return 0


def show(options: argparse.Namespace) -> int:
    """Show a run."""
    folder = find_run(options.name)
    summary, result = _summary(folder), state_of(folder)
    if options.json:
        sys.stdout.write(
            json.dumps({**summary, "decisions": result.decisions, "questions": [_as_json(q) for q in result.waiting]})
            + "\n"
        )
        return 0
    for key, value in summary.items():
        sys.stdout.write(f"{key:<8} {value}\n")
    for question in result.waiting:
        sys.stdout.write(f"waits for an answer at gate {question.question.gate}: {question.question.title}\n")
    for decision in result.decisions:
        sys.stdout.write(f"- {decision}\n")
    return 0


def models(options: argparse.Namespace) -> int:
    """List, fetch and check models."""
    from filmagent.cli.models import run

    return run(options)


def train(options: argparse.Namespace) -> int:
    """Train the built-in model, or a memory on films of one's own."""
    words = list(options.words)
    if words[:1] == ["memory"]:
        from filmagent.training.memory.cli import main as train_memory

        return train_memory(words[1:])
    if words[:1] == ["papercut"]:
        from filmagent.training.papercut.cli import main as train_papercut

        return train_papercut(words[1:])
    raise UsageError(
        "train what? `filmagent train papercut --help` lists the parts of the built-in model, "
        "`filmagent train memory --help` trains a memory on films of your own"
    )


def _work(
    folder: Path,
    options: argparse.Namespace,
    *,
    request: RunRequest | None = None,
    answers: list[Answer] | None = None,
    redo: tuple[str, ...] = (),
) -> int:
    asked = request or read_request(folder)
    studio, given = studio_for(options, asked.settings), list(answers or [])
    with Progress(options.quiet) as progress, StopOnSignal(studio):

        def ask(question: OpenQuestion) -> Answer | None:
            if given:
                return given.pop(0)
            if sys.stdin.isatty() and not options.json:
                return ask_at_terminal(question, folder, sys.stdin.readline, sys.stderr)
            return None

        progress.say(f"{folder}: {_who_decides(asked)}")
        start = StartLine(asked, studio, folder)

        def on_event(event: Event) -> None:
            if not options.quiet and (line := start.line_for(event)) is not None:
                progress.say(line)
            progress(event)

        result = run_film(folder, request=request, studio=studio, on_event=on_event, ask=ask, redo=redo)
    return _report(result, options)


def _report(result: RunResult, options: argparse.Namespace) -> int:
    """Write the result to stdout: the film's path, or JSON; or the open question and exit code 3."""
    if result.film is None:
        for question in result.waiting:
            sys.stdout.write(
                json.dumps(_as_json(question), ensure_ascii=False, indent=None if options.json else 2) + "\n"
            )
        sys.stderr.write(f"waiting for a person; answer with: filmagent resume {result.folder} --answer FILE\n")
        return WAITING
    if options.json:
        film = {**result.film.model_dump(mode="json"), "run": str(result.folder), "film": str(result.film_path)}
        sys.stdout.write(json.dumps(film, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{result.film_path}\n")
    if result.film.status != "done" and not options.quiet:
        sys.stderr.write(f"the film ended as {result.film.status!r}: look at {result.folder / 'contact.png'}\n")
    return 0


def _who_decides(request: RunRequest) -> str:
    settings = request.settings
    llm = settings.llm or "no LLM: the offline writer and the rules"
    speed = "" if settings.speed == EXACT else f", speed {settings.speed}"
    return f"{llm}; generator {settings.generator}{speed}, memory {settings.memory}, seed {settings.seed}"


class StopOnSignal:
    """Ctrl-C and SIGTERM stop the shot in work after its step; a second one stops at once."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: object) -> None:
        if self._studio.cancelled.is_set():
            raise KeyboardInterrupt
        sys.stderr.write("\nstopping after this step; once more stops at once\n")
        self._studio.cancelled.set()


def _as_json(question: OpenQuestion) -> dict[str, Any]:
    return {"question": question.id, **question.question.model_dump(mode="json")}


def _read_answer(path: Path) -> Answer:
    """Read an answer file. Raises AnswerError naming file and line."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        answer = json.loads(text)
    except OSError as error:
        raise AnswerError(f"--answer {path}: {error.strerror}; give a JSON file") from error
    except UnicodeDecodeError as error:
        raise AnswerError(f"--answer {path}: not UTF-8 text; give a JSON file") from error
    except json.JSONDecodeError as error:
        raise AnswerError(f"--answer {path}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    if not isinstance(answer, dict):
        raise AnswerError(f'--answer {path}: an answer is a JSON object such as {{"action": "approve"}}')
    return answer


def _shot_ids(words: list[str], folder: Path) -> tuple[str, ...]:
    """Return shot ids for what a person typed: `3` means the third shot."""
    story = _story_shots(folder)
    ids = []
    for word in words:
        if word.isdigit():
            if not 1 <= int(word) <= len(story):
                raise UsageError(f"--shot {word}: the film has shots 1 to {len(story)}")
            ids.append(story[int(word) - 1])
        else:
            ids.append(word)
    return tuple(dict.fromkeys(ids))


def _story_shots(folder: Path) -> list[str]:
    from filmagent.delivery.manifest import read_manifest

    if not (folder / "film.json").is_file():
        raise UsageError(f"{folder} has no finished film yet; `filmagent resume {folder}` finishes it")
    return [shot.id for shot in read_manifest(folder / "film.json").story.shots]


def _summary(folder: Path) -> dict[str, str]:
    request, result = read_request(folder), state_of(folder)
    state = "in work or interrupted"
    if result.film is not None:
        state = result.film.status
    elif result.waiting:
        state = f"waits at gate {result.waiting[0].question.gate}"
    title = result.film.title if result.film else request.logline or (request.story.title if request.story else "")
    return {"run": str(folder), "state": state, "title": title}
