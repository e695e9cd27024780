"""Takes on disk: `takes/<key>.mp4` with `<key>.json` beside it. Present and whole means done.

The key is the hash of everything that makes the frames, so equal orders never cost twice, and a folder can be moved
or resumed. Knows nothing of state, nodes or verdicts.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from pydantic import ValidationError

from filmagent.artifacts import (
    read_json,
    sha256_of_bytes,
    sha256_of_file,
    stable_key,
    write_bytes_atomically,
    write_json_atomically,
)
from filmagent.delivery.video import VideoFile, read_video, write_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames, Image
from filmagent.schemas.take import IdentityPicture, Take


@dataclass(frozen=True)
class TakeStore:
    """The takes of one run folder."""

    run_dir: Path

    def key(self, ingredients: Mapping[str, object]) -> str:
        """Return the key of a take made from these ingredients (JSON values only)."""
        return stable_key(ingredients)

    def video_path(self, key: str) -> str:
        """Return where a take's video lies, relative to the run folder."""
        return f"takes/{key}.mp4"

    def find(self, key: str) -> Take | None:
        """Return a finished take, or None when it is absent, truncated or altered and must be made again."""
        sidecar = self.run_dir / f"takes/{key}.json"
        if not sidecar.is_file() or not (self.run_dir / self.video_path(key)).is_file():
            return None
        try:
            take = Take.model_validate(read_json(sidecar))
            self._check(take)
        except (ArtifactError, ValidationError):
            return None
        return take

    def get(self, key: str) -> Take:
        """Return a take that must be there. Raises ArtifactError naming the file when it is not whole."""
        sidecar = self.run_dir / f"takes/{key}.json"
        try:
            take = Take.model_validate(read_json(sidecar))
        except ValidationError as error:
            raise ArtifactError(f"{sidecar} does not describe a take: {error}; redo the shot") from error
        self._check(take)
        return take

    def write(self, take: Take, frames: Frames) -> Take:
        """Write a take's video and then its sidecar; return it with the video's hash. Raises ArtifactError."""
        path = self.run_dir / take.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(frames, path, take.fps)
        done = take.model_copy(update={"sha256": sha256_of_file(path)})
        write_json_atomically(self.run_dir / f"takes/{take.key}.json", done.model_dump(mode="json"))
        return done

    def write_identity(self, key: str, subject: str, text: str, picture: Image) -> IdentityPicture:
        """Write the picture of a subject that was drawn beside a take. Raises ArtifactError."""
        path, buffer = f"takes/{key}.identity.png", io.BytesIO()
        Pillow.fromarray(picture).save(buffer, format="PNG")
        write_bytes_atomically(self.run_dir / path, buffer.getvalue())
        return IdentityPicture(subject=subject, text=text, path=path, sha256=sha256_of_bytes(buffer.getvalue()))

    def frames(self, take: Take) -> Frames:
        """Read a take's frames. Raises ArtifactError when the file is not the one that was made."""
        self._check(take)
        video: VideoFile = read_video(self.run_dir / take.path)
        if len(video.frames) != take.frames:
            raise ArtifactError(
                f"{take.path} holds {len(video.frames)} frames instead of {take.frames}; redo shot {take.shot!r}"
            )
        return video.frames

    def _check(self, take: Take) -> None:
        path = self.run_dir / take.path
        if not path.is_file() or sha256_of_file(path) != take.sha256:
            raise ArtifactError(f"{take.path} is missing or was altered; redo shot {take.shot!r}")
