"""`make ... --estimate`: says what a film is going to cost, and makes nothing. Also the one line at a run's start.

Knows words and units; the estimate itself is `filmagent.graphs.estimate`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filmagent.errors import FilmAgentError, UsageError
from filmagent.generation.wan.fast.presets import EXACT, SPEEDS
from filmagent.graphs.estimate import Estimate, estimate_film
from filmagent.graphs.run_folder import RunRequest, list_runs
from filmagent.graphs.studio import Studio

GIB, MIB = 2**30, 2**20


def print_estimate(request: RunRequest, studio: Studio, out: Path | None, as_json: bool, gpus: int = 1) -> int:
    """Estimate a film on this machine and print it on stdout; returns the exit code.

    Args:
        request: what is asked for.
        studio: who makes the generator, on as many GPUs as are going to film.
        out: the run folder to be made; None: one in runs/.
        as_json: print JSON instead of words.
        gpus: how many GPUs those are.

    Raises:
        UsageError: the generator tells no costs.
        ModelFilesError: its files are missing or broken.
    """
    estimate = estimate_film(request, studio, run_folders(out), measure=True)
    if estimate is None:
        raise UsageError(f"--estimate: generator {request.settings.generator!r} does not tell what its shots cost")
    speed = SPEEDS[request.settings.speed]
    if as_json:
        sys.stdout.write(json.dumps(estimate.model_dump(mode="json")) + "\n")
        return 0
    if gpus > 1:
        sys.stdout.write(f"gpus    {gpus}: forwards, TFLOP and memory are those of one GPU\n")
    if speed.name != EXACT:
        sys.stdout.write(f"speed   {speed.name}: {speed.says}\n")
    sys.stdout.write(in_words(estimate))
    return 0


def run_folders(out: Path | None) -> list[Path]:
    """Return the run folders whose takes tell how fast this machine is: those in runs/, and the one to be made."""
    folders = list_runs()
    return folders if out is None or out in folders else [*folders, out]


class StartLine:
    """Says the estimate once, when the first shot is about to be made and before its weights are loaded.

    The shot list is known by then, and the generator has asked for its device already: it costs no time of its own.
    """

    def __init__(self, request: RunRequest, studio: Studio, folder: Path) -> None:
        """Estimate this request with this studio's generator, from the takes of the runs here and of `folder`."""
        self._request, self._studio, self._folder = request, studio, folder
        self._said = False

    def line_for(self, event: Mapping[str, Any]) -> str | None:
        """Return the line for the first `shot` event; None for every other."""
        if self._said or event["event"] != "shot":
            return None
        self._said = True
        left = int(event["of"]) - int(event["index"])
        request = self._request
        if request.story is None:
            settings = request.settings.model_copy(update={"shots": int(event["of"])})
            request = request.model_copy(update={"settings": settings})
        try:
            estimate = estimate_film(request, self._studio, run_folders(self._folder), measure=False, left=left)
        except FilmAgentError:
            return None  # the generator says it better, in a moment
        return None if estimate is None else in_one_line(estimate)


def in_one_line(estimate: Estimate) -> str:
    """Return time, memory and disk in a line."""
    if estimate.seconds is None:
        time = f"time unknown, no earlier take of {estimate.generator} on this machine (--estimate measures it)"
    else:
        error = "" if estimate.last_error is None else f", the last one was {estimate.last_error:+.0%} off"
        time = f"about {_minutes(estimate.seconds)} (from {estimate.calibrated_on} earlier takes{error})"
    memory = f"peak memory {_gib(estimate.peak_bytes)} of {_gib(estimate.room_bytes)} (rung {estimate.rung})"
    return (
        f"estimate for {estimate.shots} shots, {estimate.takes:g} takes: {time}; {memory}; "
        f"disk {_mib(estimate.disk_bytes)}"
    )


def in_words(estimate: Estimate) -> str:
    """Return the whole estimate, a line a matter."""
    return "\n".join((*_lines(estimate), *(f"  - {reason}" for reason in estimate.rests_on))) + "\n"


def _lines(estimate: Estimate) -> Iterable[str]:
    yield f"{estimate.shots} shots with {estimate.generator} on {estimate.machine}"
    if estimate.seconds is not None and estimate.seconds_least is not None and estimate.seconds_most is not None:
        yield (
            f"time    {_minutes(estimate.seconds)} for {estimate.takes:g} takes; {_minutes(estimate.seconds_least)} "
            f"without a retake, {_minutes(estimate.seconds_most)} for all {estimate.takes_most} attempts"
        )
    over = "" if estimate.peak_bytes <= estimate.room_bytes else "; MORE THAN THERE IS, even on the last rung"
    yield (
        f"memory  {_gib(estimate.peak_bytes)} at its peak, of {_gib(estimate.room_bytes)}, "
        f"on rung {estimate.rung}{over}"
    )
    yield f"disk    {_mib(estimate.disk_bytes)} for the run; the model's files take {_gib(estimate.model_bytes)}"
    if estimate.last_error is not None:
        yield f"error   the newest earlier take was foretold {estimate.last_error:+.0%} off"
    yield "rests on"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _gib(number: int) -> str:
    return f"{number / GIB:.2f} GiB" if number < 10 * GIB else f"{number / GIB:.1f} GiB"


def _mib(number: int) -> str:
    return f"{max(1, round(number / MIB))} MiB" if number < 10 * GIB else _gib(number)
