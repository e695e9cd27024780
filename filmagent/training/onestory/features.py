"""What films look like to the critic's CLIP model: features of all frames that memory keeps, kept on disk.

    HOME/MODEL/FILM-KEY.npz    one array (frames, dimensions) a shot

The key follows the shots' frames, so that a folder that was curated again is looked at again. Only the features come
from a model; what they are likened to is the labels' business.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from filmagent.artifacts import atomic_path
from filmagent.errors import ModelFilesError
from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.training.memory.films import TrainingFilm
from filmagent.training.onestory.drawing import kept_frames

FILMS_IN_MEMORY = 256


class FilmFeatures:
    """Features of films by one model."""

    def __init__(self, eyes: ImageFeatures, home: Path | None) -> None:
        """Look with `eyes`; keep what was seen in `home`. None: it is kept in memory alone."""
        self._eyes, self._home = eyes, home
        self._seen: OrderedDict[str, list[Embeddings]] = OrderedDict()

    @property
    def revision(self) -> str:
        """What identifies the model."""
        return self._eyes.revision

    def prepare(
        self, films: Sequence[TrainingFilm], on_film: Callable[[int, int], None] = lambda done, of: None
    ) -> None:
        """Look at every film that was not looked at before; `on_film` is called with (films done, films in all).

        Raises:
            ModelFilesError: the model cannot be loaded.
            ArtifactError: a film cannot be read, or the disk refuses the features.
        """
        for number, film in enumerate(films, start=1):
            self._of_film(film)
            on_film(number, len(films))

    def of(self, film: TrainingFilm, shot: int) -> Embeddings:
        """Return features of the kept frames of a shot, unit rows (frames, dimensions). Raises as `prepare`."""
        return self._of_film(film)[shot]

    def _of_film(self, film: TrainingFilm) -> list[Embeddings]:
        key = _key(film)
        if key not in self._seen:
            file = self._file(key)
            self._seen[key] = _read(file) if file is not None and file.is_file() else self._look(film, file)
            while len(self._seen) > FILMS_IN_MEMORY:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return self._seen[key]

    def _look(self, film: TrainingFilm, file: Path | None) -> list[Embeddings]:
        found = []
        for shot in film.shots:
            kept = kept_frames(shot.frame_count)
            frames = shot.frames(0, kept[-1] + 1)
            found.append(self._eyes.embed([frames[index] for index in kept]))
        if file is not None:
            with atomic_path(file) as beside, beside.open("wb") as stream:
                np.savez(stream, *found)
        return found

    def _file(self, key: str) -> Path | None:
        if self._home is None:
            return None
        return self._home / re.sub(r"[^\w.-]+", "-", self.revision) / f"{key}.npz"


def _key(film: TrainingFilm) -> str:
    """Name a film by its frames: whatever changes them changes the name."""
    whole = hashlib.sha256()
    for shot in film.shots:
        whole.update(f"{shot.revision} {shot.frame_count}\0".encode())
    return f"{re.sub(r'[^a-z0-9-]+', '-', film.name.lower())}-{whole.hexdigest()[:16]}"


def _read(file: Path) -> list[Embeddings]:
    try:
        with np.load(file) as held:
            return [held[f"arr_{number}"] for number in range(len(held.files))]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelFilesError(f"{str(file)!r} is broken ({error}): delete it, and it is made again") from error
