"""A video file holds what was written, or it is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from filmagent.delivery.video import VideoInfo, probe_video, read_video, video_writer, write_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames, FrameSize

Clip = Callable[..., Frames]


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_frames_come_back_nearly_unchanged(tmp_path: Path, clip: Clip) -> None:
    frames = clip()
    write_video(frames, tmp_path / "take.mp4", fps=12)
    video = read_video(tmp_path / "take.mp4")
    assert video.fps == 12 and video.frames.shape == frames.shape and video.frames.flags.writeable
    error = np.abs(video.frames.astype(int) - frames.astype(int))
    assert error.mean() < 2.0
    assert probe_video(tmp_path / "take.mp4") == VideoInfo(64, 48, 6, 12)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (230, 126, 34)])
def test_colours_survive(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    """A wrong colour matrix or range would shift pure colours by 10 to 30 steps."""
    write_video(np.full((2, 32, 32, 3), colour, np.uint8), tmp_path / "plain.mp4", fps=8)
    back = read_video(tmp_path / "plain.mp4").frames.astype(int)
    assert np.abs(back - colour).max() <= 3


def test_equal_frames_give_equal_files(tmp_path: Path, clip: Clip) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(clip(), tmp_path / name, fps=12)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_one_frame_is_a_video(tmp_path: Path, clip: Clip) -> None:
    write_video(clip(1), tmp_path / "one.mp4", fps=16)
    assert len(read_video(tmp_path / "one.mp4").frames) == 1


def test_enlargement(tmp_path: Path, clip: Clip) -> None:
    write_video(clip(), tmp_path / "large.mp4", fps=12, scale=3)
    assert probe_video(tmp_path / "large.mp4") == VideoInfo(192, 144, 6, 12)


@pytest.mark.parametrize("frames", [np.zeros((2, 47, 64, 3), np.uint8), np.zeros((2, 48, 63, 3), np.uint8),
                                    np.zeros((0, 48, 64, 3), np.uint8), np.zeros((48, 64, 3), np.uint8),
                                    np.zeros((2, 48, 64, 4), np.uint8), np.zeros((2, 48, 64, 3), np.float32)])
def test_frames_that_fit_no_video_are_refused(tmp_path: Path, frames: Frames) -> None:
    with pytest.raises(ArtifactError):
        write_video(frames, tmp_path / "bad.mp4", fps=12)
    assert list(tmp_path.iterdir()) == []


def test_every_truncation_is_noticed(tmp_path: Path, clip: Clip) -> None:
    write_video(clip(), tmp_path / "whole.mp4", fps=12)
    whole = (tmp_path / "whole.mp4").read_bytes()
    for length in [0, 4, 30, len(whole) // 3, len(whole) // 2, len(whole) - 200, len(whole) - 1]:
        (tmp_path / "cut.mp4").write_bytes(whole[:length])
        with pytest.raises(ArtifactError, match=r"cut\.mp4"):
            read_video(tmp_path / "cut.mp4")


def test_damage_in_the_index_or_the_pictures_is_noticed(tmp_path: Path, clip: Clip) -> None:
    write_video(clip(seed=3), tmp_path / "whole.mp4", fps=12)
    whole = (tmp_path / "whole.mp4").read_bytes()
    zeroed = whole[:-400] + bytes(400)
    (tmp_path / "zeroed.mp4").write_bytes(zeroed)
    with pytest.raises(ArtifactError, match=r"zeroed\.mp4"):
        read_video(tmp_path / "zeroed.mp4")


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is a text and no video at all, although it is long enough")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(ArtifactError, match=name):
            probe_video(tmp_path / name)


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    """ffmpeg inherits the file size limit: its writes fail in the middle, as on a full disk."""
    done = run(f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import numpy as np
from pathlib import Path
from filmagent.delivery.video import write_video
from filmagent.errors import ArtifactError
noise = np.random.default_rng(0).integers(0, 255, (12, 96, 128, 3), np.uint8)
try:
    write_video(noise, Path({str(tmp_path)!r}) / "take.mp4", 12)
except ArtifactError as error:
    print(error)
    sys.exit(7)
""")
    assert done.returncode == 7, done.stderr
    assert "ffmpeg could not write" in done.stdout and "Free space" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_video_under_the_final_name(tmp_path: Path) -> None:
    program = f"""
import sys
import numpy as np
from pathlib import Path
from filmagent.delivery.video import video_writer
from filmagent.generation.port import FrameSize
with video_writer(Path({str(tmp_path)!r}) / "take.mp4", FrameSize(64, 48), 12) as write:
    write(np.zeros((5, 48, 64, 3), np.uint8))
    print("half", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"half\n"
        os.kill(child.pid, signal.SIGKILL)
    assert not (tmp_path / "take.mp4").exists()


def test_an_interrupted_block_keeps_the_old_file(tmp_path: Path, clip: Clip) -> None:
    write_video(clip(seed=1), tmp_path / "take.mp4", fps=12)
    before = (tmp_path / "take.mp4").read_bytes()
    with pytest.raises(KeyboardInterrupt), video_writer(tmp_path / "take.mp4", FrameSize(64, 48), 12) as write:
        write(clip(seed=2))
        raise KeyboardInterrupt
    assert (tmp_path / "take.mp4").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]
