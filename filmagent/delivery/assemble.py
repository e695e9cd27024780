"""Accepted takes to one film file.

Every take is decoded once and encoded once more; the film appears only after it has been decoded from end to end
and every frame was found. Knows nothing of how takes were made or chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filmagent.delivery.video import (
    FILM_CRF,
    VideoInfo,
    count_decoded_frames,
    probe_video,
    read_video,
    video_writer,
)
from filmagent.errors import ArtifactError
from filmagent.generation.port import FrameSize


def assemble_film(
    takes: Sequence[Path],
    path: Path,
    *,
    scale: int = 1,
    on_take: Callable[[int, int], None] = lambda done, of: None,
) -> VideoInfo:
    """Join takes, in the order given, to `path`; return what the film holds.

    Args:
        takes: video files of equal size and rate, at least one.
        path: of the film, ending in `.mp4`. An older film stays until the new one is whole.
        scale: whole-number enlargement (Lanczos) for watching small takes.
        on_take: called after every take with (takes joined, takes in all).

    Raises:
        ArtifactError: no takes, sizes or rates are mixed, a take is damaged, or the disk refuses the film.
    """
    if not takes:
        raise ArtifactError("there are no takes to join. Film at least one shot first.")
    infos = [probe_video(take) for take in takes]
    first, total = infos[0], sum(info.frames for info in infos)
    for take, info in zip(takes, infos, strict=True):
        if (info.width, info.height, info.fps) != (first.width, first.height, first.fps):
            raise ArtifactError(
                f"{take.name!r} is {info.width}x{info.height} at {info.fps} frames a second, but {takes[0].name!r} is "
                f"{first.width}x{first.height} at {first.fps}. Redo one of the two shots, so that all takes are alike.")

    def check(hidden: Path) -> None:
        if (decoded := count_decoded_frames(hidden)) != total:
            raise ArtifactError(f"the film decodes to {decoded} frames instead of {total}. Assemble it again.")

    size = FrameSize(first.width, first.height)
    with video_writer(path, size, first.fps, scale=scale, crf=FILM_CRF, check=check) as write:
        for number, take in enumerate(takes, start=1):
            write(read_video(take).frames)
            on_take(number, len(takes))
    return VideoInfo(first.width * scale, first.height * scale, total, first.fps)
