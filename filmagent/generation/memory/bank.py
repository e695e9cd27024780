"""The memory bank of a run: `memory/<sha>.png` pictures and `memory/<record>.json`, one for each accepted take.

A record's key is the hash of what made it, so remembering twice costs nothing, and a folder can be moved. Pictures
are lossless and named by their content. Knows no policy and no model: it is told what to keep.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from pydantic import TypeAdapter, ValidationError

from filmagent.artifacts import read_json, sha256_of_bytes, stable_key, write_bytes_atomically, write_json_atomically
from filmagent.errors import ArtifactError, UsageError
from filmagent.generation.memory.port import BankView, Keyframe, MemoryPolicy
from filmagent.generation.port import Frames, Image
from filmagent.schemas.story import Shot, Story
from filmagent.schemas.take import Take

FOLDER = "memory"
RECORD_FORMAT = 1
"""Raised when records of an earlier release must be made again."""
LONGEST_SIDE = 2048
"""Reference photographs are made smaller until no side is longer, in pixels."""


@dataclass(frozen=True)
class Record:
    """What was kept of one accepted take, or of one reference photograph."""

    key: str
    policy: str
    """Who decided; empty for a reference photograph."""
    keyframes: tuple[Keyframe, ...]
    notes: tuple[str, ...] = ()
    """Why no more was kept."""
    shot: str | None = None
    """Id of the shot; None: a reference photograph."""
    pools: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Expert -> the memory frames that it chose for the take, as pictures' hashes. Empty when nobody chose."""


_RECORD = TypeAdapter(Record)


