"""One pass over a drawn film finds its cuts and flaws to the frame; clips begin and end at the very frame."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from filmagent.delivery.video import write_video
from filmagent.errors import ArtifactError, UsageError
from filmagent.training.curate.clips import cut_clip
from filmagent.training.curate.cutting import Part
from filmagent.training.curate.films import find_films
from filmagent.training.curate.shots import WHOLE_PICTURE, look_through
from filmagent.training.sequences.footage import probe_footage, read_footage
from tests.training.curate.drawn_film import FPS, HEIGHT, WIDTH, Stretch, draw, number_of, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "Le Château.mp4")
    return find_films(folder)[0]


def test_cuts_and_flaws_are_found_to_the_frame(film):
    footage = probe_footage(film.path)
    assert (footage.size.width, footage.size.height, footage.rate, footage.seconds) == (WIDTH, HEIGHT, FPS, 15)
    counted = []
    seen = look_through(film.path, footage, counted.append)
    assert seen.frames == 180 == counted[-1]
    assert set(seen.cuts) == {24, 48, 60, 84, 108, 132}
    assert seen.area == WHOLE_PICTURE
    assert seen.flaws == ((48, 60, "black"), (84, 108, "static"))


def test_black_bars_are_cut_off(tmp_path):
    frames = draw((Stretch(1, (90, 120, 140), red=20),))
    boxed = np.zeros((len(frames), HEIGHT + 40, WIDTH, 3), np.uint8)
    boxed[:, 20:-20] = frames
    write_video(boxed, tmp_path / "boxed.mp4", FPS)
    (film,) = find_films(tmp_path)
    footage = probe_footage(film.path)
    area = look_through(film.path, footage).area
    assert (area.left, area.right) == (0, 1)
    assert 20 <= area.top * (HEIGHT + 40) <= 23 and HEIGHT + 17 <= area.bottom * (HEIGHT + 40) <= HEIGHT + 20
    clip = cut_clip(film, footage, area, Part(number=1, start=0, frames=12, cut=True), tmp_path / "out")
    read = np.stack(list(read_footage(tmp_path / "out" / clip.name, clip.size, FPS)))
    assert (clip.size.width, clip.size.height) == (WIDTH, read.shape[1]) and HEIGHT - 8 <= clip.size.height <= HEIGHT
    assert read[:, [0, -1], 90:].min() > 60, "no bar is left"


@pytest.mark.parametrize(("start", "frames"), [(0, 23), (25, 22), (61, 22), (133, 30)])
def test_a_clip_holds_exactly_the_frames_of_its_part(film, tmp_path, start, frames):
    part = Part(number=1, start=start, frames=frames, cut=True)
    clip = cut_clip(film, probe_footage(film.path), WHOLE_PICTURE, part, tmp_path)
    read = list(read_footage(tmp_path / clip.name, clip.size, FPS))
    assert [number_of(frame) for frame in read] == list(range(start, start + frames))
    assert np.abs(np.stack(read).astype(int) - draw()[start:start + frames]).mean() < 4, "colours have changed"


def test_a_clip_is_not_cut_twice_and_a_lost_picture_is_made_again(film, tmp_path):
    footage, part = probe_footage(film.path), Part(number=3, start=0, frames=24, cut=True)
    first = cut_clip(film, footage, WHOLE_PICTURE, part, tmp_path)
    written = (tmp_path / first.name).stat().st_mtime_ns
    pictures = sorted(tmp_path.rglob("*.jpg"))
    assert len(pictures) == 4
    bytes_before = pictures[0].read_bytes()
    pictures[0].unlink()
    assert cut_clip(film, footage, WHOLE_PICTURE, part, tmp_path) == first
    assert (tmp_path / first.name).stat().st_mtime_ns == written
    assert pictures[0].read_bytes() == bytes_before


def test_ids_come_from_name_and_content(film, tmp_path):
    assert film.id.startswith("le-chateau-")
    moved = tmp_path / "sub" / "other.MP4"
    moved.parent.mkdir()
    moved.write_bytes(film.path.read_bytes())
    (tmp_path / ".hidden.mp4").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    found = find_films(tmp_path)
    assert [one.name for one in found] == ["sub/other.MP4"]
    assert found[0].id == "other" + film.id.removeprefix("le-chateau")


def test_a_file_that_is_no_film_is_refused(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no film at all" * 100)
    with pytest.raises(ArtifactError, match="holds no video"):
        probe_footage(tmp_path / "broken.mp4")


def test_a_missing_package_is_named(film, monkeypatch):
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(UsageError, match=r"pip install 'filmagent\[curate\]'"):
        look_through(film.path, probe_footage(film.path))
