"""A film holds every frame of every take, in order, or it does not appear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from filmagent.delivery.assemble import assemble_film
from filmagent.delivery.video import VideoInfo, probe_video, read_video, write_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames

Clip = Callable[..., Frames]


def takes_on_disk(folder: Path, clips: list[Frames], fps: int = 12) -> list[Path]:
    paths = [folder / f"{index}.mp4" for index in range(len(clips))]
    for path, frames in zip(paths, clips, strict=True):
        write_video(frames, path, fps)
    return paths


def test_the_film_is_the_takes_one_after_another(tmp_path: Path, clip: Clip) -> None:
    clips = [clip(6, seed=1), clip(3, seed=2), clip(8, seed=3)]
    joined: list[tuple[int, int]] = []
    info = assemble_film(takes_on_disk(tmp_path, clips), tmp_path / "film.mp4",
                         on_take=lambda done, of: joined.append((done, of)))
    film = read_video(tmp_path / "film.mp4")
    assert info == probe_video(tmp_path / "film.mp4") == VideoInfo(64, 48, 17, 12)
    assert joined == [(1, 3), (2, 3), (3, 3)]
    assert np.abs(film.frames.astype(int) - np.concatenate(clips)).mean() < 4


def test_enlarged_for_watching(tmp_path: Path, clip: Clip) -> None:
    info = assemble_film(takes_on_disk(tmp_path, [clip(2)]), tmp_path / "film.mp4", scale=4)
    assert info == VideoInfo(256, 192, 2, 12)
    small = read_video(tmp_path / "film.mp4").frames[:, 2::4, 2::4].astype(int)
    assert np.abs(small - clip(2)).mean() < 8


@pytest.mark.parametrize(("second", "fps", "said"), [((6, 32, 48), 12, "32x48"), ((6, 64, 48), 8, "at 8 frames")])
def test_mixed_sizes_and_rates_are_refused(
    tmp_path: Path, clip: Clip, second: tuple[int, int, int], fps: int, said: str
) -> None:
    write_video(clip(), tmp_path / "a.mp4", 12)
    write_video(clip(*second), tmp_path / "b.mp4", fps)
    with pytest.raises(ArtifactError, match=f"b.mp4.*{said}.*a.mp4.*64x48"):
        assemble_film([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


def test_a_truncated_take_is_refused_and_the_old_film_stays(tmp_path: Path, clip: Clip) -> None:
    takes = takes_on_disk(tmp_path, [clip(seed=1), clip(seed=2)])
    assemble_film(takes, tmp_path / "film.mp4")
    before = (tmp_path / "film.mp4").read_bytes()
    takes[1].write_bytes(takes[1].read_bytes()[:-300])
    with pytest.raises(ArtifactError, match=r"1\.mp4"):
        assemble_film(takes, tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.mp4", "1.mp4", "film.mp4"]


def test_no_takes_no_film(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no takes"):
        assemble_film([], tmp_path / "film.mp4")
