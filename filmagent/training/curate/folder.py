"""The folder of a curation: what lies where, who may work on it, and what is left over after a crash.

    curation.json  films/ID.json  shots/ID.json  answers/KEY.json        what was asked, done, seen and paid
    sequences/ID.json  clips/FILM/NUMBER.mp4                             what is trained with
    report.html  pictures/FILM/NUMBER-FRAME.jpg                                      what a person looks at

Files appear whole or not at all; present means done. Knows nothing of how they are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from filmagent.artifacts import read_json, write_json_atomically
from filmagent.errors import ArtifactError, RunBusyError, UsageError
from filmagent.schemas.story import Model
from filmagent.training.curate.clips import PICTURES
from filmagent.training.curate.cutting import Drop, Part
from filmagent.training.curate.settings import CurateSettings
from filmagent.training.sequences.folder import CLIPS, SEQUENCES
from filmagent.training.sequences.record import Box, SequenceRecord

SETTINGS, REPORT = "curation.json", "report.html"
FILMS, SHOTS, ANSWERS = "films", "shots", "answers"

_HIDDEN = re.compile(r"\..*-[0-9a-f]{16}\.\w+")
M = TypeVar("M", bound=Model)


class FilmShots(Model):
    """What one pass over a film found."""

    fps: int
    frames: int
    parts: tuple[Part, ...]
    drops: tuple[Drop, ...]
    area: Box
    """What is used of the picture: all but black bars."""
    note: str = ""
    """What a person should know of the film file."""


class FilmRecord(Model):
    """A film that is done."""

    id: str
    name: str
    skipped: str = ""
    """Why nothing was made of it; empty: it was looked at."""
    seconds: float = Field(default=0, ge=0)
    note: str = ""
    sequences: tuple[str, ...] = ()
    drops: tuple[Drop, ...] = ()


def read_model(path: Path, kind: type[M]) -> M | None:
    """Return what a file holds, None when it is not there. Raises ArtifactError when it is damaged."""
    if not path.is_file():
        return None
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        raise ArtifactError(f"{str(path)!r} is damaged; delete it and run again: {error}") from error


def write_model(path: Path, model: Model) -> None:
    """Write a model as JSON, whole or not at all."""
    write_json_atomically(path, model.model_dump(mode="json"))


def film_records(folder: Path) -> tuple[FilmRecord, ...]:
    """Return the films that are done, by name."""
    found = (read_model(path, FilmRecord) for path in sorted((folder / FILMS).glob("*.json")))
    return tuple(sorted((record for record in found if record is not None), key=lambda record: record.name))


def sequence_records(folder: Path) -> tuple[SequenceRecord, ...]:
    """Return the sequences that are done, by name."""
    found = (read_model(path, SequenceRecord) for path in sorted((folder / SEQUENCES).glob("*.json")))
    return tuple(record for record in found if record is not None)


@contextmanager
def working_in(folder: Path, settings: CurateSettings) -> Iterator[None]:
    """Hold the folder for these settings, and clear what a killed process left half-written.

    Raises:
        UsageError: the folder cannot be made, or holds something else or a curation with other settings.
        RunBusyError: another process works on it.
    """
    before = read_model(folder / SETTINGS, CurateSettings) if folder.is_dir() else None
    _check_same(folder, before, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunBusyError(f"another process works on {folder}; wait for it, or choose another folder") from error
    except OSError as error:
        raise UsageError(f"DIR {str(folder)!r} cannot be written: {error.strerror}; choose another folder") from error
    try:
        for path in folder.rglob(".*"):
            if _HIDDEN.fullmatch(path.name):
                path.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def delete_unused(folder: Path, film: FilmRecord) -> None:
    """Delete the clips and pictures of a film that is done which stand in none of its sequences."""
    records = [read_model(folder / SEQUENCES / f"{name}.json", SequenceRecord) for name in film.sequences]
    used = {f"{film.id}/{Path(clip.video_path).stem}" for record in records if record for clip in record.sequence_clips}
    for path in (*(folder / CLIPS / film.id).glob("*.mp4"), *(folder / PICTURES / film.id).glob("*.jpg")):
        if f"{film.id}/{path.stem.split('-')[0]}" not in used:
            path.unlink()


def _check_same(folder: Path, before: CurateSettings | None, settings: CurateSettings) -> None:
    if before is None:
        ours = (".lock", ANSWERS)  # all that there is before the model has shown that it sees
        if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
            raise UsageError(f"DIR {str(folder)!r} holds something that is no curation; choose a new or empty folder")
        return
    for name in CurateSettings.model_fields:
        old, new = getattr(before, name), getattr(settings, name)
        if old != new:
            flag = "--llm" if name == "model" else f"--{name}"
            raise UsageError(f"DIR {str(folder)!r} was begun with {flag} {old}, not {new}; go on with the same, or "
                             "choose another folder")