@dataclass(frozen=True)
class MemoryBank:
    """Reads and writes the memory of one run folder."""

    run_dir: Path

    def remember(self, policy: MemoryPolicy, view: BankView, story: Story, shot: Shot, take: Take,
                 frames: Frames) -> str:
        """Let a policy keep frames of an accepted take; return the record's key. Done before means done.

        Args:
            view: the bank as it was before this shot.
            frames: the take's frames.

        The key holds the policy's fingerprint: another model or another rule decides anew.

        Raises:
            ScoringError, ModelFilesError: the policy could not measure the frames.
            ArtifactError: the disk refuses the files, or a picture of the bank is altered.
        """
        key = stable_key({"format": RECORD_FORMAT, "policy": policy.name, "decides": dict(policy.fingerprint),
                          "take": take.key, "video": take.sha256,
                          "bank": [keyframe.sha256 for keyframe in view.keyframes]})
        if self._is_whole(key):
            return key
        decision = policy.remember(view, story, shot, frames)
        place = story.place_of(shot)
        keyframes = []
        for kept in decision.kept:
            sha256, path = self._write_picture(frames[kept.frame])
            keyframes.append(Keyframe(sha256=sha256, path=path, shot=shot.id, take=take.key, frame=kept.frame,
                                      subjects=dict(kept.subjects), place=place.id if place else None,
                                      quality=kept.quality, reason=kept.reason))
        self._write_record(Record(key, policy.name, tuple(keyframes), decision.notes, shot.id, _pools_of(take)))
        return key

    def add_reference(self, image_path: str | Path, subject_id: str) -> str:
        """Take in a photograph of a subject; return the record's key. Any picture that Pillow reads.

        Raises:
            UsageError: the file cannot be read as a picture.
            ArtifactError: the disk refuses the files.
        """
        sha256, path = self._write_picture(_read_photograph(Path(image_path)))
        key = stable_key({"format": RECORD_FORMAT, "reference": sha256, "subject": subject_id})
        if not self._is_whole(key):
            keyframe = Keyframe(sha256=sha256, path=path, shot=None, take=None, frame=0, subjects={subject_id: 1.0},
                                reason="reference photograph")
            self._write_record(Record(key, "", (keyframe,)))
        return key

    def record(self, key: str) -> Record:
        """Read one record. Raises ArtifactError when it is missing or altered."""
        path = self._record_path(key)
        try:
            record = _RECORD.validate_python(read_json(path))
        except ValidationError as error:
            raise ArtifactError(f"{str(path)!r} is no memory record ({error.error_count()} errors); redo the shot that "
                                "it belongs to") from error
        if record.key != key:
            raise ArtifactError(f"{str(path)!r} holds record {record.key!r}; redo the shot that it belongs to")
        return record

    def view(self, records: Sequence[str]) -> BankView:
        """Return the bank made of these records, in this order, reference photographs first; each picture once.

        A picture that several records hold shows the subjects of them all. Raises ArtifactError.
        """
        read = [self.record(key) for key in records]
        keyframes = [keyframe for record in read for keyframe in record.keyframes]
        found: dict[str, Keyframe] = {}
        for keyframe in sorted(keyframes, key=lambda keyframe: keyframe.take is not None):
            first = found.get(keyframe.sha256, keyframe)
            found[keyframe.sha256] = replace(first, subjects={**keyframe.subjects, **first.subjects})
        last = next((record for record in reversed(read) if record.pools), None)
        if last is None:
            return RunBankView(self, tuple(found.values()))
        return RunBankView(self, tuple(found.values()), last.pools, last.shot)

    def picture(self, path: str, sha256: str) -> Image:
        """Read a picture, path relative to the run folder. Raises ArtifactError unless it is the one kept."""
        file = self.run_dir / path
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ArtifactError(f"cannot read the memory picture {str(file)!r}: {error.strerror}; redo the shot that "
                                "it comes from") from error
        if sha256_of_bytes(data) != sha256:
            raise ArtifactError(f"the memory picture {str(file)!r} was altered or cut; redo the shot that it "
                                "comes from")
        with Pillow.open(io.BytesIO(data)) as picture:
            return np.array(picture.convert("RGB"))

    def _is_whole(self, key: str) -> bool:
        """Whether a record and all its pictures are there, unaltered."""
        if not self._record_path(key).is_file():
            return False
        try:
            for keyframe in self.record(key).keyframes:
                self.picture(keyframe.path, keyframe.sha256)
        except ArtifactError:
            return False
        return True

    def _write_picture(self, image: Image) -> tuple[str, str]:
        """Write a picture losslessly under the name of its content; return (sha256 of the file, relative path)."""
        buffer = io.BytesIO()
        Pillow.fromarray(image).save(buffer, format="PNG")
        data = buffer.getvalue()
        sha256 = sha256_of_bytes(data)
        path = f"{FOLDER}/{sha256[:16]}.png"
        write_bytes_atomically(self.run_dir / path, data)
        return sha256, path

    def _write_record(self, record: Record) -> None:
        write_json_atomically(self._record_path(record.key), asdict(record))

    def _record_path(self, key: str) -> Path:
        return self.run_dir / FOLDER / f"{key}.json"


@dataclass(frozen=True)
class RunBankView:
    """The bank of a run as one shot sees it."""

    bank: MemoryBank
    keyframes: tuple[Keyframe, ...]
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pool_shot: str | None = None

    def image(self, keyframe: Keyframe) -> Image:
        """Read a keyframe's picture. Raises ArtifactError if the file is missing or altered."""
        return self.bank.picture(keyframe.path, keyframe.sha256)


def _pools_of(take: Take) -> dict[str, tuple[str, ...]]:
    """Return what each expert chose for a take.

    A take that a retake showed fewer frames than usual tells nothing: what was left out is not to be forgotten.
    """
    if take.lever is not None and take.lever.memory_limit is not None:
        return {}
    experts = dict.fromkeys(expert for use in take.memory for expert in use.chosen_by)
    return {expert: tuple(use.sha256 for use in take.memory if expert in use.chosen_by) for expert in experts}


def _read_photograph(path: Path) -> Image:
    """Read a photograph upright, on white where it is transparent, no side longer than `LONGEST_SIDE`."""
    try:
        with Pillow.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise UsageError(f"--reference: {str(path)!r} cannot be read as a picture ({error}); give a JPEG, PNG or WebP "
                         "file") from error
    white = Pillow.new("RGBA", upright.size, (255, 255, 255, 255))
    picture = Pillow.alpha_composite(white, upright).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    return np.array(picture)
