"""One line of the log: everything that was measured of one shot, beside its truth. Knows no tables and no models.

A line is written in one piece and brought to the disk before the next shot begins, so a killed run loses at most the
shot in work; half a line at the end of the file is cut off when the run goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from filmagent.errors import ArtifactError
from filmagent.training.papercut.probe.questions import Reading


@dataclass(frozen=True)
class ShotRecord:
    """What was measured of one shot of one film."""

    row: str
    seed: int
    story: int
    shot: int
    """Index in the story."""
    form: str
    link: str
    """How it was made: a row of cuts makes joins by cuts."""
    truth: Reading
    reading: Reading
    since: Mapping[str, int | None]
    """By kind, for all who are due: shots since last in frame; None: it is new."""
    place_since: int | None
    seconds: float | None = None
    """Of the generator; None where nothing was generated."""
    tokens: int | None = None
    """Length of the sequence that it attended over, memory included; None: not told."""
    remembered: int = 0
    """Memory frames that it was shown."""
    shown: tuple[int, ...] = ()
    """Indices of the shots that these are of."""
    seam: float | None = None
    """Mean absolute difference across the join, 0 to 1; None at a cut."""
    moving: float | None = None
    """Greatest share of pixels that differ from the first frame, 0 to 1; None: there is but one frame."""
    judged: tuple[str, ...] = ()
    """Symptoms that the critic's scorers could have found."""
    symptoms: tuple[str, ...] = ()
    """Those that they found."""
    memory: str | None = None
    """Key of the record in the memory bank."""
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        readings = {"truth": self.truth.as_json(), "reading": self.reading.as_json()}
        return {**asdict(self), **readings}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ShotRecord:
        """The record that `as_json` wrote. Raises KeyError, TypeError."""
        known = {each.name for each in fields(cls)}
        kept = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()}
        if set(kept) - known:
            raise TypeError(f"unknown entries {sorted(set(kept) - known)}")
        plain: dict[str, Any] = {**kept, **{name: Reading.from_json(value[name]) for name in ("truth", "reading")}}
        return cls(**plain)


Film = tuple[str, int, int]
"""Row, seed and story."""


def film_of(record: ShotRecord) -> Film:
    """The film that a shot belongs to."""
    return record.row, record.seed, record.story


def by_film(records: Iterable[ShotRecord]) -> dict[Film, list[ShotRecord]]:
    """The shots of every film, in order."""
    found: dict[Film, list[ShotRecord]] = {}
    for record in records:
        found.setdefault(film_of(record), []).append(record)
    return {film: sorted(shots, key=lambda record: record.shot) for film, shots in found.items()}


@dataclass(frozen=True)
class RecordLog:
    """A file with one record a line."""

    path: Path

    def read(self) -> list[ShotRecord]:
        """All whole records; half a line at the end is cut off.

        Raises:
            ArtifactError: the file cannot be read, or a line before the last one is no record.
        """
        if not self.path.exists():
            return []
        try:
            data = self.path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.truncate(self.path, len(whole))
            return [ShotRecord.from_json(json.loads(line)) for line in whole.splitlines()]
        except OSError as error:
            raise ArtifactError(f"cannot read {str(self.path)!r}: {error.strerror}; choose another folder") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"{str(self.path)!r} holds a line that is no record ({error}); delete the file and measure again"
            ) from error

    def append(self, record: ShotRecord) -> None:
        """Write one record. Raises ArtifactError when the disk refuses it."""
        line = json.dumps(record.as_json(), separators=(",", ":"), allow_nan=False) + "\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise ArtifactError(
                f"cannot write {str(self.path)!r}: {error.strerror}. Free space, then run the same "
                "command again: it goes on"
            ) from error
