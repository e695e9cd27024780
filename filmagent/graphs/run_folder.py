"""The run folder: what a run was asked for, who may work on it, and where it lies.

    film.mp4  film.json  contact.png  takes/  memory/  run.json (what was asked for)  run.sqlite (checkpoints)

Knows nothing of the graph.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import ValidationError

from filmagent.artifacts import read_json, write_json_atomically
from filmagent.errors import ArtifactError, RunBusyError, UsageError
from filmagent.schemas.story import Model, Story
from filmagent.settings import Settings

RUNS = Path("runs")
REQUEST_FILE = "run.json"


class RunRequest(Model):
    """What a person asked for. Written once; `resume` and `redo` read it."""

    version: Literal[1] = 1
    logline: str = ""
    story: Story | None = None
    """A given story; None: the writer writes one from the logline."""
    settings: Settings = Settings()

    def same_film(self, other: RunRequest) -> bool:
        """Whether both ask for the same film; who is asked at which gate and how much memory there is do not matter."""
        quiet: dict[str, Any] = {"ask": (), "memory_budget": None}
        return (self.logline, self.story, self.settings.model_copy(update=quiet)) == (
            other.logline,
            other.story,
            other.settings.model_copy(update=quiet),
        )


def slug(title: str) -> str:
    """Return a folder name for a title: lower-case ASCII words, or a short hash when no letter is left."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_only.lower().replace("'", ""))
    name = "-".join(words)[:60].strip("-")
    return name or "film-" + hashlib.sha256(title.encode()).hexdigest()[:8]


def folder_for(request: RunRequest, out: Path | None) -> Path:
    """Return the folder of a request: the given one, else `runs/<slug>` or, where another film lives, `-2`, `-3`...

    Raises UsageError when the given folder holds another film, other files, or cannot be written.
    """
    if out is not None:
        _check_usable(out, request)
        return out
    base = slug(request.logline or (request.story.title if request.story else "film"))
    for number in range(1, 1000):
        folder = RUNS / (base if number == 1 else f"{base}-{number}")
        if not (folder / REQUEST_FILE).exists() or read_request(folder).same_film(request):
            _check_usable(folder, request)
            return folder
    raise UsageError(f"{RUNS / base} and 999 more folders hold other films; choose one with --out DIR")


def find_run(name: str) -> Path:
    """Return the folder of an existing run, given as a folder or as a name in `runs/`. Raises UsageError."""
    for folder in (Path(name), RUNS / name):
        if (folder / REQUEST_FILE).is_file():
            return folder
    known = ", ".join(path.name for path in list_runs()) or "none"
    raise UsageError(f"{name!r} is no run: no {REQUEST_FILE} there; runs here: {known}")


def list_runs(root: Path = RUNS) -> list[Path]:
    """Return the run folders below a folder, by name."""
    return sorted(path.parent for path in root.glob(f"*/{REQUEST_FILE}"))


def write_request(folder: Path, request: RunRequest) -> None:
    """Write what was asked for, if it is not there yet. Raises UsageError when the folder cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot make this folder ({error.strerror}); choose another") from error
    write_json_atomically(folder / REQUEST_FILE, request.model_dump(mode="json"))


def read_request(folder: Path) -> RunRequest:
    """Read what a run was asked for. Raises ArtifactError when the file is damaged."""
    try:
        return RunRequest.model_validate(read_json(folder / REQUEST_FILE))
    except ValidationError as error:
        raise ArtifactError(
            f"{folder / REQUEST_FILE} is damaged: {error}; start the film anew in another folder"
        ) from error


@contextmanager
def only_worker(folder: Path) -> Iterator[None]:
    """Hold the run folder: a second process is refused with RunBusyError. A killed holder lets go by itself."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunBusyError(
            f"another process works on {folder}; wait for it, or choose another folder with --out"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _check_usable(folder: Path, request: RunRequest) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; give a folder")
    if (folder / REQUEST_FILE).exists():
        if not read_request(folder).same_film(request):
            raise UsageError(f"--out {folder} holds another film (see {folder / REQUEST_FILE}); choose another folder")
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"--out {folder} is not empty and holds no run; choose a new or an empty folder")
    parent = folder
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"--out {folder}: {parent} is not writable; choose another folder")
