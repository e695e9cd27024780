"""Frames to a video file and back, with the ffmpeg program that imageio-ffmpeg brings.

Files are H.264 in MP4, yuv420p, BT.709 limited range, index in front: every player and browser shows them. The
encoder runs on one thread and writes no dates, so equal frames give equal files. Widths and heights must be even
(yuv420p halves them for colour); generators only make such sizes. Knows nothing of shots, takes or runs.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np

from filmagent.artifacts import atomic_path
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames, FrameSize

TAKE_CRF = 8
"""Constant rate factor of takes: visually lossless, because the next shot's seam and memory are read from them."""
FILM_CRF = 16
"""Constant rate factor of the film: for watching."""

_TO_RGB = "scale=in_color_matrix=bt709:in_range=tv:out_range=pc:flags=lanczos+accurate_rnd+full_chroma_int"

_REDO = "Delete it and redo the shot."


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, read from its packets without decoding them."""

    width: int
    height: int
    frames: int
    fps: int


@dataclass(frozen=True)
class VideoFile:
    """A decoded video."""

    frames: Frames
    fps: int


def write_video(frames: Frames, path: Path, fps: int, *, scale: int = 1, crf: int = TAKE_CRF) -> None:
    """Write frames as a video file: whole, or not at all.

    Args:
        frames: uint8 RGB of shape (frames, height, width, 3), at least one frame, even width and height.
        path: final name, ending in `.mp4`; missing folders are made.
        fps: frames a second.
        scale: whole-number enlargement (Lanczos).
        crf: constant rate factor of x264, 0 (lossless) to 51.

    Raises:
        ArtifactError: the frames do not fit a video, or ffmpeg or the disk refuses the file.
    """
    if frames.ndim != 4:
        raise ArtifactError(f"frames must have shape (frames, height, width, 3), not {frames.shape}")
    size = FrameSize(width=frames.shape[2], height=frames.shape[1])
    with video_writer(path, size, fps, scale=scale, crf=crf) as write:
        write(frames)


@contextlib.contextmanager
def video_writer(
    path: Path, size: FrameSize, fps: int, *, scale: int = 1, crf: int = TAKE_CRF,
    check: Callable[[Path], None] = lambda hidden: None,
) -> Iterator[Callable[[Frames], None]]:
    """Yield a function that appends frames; the file appears under its name when the block ends well.

    Args:
        path: final name, ending in `.mp4`; missing folders are made.
        size: of the frames that will be given, even width and height.
        fps: frames a second.
        scale: whole-number enlargement (Lanczos).
        crf: constant rate factor of x264, 0 (lossless) to 51.
        check: called with the finished but still hidden file; may raise ArtifactError to keep it from appearing.

    Raises:
        ArtifactError: sizes are odd or mixed, or ffmpeg or the disk refuses the file.
    """
    if size.width % 2 or size.height % 2:
        raise ArtifactError(f"a video needs even width and height, not {size}. Choose another size for the takes.")
    with atomic_path(path) as hidden:
        given = 0
        with _feed(_encoding(hidden, size, fps, scale, crf)) as pipe:
            def write(frames: Frames) -> None:
                nonlocal given
                _append(pipe, frames, size)
                given += len(frames)

            yield write
        if given == 0:
            raise ArtifactError(f"no frames were given for {str(path)!r}; a video needs at least one.")
        written = probe_video(hidden)
        expected = VideoInfo(size.width * scale, size.height * scale, given, fps)
        if written != expected:
            raise ArtifactError(f"ffmpeg wrote {written} for {str(path)!r} instead of {expected}. {_REDO}")
        check(hidden)


def read_video(path: Path) -> VideoFile:
    """Decode a whole video file of even, constant frame rate.

    Raises:
        ArtifactError: the file is missing, truncated, damaged, or decodes to fewer frames than it announces.
    """
    info = probe_video(path)
    arguments = ["-i", str(path), "-map", "0:v:0", "-vf", _TO_RGB, "-fps_mode", "passthrough",
                 "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = _output_of(arguments, path)
    if len(raw) != info.frames * info.height * info.width * 3:
        raise ArtifactError(f"{str(path)!r} announces {info.frames} frames of {info.width}x{info.height} and holds "
                            f"{len(raw) / (info.width * info.height * 3):g}. {_REDO}")
    shape = (info.frames, info.height, info.width, 3)
    return VideoFile(np.frombuffer(raw, np.uint8).reshape(shape).copy(), info.fps)


def count_decoded_frames(path: Path) -> int:
    """Decode a whole video and count its frames, holding one at a time. Raises ArtifactError as `read_video` does."""
    _check_boxes(path)
    return len(_packets(["-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"], path).lines)


def probe_video(path: Path) -> VideoInfo:
    """Count a video's frames and read its size and rate, without decoding.

    Raises:
        ArtifactError: the file is missing, truncated, no video, or has no whole constant frame rate.
    """
    _check_boxes(path)
    packets = _packets(["-i", str(path), "-map", "0:v:0", "-c", "copy"], path)
    durations = [int(line.split(",")[3]) for line in packets.lines]
    try:
        width, height = (int(number) for number in packets.headers["dimensions"].split("x"))
        rate = 1 / (Fraction(packets.headers["tb"]) * durations[0])
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ArtifactError(f"{str(path)!r} holds no video frames. {_REDO}") from error
    if rate.denominator != 1 or len(set(durations)) != 1:
        raise ArtifactError(f"{str(path)!r} has no whole constant frame rate ({float(rate):g} a second). {_REDO}")
    return VideoInfo(width, height, len(durations), int(rate))


def _encoding(path: Path, size: FrameSize, fps: int, scale: int, crf: int) -> list[str]:
    """Build the command that turns raw RGB frames on standard input into a video file."""
    import ffmpeg  # 30 ms that a program which makes no film need not spend

    stream = (
        ffmpeg.input("pipe:0", format="rawvideo", pix_fmt="rgb24", video_size=(size.width, size.height), framerate=fps)
        .filter("scale", size.width * scale, size.height * scale, in_range="pc", out_range="tv",
                out_color_matrix="bt709", flags="lanczos+accurate_rnd+full_chroma_inp")
        .filter("setsar", "1")
        .output(str(path), vcodec="libx264", pix_fmt="yuv420p", crf=crf, preset="medium", threads=1,
                color_primaries="bt709", color_trc="bt709", colorspace="bt709", color_range="tv",
                movflags="+faststart", fflags="+bitexact", map_metadata=-1, **{"flags:v": "+bitexact"})
        .global_args("-hide_banner", "-nostats", "-loglevel", "error")
    )
    command: list[str] = stream.compile(cmd=_ffmpeg(), overwrite_output=True)
    return command


@contextlib.contextmanager
def _feed(command: list[str]) -> Iterator[IO[bytes]]:
    """Run ffmpeg and yield its standard input; raise ArtifactError with its last words when it fails."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words)
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # ffmpeg has ended early: its exit code and words say why
                yield process.stdin
                process.stdin.close()
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        words.seek(0)
        said = words.read()
    if status != 0:
        raise ArtifactError(f"ffmpeg could not write the video (exit code {status}): {_last_lines(said)}. Free space "
                            "or choose another folder, then go on with the run: finished takes are kept.")


