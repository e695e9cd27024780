"""Files of a run: hashes that identify content, and writes that are either whole or absent.

Every writer of the house goes through `atomic_path`: the bytes go to a hidden file in the same folder, reach the
disk, and are then renamed into place. A name without a leading dot is therefore always a finished file.
Knows nothing of what the files hold: no videos, pictures or models.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmagent.errors import ArtifactError

KEY_LENGTH = 32
"""Hexadecimal digits of a stable key: 128 bits."""


def sha256_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits.

    Raises:
        ArtifactError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {_why(error)}. Redo the step that makes this file.") from error


def sha256_of_array(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's type, shape and values (row-major), as 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII only.

    Raises:
        ValueError: the value holds NaN or an infinity.
        TypeError: the value holds something that JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def stable_key(mapping: Mapping[str, object]) -> str:
    """Return 32 hexadecimal digits that change when, and only when, the mapping's JSON changes.

    The order of keys does not matter. The same mapping gives the same key on every machine.

    Raises:
        ValueError: the mapping holds NaN or an infinity.
        TypeError: the mapping holds something that JSON cannot say.
    """
    return sha256_of_bytes(canonical_json(dict(mapping)).encode())[:KEY_LENGTH]


@contextlib.contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Yield a hidden path to write to; when the block ends well, the file appears under its final name.

    The hidden file lies in the same folder (made when missing) and keeps the suffix of `final`, for programs that
    choose a format by it. Whatever was there before stays until the new file is whole. When the block raises, the
    hidden file is removed and the error goes on. A killed process leaves at most a hidden file, never half a result.

    Raises:
        ArtifactError: the folder cannot be made, the block wrote nothing, or the disk refuses the file.
    """
    hidden = _hidden_name(final)
    try:
        yield hidden
        _settle(hidden, final)
    except OSError as error:
        raise ArtifactError(f"cannot write {str(final)!r}: {_why(error)}. Free space or choose another folder, "
                            "then go on with the run: finished files are kept.") from error
    finally:
        with contextlib.suppress(OSError):
            hidden.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none. Raises ArtifactError when the disk refuses it."""
    with atomic_path(path) as hidden:
        hidden.write_bytes(data)


def write_json_atomically(path: Path, value: object) -> None:
    """Write a value as readable JSON (UTF-8, keys in the order given), whole or not at all.

    Raises:
        ArtifactError: the disk refuses the file.
        ValueError: the value holds NaN or an infinity.
        TypeError: the value holds something that JSON cannot say.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes_atomically(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ArtifactError: the file is missing, unreadable, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {_why(error)}. Redo the step that makes this file.") from error
    except ValueError as error:
        raise ArtifactError(f"{str(path)!r} is no readable JSON ({error}). Delete it and redo the step that makes it."
                            ) from error


def _hidden_name(final: Path) -> Path:
    """Reserve a fresh hidden name beside the final one; the folder is made when missing."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        hidden = final.parent / f".{final.stem[:40]}-{secrets.token_hex(8)}{final.suffix}"
        hidden.touch(exist_ok=False)
    except OSError as error:
        raise ArtifactError(f"cannot write in {str(final.parent)!r}: {_why(error)}. Choose another folder.") from error
    return hidden


def _settle(hidden: Path, final: Path) -> None:
    """Bring the hidden file to the disk, rename it, and bring the rename to the disk."""
    with hidden.open("rb+") as file:
        if file.seek(0, os.SEEK_END) == 0:
            raise ArtifactError(f"nothing was written for {str(final)!r}. Redo the step that makes this file.")
        os.fsync(file.fileno())
    hidden.replace(final)
    if os.name == "posix":
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _why(error: OSError) -> str:
    """Say an operating system's error in words."""
    return error.strerror or str(error)
