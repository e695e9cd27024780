"""Single frames of films as latents, each encoded alone, kept on disk: a frame is remembered in many examples.

    HOME/VAE-REVISION-SIZE/SHOT-KEY.npz    frames (n,) and latents (n, 16, h, w) of a shot, in half precision

The key follows the shot's frames, so that a folder that was curated again is encoded again. Rounded before it is used,
so that what a training learns does not depend on what was kept. Knows no example and no expert.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from filmagent.artifacts import atomic_path
from filmagent.errors import ModelFilesError
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.memento.shot import encode_memory
from filmagent.training.memory.films import TrainingShot

MOST_BYTES = 1 << 30
"""Of latents that are held in memory."""
Kept = dict[int, NDArray[np.float16]]
"""Latents (16, h, w) by frame. No tensors: autocast, within which they are asked for, stacks no halves."""


class FrameLatents:
    """What one VAE makes of films' frames."""

    def __init__(self, encoder: ConditionEncoder, size: FrameSize, revision: str, home: Path | None) -> None:
        """Encode frames of `size` with `encoder`, whose VAE `revision` names; without a `home` on disk, every time."""
        self._encoder, self._size = encoder, size
        self._home = None if home is None else home / f"{revision}-{size}"
        self._seen: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def of(self, shot: TrainingShot, frames: Sequence[int]) -> Tensor:
        """Latents (1, 16, n, h, w) of so many frames of a shot, in their order, float32 on the CPU.

        Raises:
            ModelFilesError: a kept file is broken.
            ArtifactError: the shot cannot be decoded, or the disk refuses the latents.
        """
        key = hashlib.sha256(shot.revision.encode()).hexdigest()[:24]
        kept = self._kept(key)
        missing = sorted(set(frames) - set(kept))
        if missing:
            self._encode(shot, missing, kept)
            self._hold(len(missing) * _bytes(kept))
            self._write(key, kept)
        return torch.from_numpy(np.stack([kept[frame] for frame in frames], axis=1).astype(np.float32))[None]

    def _kept(self, key: str) -> Kept:
        if key not in self._seen:
            file = self._file(key)
            kept = _read(file) if file is not None and file.is_file() else {}
            self._seen[key] = kept
            self._hold(len(kept) * _bytes(kept))
        self._seen.move_to_end(key)
        return self._seen[key]

    def _encode(self, shot: TrainingShot, missing: Sequence[int], kept: Kept) -> None:
        """Decode once from the first to the last that is missing, and encode those."""
        pictures = shot.frames(missing[0], missing[-1] - missing[0] + 1)
        found = encode_memory(self._encoder, [pictures[frame - missing[0]] for frame in missing], self._size)
        for frame, latents in zip(missing, found[0].unbind(1), strict=True):
            kept[frame] = latents.numpy().astype(np.float16)

    def _hold(self, more: int) -> None:
        """Count bytes in, and let go of what was not asked for the longest; the one in use is the last."""
        self._bytes += more
        while self._bytes > MOST_BYTES and len(self._seen) > 1:
            _, gone = self._seen.popitem(last=False)
            self._bytes -= len(gone) * _bytes(gone)

    def _file(self, key: str) -> Path | None:
        return None if self._home is None else self._home / f"{key}.npz"

    def _write(self, key: str, kept: Kept) -> None:
        file = self._file(key)
        if file is None:
            return
        with atomic_path(file) as beside, beside.open("wb") as stream:
            np.savez(stream, frames=np.array(list(kept)), latents=np.stack(list(kept.values())))


def _bytes(kept: Kept) -> int:
    """Of one frame."""
    return next((latents.nbytes for latents in kept.values()), 0)


def _read(file: Path) -> Kept:
    try:
        with np.load(file) as held:
            return dict(zip(held["frames"].tolist(), held["latents"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelFilesError(f"{str(file)!r} is broken ({error}): delete it, and it is made again") from error
