"""The contact sheet shows the film that was made, for every shot and in any language."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from filmagent.delivery.contact_sheet import (
    MARGIN,
    WIDTH,
    Box,
    evenly,
    film_reel,
    film_strip,
    write_contact_sheet,
)
from filmagent.delivery.lettering import clip as clip_text
from filmagent.delivery.lettering import font, printable, wrap
from filmagent.delivery.video import read_video, write_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames


def pixels(path: Path, box: Box) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path).convert("RGB").crop(box.corners)).astype(int)


def test_one_row_a_shot_one_below_the_other(finished_run: Any) -> None:
    path = finished_run.folder / "contact.png"
    rows = write_contact_sheet(finished_run.manifest(), finished_run.folder, path)
    picture = Image.open(path)
    assert [row.shot for row in rows] == ["shot-1", "shot-2", "shot-3"]
    assert picture.size[0] == WIDTH
    assert all(above.box.top + above.box.height < below.box.top for above, below in pairwise(rows))
    assert rows[0].box.left == MARGIN and rows[-1].box.top + rows[-1].box.height < picture.size[1]
    for row in rows:
        assert all(row.box.left <= at.left and at.left + at.width <= row.box.left + row.box.width
                   and row.box.top <= at.top and at.top + at.height <= row.box.top + row.box.height
                   for at in row.keyframes)


def test_every_keyframe_is_at_its_place(finished_run: Any) -> None:
    path = finished_run.folder / "contact.png"
    rows = write_contact_sheet(finished_run.manifest(), finished_run.folder, path)
    for row, record in zip(rows, finished_run.records, strict=True):
        frames = read_video(finished_run.folder / record.chosen.path).frames
        assert row.frames == (0, 2, 3, 5)
        for at, index in zip(row.keyframes, row.frames, strict=True):
            expected = Image.fromarray(frames[index]).resize((at.width, at.height), Image.Resampling.LANCZOS)
            assert np.abs(pixels(path, at) - np.asarray(expected)).max() <= 1


def test_the_outcome_has_its_own_colour(finished_run: Any) -> None:
    """Shot 2 has used up its attempts: its badge is amber, while those of shots 1 and 3 are green."""
    path = finished_run.folder / "contact.png"
    rows = write_contact_sheet(finished_run.manifest(), finished_run.folder, path)
    badges = [pixels(path, Box(row.box.left + 36, row.box.top + 88, 2, 2)).mean(axis=(0, 1)) for row in rows]
    assert np.allclose(badges[0], badges[2]) and badges[0][1] > badges[0][0]
    assert badges[1][0] > badges[1][1]


def test_equal_films_give_equal_sheets(finished_run: Any) -> None:
    for name in ("a.png", "b.png"):
        write_contact_sheet(finished_run.manifest(), finished_run.folder, finished_run.folder / name)
    assert (finished_run.folder / "a.png").read_bytes() == (finished_run.folder / "b.png").read_bytes()


@pytest.mark.parametrize("text", ["一只橘猫沿着河边走" * 30, "قطة برتقالية تمشي", "😀👩‍👩‍👧 🎬", "Zażółć gęślą — “é”",
                                  "\u202e\x00\ufeff", "W" * 900, "a\nb\tc", "🏳️‍🌈" * 50])
def test_any_text_can_be_drawn(finished_run: Any, text: str) -> None:
    manifest = finished_run.manifest(logline=text)
    shots = tuple(shot.model_copy(update={"caption": text}) for shot in manifest.story.shots)
    plans = tuple(plan.model_copy(update={"link": plan.link.model_copy(update={"reason": text})})
                  for plan in manifest.plan.shots)
    story = manifest.story.model_copy(update={"title": text, "shots": shots})
    manifest = manifest.model_copy(update={"story": story, "plan": manifest.plan.model_copy(update={"shots": plans})})
    rows = write_contact_sheet(manifest, finished_run.folder, finished_run.folder / "contact.png")
    assert all(row.box.height < 700 for row in rows)


def test_many_scores_memory_frames_and_a_portrait_film(finished_run: Any, clip: Callable[..., Frames]) -> None:
    first = finished_run.records[1]
    write_video(clip(7, 48, 96), finished_run.folder / first.chosen.path, 12)
    review = first.reviews[-1].model_copy(update={"scores": {f"identity/{n}": n / 9 for n in range(12)},
                                                  "symptoms": ("blank", "frozen", "flicker")})
    chosen = first.chosen.model_copy(update={"memory": first.chosen.memory * 9})
    record = first.model_copy(update={"chosen": chosen, "reviews": (*first.reviews[:-1], review)})
    manifest = finished_run.manifest().model_copy(
        update={"shots": (finished_run.records[0], record, finished_run.records[2].model_copy(update={"reviews": ()}))})
    rows = write_contact_sheet(manifest, finished_run.folder, finished_run.folder / "contact.png")
    assert len(rows[1].keyframes) == 5 and rows[1].keyframes[0].height == 260


def test_what_is_missing_is_named(finished_run: Any) -> None:
    sheet = finished_run.folder / "contact.png"
    (finished_run.folder / "memory" / "seen.png").write_bytes(b"no picture")
    with pytest.raises(ArtifactError, match=r"memory/seen\.png"):
        write_contact_sheet(finished_run.manifest(), finished_run.folder, sheet)
    (finished_run.folder / finished_run.records[0].chosen.path).unlink()
    with pytest.raises(ArtifactError, match=finished_run.records[0].chosen.key):
        write_contact_sheet(finished_run.manifest(), finished_run.folder, sheet)
    assert not sheet.exists()


def test_a_strip_shows_the_first_and_the_last_frame(tmp_path: Path, clip: Callable[..., Frames]) -> None:
    frames = clip(9)
    film_strip(frames, tmp_path / "strip.png", count=3, width=200)
    strip = np.asarray(Image.open(tmp_path / "strip.png")).astype(int)
    cell = (200 - 2 * 2) // 3
    height = round(cell * 48 / 64)
    assert strip.shape == (height, 200, 3)
    for column, index in enumerate((0, 4, 8)):
        expected = Image.fromarray(frames[index]).resize((cell, height), Image.Resampling.LANCZOS)
        left = column * (cell + 2)
        assert np.abs(strip[:, left:left + cell] - np.asarray(expected)).max() <= 1


def test_a_reel_shows_every_take_in_order(tmp_path: Path, clip: Callable[..., Frames]) -> None:
    takes = [np.full((3, 30, 40, 3), 40 * n, np.uint8) for n in range(1, 6)]
    film_reel(takes, tmp_path / "reel.png", rows=2, width=320)
    reel = np.asarray(Image.open(tmp_path / "reel.png"))
    cell, height = (320 - 4) // 3, round(((320 - 4) // 3) * 30 / 40)
    centres = [reel[height // 2 + row * (height + 2), cell // 2 + column * (cell + 2), 0]
               for row in range(2) for column in range(3)]
    assert centres[:5] == [40, 80, 120, 160, 200]
    with pytest.raises(ArtifactError, match="no takes"):
        film_reel([], tmp_path / "none.png")


@given(st.integers(1, 200), st.integers(1, 8))
def test_frames_are_chosen_evenly(length: int, count: int) -> None:
    chosen = evenly(length, count)
    assert chosen[0] == 0 and len(chosen) == min(length, count) and sorted(set(chosen)) == list(chosen)
    assert count == 1 or chosen[-1] == length - 1


@given(st.text(max_size=200), st.integers(40, 400), st.integers(1, 4))
def test_lines_fit_whatever_is_written(text: str, width: int, lines: int) -> None:
    broken = wrap(text, font(18), width, lines)
    assert len(broken) <= lines and all(font(18).getlength(line) <= width for line in broken)
    assert font(18).getlength(clip_text(text, font(18), width)) <= width


@given(st.text("abcdefgh ", max_size=120))
def test_wrapping_loses_no_word(text: str) -> None:
    assert "".join(wrap(text, font(18), 120, 200)).replace(" ", "") == text.replace(" ", "")


def test_letters_the_font_lacks_are_spelled_or_marked() -> None:
    assert printable("Zażółć — “é”  ß\n→ 😀😀 猫") == "Zazolc - “e” ss -> ? ?"
    assert printable("what?? yes") == "what?? yes"
