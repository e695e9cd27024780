"""The check of a folder of sequences, before anything is trained: every fault with its file and its field.

    sequences/ID.json   clips/FILM/NUMBER.mp4

Knows files; decodes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from filmagent.artifacts import sha256_of_file
from filmagent.errors import ArtifactError, UsageError
from filmagent.training.sequences.record import SequenceRecord, disagreements

SEQUENCES, CLIPS = "sequences", "clips"
_MOST_SHOWN = 20
Place = tuple[int | str, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a folder."""

    file: Path
    field: str
    """Path of the field in the file, such as `sequence_clips.2.caption`; empty: the file itself."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}{', ' + self.field if self.field else ''}: {self.message}"


@dataclass(frozen=True)
class Found:
    """What a check found."""

    records: tuple[SequenceRecord, ...]
    """The sequences in order, by name of their files."""
    faults: tuple[Fault, ...]


def check_folder(
    folder: Path, *, hashes: bool = False, on_file: Callable[[int, int], None] = lambda done, of: None
) -> Found:
    """Read all sequences of a folder and look for every fault.

    Args:
        folder: as `filmagent curate` makes it.
        hashes: also read every clip and compare its hash, which takes as long as reading the whole folder.
        on_file: called after every sequence with (sequences read, sequences in all).

    Raises:
        UsageError: this is no folder of sequences.
    """
    files = sorted((folder / SEQUENCES).glob("*.json"))
    if not files:
        raise UsageError(f"{str(folder)!r} holds no sequences ({SEQUENCES}/*.json); `filmagent curate FILMS DIR` makes "
                         "such a folder")
    records: list[SequenceRecord] = []
    faults: list[Fault] = []
    for number, file in enumerate(files, start=1):
        read = _read(file)
        if isinstance(read, SequenceRecord):
            records.append(read)
            faults += _faults_of(folder, file, read, hashes)
        else:
            faults += read
        on_file(number, len(files))
    return Found(tuple(records), tuple(faults))


def refuse_faults(faults: tuple[Fault, ...]) -> None:
    """Raise UsageError with a line for every fault, if there are any."""
    if faults:
        more = f"\n... and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        raise UsageError(f"{len(faults)} fault(s) in the sequences; mend or delete these files:\n"
                         + "\n".join(map(str, faults[:_MOST_SHOWN])) + more)


def _read(file: Path) -> SequenceRecord | list[Fault]:
    try:
        return SequenceRecord.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        return [Fault(file, "", f"cannot be read: {error.strerror}")]
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        places = [detail["loc"] for detail in details]
        return [Fault(file, ".".join(map(str, detail["loc"])), detail["msg"]) for detail in details
                if detail["type"] != "too_short" or not _is_within(places, detail["loc"])]
    except ValueError as error:
        return [Fault(file, "", f"is no readable JSON ({error})")]


def _faults_of(folder: Path, file: Path, record: SequenceRecord, hashes: bool) -> Iterator[Fault]:
    if record.sequence_id != file.stem:
        yield Fault(file, "sequence_id", f"is {record.sequence_id!r}; it must be the file's name, {file.stem!r}")
    for field, message in disagreements(record):
        yield Fault(file, field, message)
    for index, clip in enumerate(record.sequence_clips):
        where, path = f"sequence_clips.{index}", folder / clip.video_path
        if not path.is_file():
            yield Fault(file, f"{where}.video_path", f"{clip.video_path!r} does not exist")
        elif (length := path.stat().st_size) != clip.bytes:
            yield Fault(file, f"{where}.bytes", f"is {clip.bytes}, but {clip.video_path!r} has {length} bytes")
        elif hashes and (problem := _other_hash(path, clip.sha256)):
            yield Fault(file, f"{where}.sha256", problem)


def _is_within(places: Sequence[Place], outer: Place) -> bool:
    """Whether a fault lies inside a list: pydantic then calls the list too short as well, which helps nobody."""
    return any(len(place) > len(outer) and place[: len(outer)] == outer for place in places)


def _other_hash(path: Path, expected: str) -> str:
    try:
        return "" if sha256_of_file(path) == expected else f"{str(path)!r} holds other bytes"
    except ArtifactError as error:
        return str(error)
