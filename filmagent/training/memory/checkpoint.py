"""A training between two steps, in one file, written beside and renamed; and the log, cut back to it.

The generators' states need no place in it: all chance of a step is a function of seed, step and process. Holds tensors
and plain data alone, and is read as such. Knows no model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from filmagent.errors import ModelFilesError, UsageError


def save_checkpoint(file: Path, state: Mapping[str, Any]) -> None:
    """Write a state; a reader never sees half a file, and a kill leaves the one before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.part")
    torch.save(dict(state), beside)
    beside.replace(file)


def load_checkpoint(file: Path, decided: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the state of a training that was decided alike, or None where there is none.

    Args:
        file: of `save_checkpoint`; the state's `decided` says what it was trained with.
        decided: what this run would train with.

    Raises:
        UsageError: the two differ.
        ModelFilesError: the file is broken.
    """
    if not file.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever a broken file leads it to
        raise ModelFilesError(f"{str(file)!r} is broken ({error}): delete it to begin anew") from error
    wrong = [
        f"{name} {state['decided'].get(name)} (now {decided.get(name)})"
        for name in sorted({*decided, *state["decided"]})
        if decided.get(name) != state["decided"].get(name)
    ]
    if wrong:
        raise UsageError(f"{str(file)!r} was trained with {'; '.join(wrong)}: train as before, or into another folder")
    return state


def append_log(log: Path, line: Mapping[str, float]) -> None:
    """Add one line of JSON."""
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(dict(line)) + "\n")


def cut_log(log: Path, step: int) -> None:
    """Take out the lines after a step, and one that a kill cut short: those steps are made again."""
    if not log.exists():
        return
    kept = [line for line in log.read_text(encoding="utf-8").splitlines() if (_step_of(line) or step + 1) <= step]
    beside = log.with_name(f"{log.name}.part")
    beside.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    beside.replace(log)


def _step_of(line: str) -> int | None:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None
