"""Which films a folder holds, and a stable name for each.

A film's id is made of its file name and of its content, so that the same folder gives the same ids tomorrow, and a
film that was replaced is a new one. Knows nothing of what films show.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from filmagent.errors import UsageError

SUFFIXES = frozenset({".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm",
                      ".wmv"})
_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Film:
    """A film file."""

    id: str
    """Such as `the-kid-1a2b3c4d`."""
    name: str
    """Path below the folder of films."""
    path: Path


def find_films(folder: Path) -> tuple[Film, ...]:
    """Return the films below a folder, by name.

    Raises:
        UsageError: there is no such folder, it cannot be read, or it holds no films.
    """
    if not folder.is_dir():
        raise UsageError(f"FILMS {str(folder)!r} is no folder; give the folder that holds the films")
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
                       and not any(part.startswith(".") for part in path.relative_to(folder).parts))
        films = tuple(Film(_id(path), str(path.relative_to(folder)), path) for path in paths)
    except OSError as error:
        raise UsageError(f"FILMS {str(folder)!r} cannot be read: {error.strerror} ({error.filename})") from error
    if not films:
        raise UsageError(f"FILMS {str(folder)!r} holds no films; files are known by their endings: "
                         + ", ".join(sorted(SUFFIXES)))
    return films


def _id(path: Path) -> str:
    ascii_only = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", ascii_only))[:40].strip("-") or "film"
    return f"{words}-{_content(path)[:8]}"


def _content(path: Path) -> str:
    """Return a hash of a file's length, beginning and end: enough to know films apart, and quick for large ones."""
    length = path.stat().st_size
    digest = hashlib.sha256(str(length).encode())
    with path.open("rb") as file:
        digest.update(file.read(_SAMPLE))
        file.seek(max(0, length - _SAMPLE))
        digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
