"""Frames of any video at a size and a rate, one at a time, with the ffmpeg program that imageio-ffmpeg brings.

Every read is one ffmpeg process that ends with the reader. Frames are counted on an even grid of the rate asked for,
whatever the file's own timing is. Knows nothing of shots or captions.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from filmagent.errors import ArtifactError
from filmagent.generation.port import FrameSize, Image

FIRST_VIDEO = "0:V:0"
"""What ffmpeg is told to take: the first stream that is a video and no cover picture."""

_VIDEO = re.compile(r"Stream #0[^\n]*?: Video: [^\n,]*, (?P<colours>\w+(?:\([^\n)]*\))?), "
                    r"(?P<width>\d+)x(?P<height>\d+)(?P<rest>(?![^\n]*\(attached pic\))[^\n]*)")
_RATE = re.compile(r"([\d.]+) (?:fps|tbr)\b")
_LENGTH = re.compile(r"Duration: (\d+):(\d+):([\d.]+)")
_HIGH_RANGE = re.compile(r"smpte2084|arib-std-b67")
_SQUARE = "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"
_LAST_WORDS = 2000


@dataclass(frozen=True)
class Footage:
    """What the header of a video file says."""

    size: FrameSize
    """As shown: square pixels, turned upright, even width and height."""
    fps: float
    seconds: float
    """0 when the header does not say."""
    colours: str
    """Pixel format and what is said of its colours, such as `yuv420p(tv, bt709)`."""

    @property
    def rate(self) -> int:
        """Whole frames a second that the file is read at: its own, rounded, 1 to 30."""
        return max(1, min(30, round(self.fps)))

    @property
    def high_dynamic_range(self) -> bool:
        """Whether its colours are made for HDR screens; read as they are, they look washed out."""
        return _HIGH_RANGE.search(self.colours) is not None


def ffmpeg_program() -> str:
    """Return the path of the ffmpeg program. Raises ArtifactError when there is none for this platform."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ArtifactError("no ffmpeg program for this platform: install ffmpeg and set IMAGEIO_FFMPEG_EXE to it"
                            ) from error


def probe_footage(path: Path) -> Footage:
    """Read a video file's header.

    Raises:
        ArtifactError: the file cannot be read or holds no picture.
    """
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-i", str(path), "-map", FIRST_VIDEO, "-vf", _SQUARE,
               "-frames:v", "1", "-f", "null", "-"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    source, _, shown = done.stderr.decode(errors="replace").partition("\nOutput #0")
    stream, output = _VIDEO.search(source), _VIDEO.search(shown)
    if done.returncode != 0 or stream is None or output is None:
        raise ArtifactError(f"{path.name!r} holds no video that ffmpeg can read")
    rate, length = _RATE.search(stream["rest"]), _LENGTH.search(source)
    if rate is None or float(rate[1]) <= 0:
        raise ArtifactError(f"{path.name!r} has no frame rate")
    seconds = 0.0 if length is None else 3600 * int(length[1]) + 60 * int(length[2]) + float(length[3])
    return Footage(FrameSize(int(output["width"]), int(output["height"])), float(rate[1]), seconds, stream["colours"])


def read_footage(
    path: Path, size: FrameSize, rate: int, *, first: int = 0, count: int | None = None, crop: bool = False
) -> Iterator[Image]:
    """Yield RGB frames of shape (height, width, 3), uint8, on a grid of `rate` frames a second.

    Args:
        path: of the video.
        size: of the frames given.
        rate: frames a second.
        first: number of the first frame given, counted on that grid.
        count: how many are given; None: up to the end.
        crop: keep the proportions and cut off what stands over, equally on both sides; else the picture is stretched.

    Raises:
        ArtifactError: ffmpeg cannot read the file, or ends in the middle of a frame.
    """
    fit = f"scale={size.width}:{size.height}"
    if crop:
        fit += f":force_original_aspect_ratio=increase,crop={size.width}:{size.height}"
    end = "" if count is None else f":end_frame={first + count}"
    filters = f"fps={rate},trim=start_frame={first}{end},{_SQUARE},{fit}"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-i", str(path), "-map", FIRST_VIDEO, "-an", "-sn",
               "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words)
        assert process.stdout is not None
        try:
            yield from _frames(process.stdout, size)
            if process.wait() != 0:
                raise ArtifactError(f"cannot read the video {str(path)!r}: {last_words(words)}")
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdout.close()
            process.wait()


def last_words(words: IO[bytes]) -> str:
    """Return the end of what a program said, in one line."""
    words.seek(0)
    said = words.read()[-_LAST_WORDS:].decode(errors="replace")
    return " | ".join(line.strip() for line in said.splitlines()[-3:] if line.strip()) or "it gave no reason"


def fit_within(size: FrameSize, longest: int) -> FrameSize:
    """Return a size of the same proportions whose longer side is at most so many pixels; even, never enlarged."""
    scale = min(1.0, longest / max(size.width, size.height))
    return FrameSize(max(2, round(size.width * scale / 2) * 2), max(2, round(size.height * scale / 2) * 2))


def _frames(pipe: IO[bytes], size: FrameSize) -> Iterator[Image]:
    length = size.width * size.height * 3
    while raw := pipe.read(length):
        if len(raw) != length:
            raise ArtifactError(f"ffmpeg ended in the middle of a frame of {size}")
        yield np.frombuffer(raw, np.uint8).reshape(size.height, size.width, 3)