def _append(pipe: IO[bytes], frames: Frames, size: FrameSize) -> None:
    """Send frames to ffmpeg."""
    if frames.dtype != np.uint8 or frames.shape[1:] != (size.height, size.width, 3) or len(frames) == 0:
        raise ArtifactError(f"expected uint8 frames of shape (frames, {size.height}, {size.width}, 3), got "
                            f"{frames.dtype} {frames.shape}. All takes of a film must have the same size.")
    pipe.write(np.ascontiguousarray(frames).data)


def _output_of(arguments: list[str], path: Path) -> bytes:
    """Run ffmpeg on a file and return what it prints; anything it complains about makes the file unusable."""
    command = [_ffmpeg(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0 or done.stderr.strip():
        raise ArtifactError(f"cannot read the video {str(path)!r}: {_last_lines(done.stderr)}. {_REDO}")
    return done.stdout


@dataclass(frozen=True)
class _Packets:
    """What ffmpeg's framecrc muxer prints: headers by name, and a line for every packet."""

    headers: dict[str, str]
    lines: list[str]


def _packets(arguments: list[str], path: Path) -> _Packets:
    """List the packets of a file as text. (ffprobe, the usual way, does not come with imageio-ffmpeg.)"""
    text = _output_of([*arguments, "-f", "framecrc", "pipe:1"], path).decode().splitlines()
    headers = dict(line[1:].split(" 0: ", 1) for line in text if line.startswith("#") and " 0: " in line)
    return _Packets(headers, [line for line in text if line and not line.startswith("#")])


def _check_boxes(path: Path) -> None:
    """Refuse an MP4 file that ends in the middle of a box (ISO 14496-12, 4.2): decoders often overlook that."""
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            position = 0
            while position < length:
                file.seek(position)
                header = file.read(16)
                size = int.from_bytes(header[:4], "big")
                if size == 1:  # a 64-bit size follows the name of the box
                    size = int.from_bytes(header[8:16], "big")
                if size < 8:
                    raise ArtifactError(f"{str(path)!r} is no MP4 video. {_REDO}")
                position += size
    except OSError as error:
        raise ArtifactError(f"cannot read the video {str(path)!r}: {error.strerror}. {_REDO}") from error
    if length == 0 or position != length:
        raise ArtifactError(f"{str(path)!r} is cut off after {length} bytes. {_REDO}")


def _ffmpeg() -> str:
    """Return the path of the ffmpeg program."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ArtifactError("no ffmpeg program for this platform: install ffmpeg and set IMAGEIO_FFMPEG_EXE to it"
                            ) from error


def _last_lines(words: bytes, lines: int = 4) -> str:
    """Return the last lines of what a program said."""
    said = [line.strip() for line in words.decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(said[-lines:]) or "it gave no reason"
