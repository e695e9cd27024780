"""Formats whose times are rounded or that cannot be sought exactly still give clips that begin at the very frame."""

from __future__ import annotations

import subprocess

import pytest

from filmagent.errors import ArtifactError
from filmagent.training.curate.clips import cut_clip
from filmagent.training.curate.cutting import Part
from filmagent.training.curate.films import find_films
from filmagent.training.curate.shots import WHOLE_PICTURE
from filmagent.training.sequences.footage import ffmpeg_program, probe_footage, read_footage
from tests.training.curate.drawn_film import FPS, HEIGHT, WIDTH, Stretch, number_of, write_film

X264 = ("-c:v", "libx264", "-preset", "ultrafast")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("source") / "source.mp4", (Stretch(24, (70, 90, 120), red=20),))


def converted(source, path, *options):
    subprocess.run([ffmpeg_program(), "-v", "error", "-i", str(source), *options, str(path)], check=True)
    (film,) = find_films(path.parent)
    return film, probe_footage(film.path)


@pytest.mark.parametrize(("name", "options"), [
    ("milliseconds.mkv", (*X264, "-bf", "3")),
    ("late-start.ts", (*X264, "-output_ts_offset", "5", "-g", "250", "-keyint_min", "250")),
])
@pytest.mark.parametrize("start", [3, 200, 251])
def test_a_clip_begins_at_the_very_frame(source, tmp_path, name, options, start):
    film, footage = converted(source, tmp_path / name, *options)
    clip = cut_clip(film, footage, WHOLE_PICTURE, Part(number=1, start=start, frames=20, cut=True), tmp_path / "out")
    numbers = [number_of(frame) for frame in read_footage(tmp_path / "out" / clip.name, clip.size, FPS)]
    assert numbers == list(range(start, start + 20))


def test_uneven_rates_give_whole_clips(source, tmp_path):
    film, footage = converted(source, tmp_path / "ntsc.mp4", "-vf", "setpts=N*1001/24000/TB", "-r", "24000/1001", *X264)
    assert (footage.rate, round(footage.fps, 2)) == (24, 23.98)
    clip = cut_clip(film, footage, WHOLE_PICTURE, Part(number=1, start=24, frames=240, cut=True), tmp_path / "out")
    assert (clip.fps, clip.frames) == (24, 240)


def test_long_pixels_are_shown_square(source, tmp_path):
    _, footage = converted(source, tmp_path / "wide.mp4", "-vf", "setsar=2/1", "-t", "1", *X264)
    assert (footage.size.width, footage.size.height) == (2 * WIDTH, HEIGHT)


def test_hdr_is_known_by_its_transfer_function(source, tmp_path):
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    _, footage = converted(source, tmp_path / "hdr.mp4", "-vf", tags, "-t", "1", *X264)
    assert footage.high_dynamic_range


def test_sound_is_no_film(tmp_path):
    subprocess.run([ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "sine=d=1", str(tmp_path / "sound.mp4")],
                   check=True)
    with pytest.raises(ArtifactError, match="holds no video"):
        probe_footage(tmp_path / "sound.mp4")
