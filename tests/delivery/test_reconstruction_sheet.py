"""The sheet of reconstructions: what is remembered on the left, what came back on the right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filmagent.delivery.reconstruction_sheet import GUTTER, MARGIN, PADDING, PICTURE, write_reconstruction_sheet
from filmagent.errors import ArtifactError
from filmagent.schemas.reconstruction import BestView, Reconstruction

REMEMBERED, DRAWN = (200, 40, 40), (40, 40, 200)


def entry(folder: Path, **more) -> Reconstruction:
    Image.new("RGB", (64, 48), REMEMBERED).save(folder / "kept.png")
    Image.new("RGB", (32, 48), DRAWN).save(folder / "drawn.png")
    best = BestView(sha256="0", path="kept.png", shot="shot-01", surely=0.9)
    return Reconstruction(**{**dict(
        key="0" * 32, subject="marlow", name="Marlow the cat", after="shot-02", path="drawn.png", sha256="0",
        prompt="the cat", seed=0, width=32, height=48, generator="toy", policy="cover", best=best,
        scores={"identity": 0.9},
    ), **more})


def test_memory_stands_left_and_the_reconstruction_right(tmp_path: Path):
    write_reconstruction_sheet("A film", [entry(tmp_path)] * 2, tmp_path, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    middle = MARGIN + PADDING + PICTURE[0] + GUTTER // 2
    kept, drawn = ((pixels == colour).all(axis=2) for colour in (REMEMBERED, DRAWN))
    assert kept[:, :middle].any() and not kept[:, middle:].any()
    assert drawn[:, middle:].any() and not drawn[:, :middle].any()


def test_another_verdict_is_another_sheet(tmp_path: Path):
    sheets = []
    for number, more in enumerate(({}, {"faults": ("the picture hardly shows a cat",)}, {"scores": {}})):
        write_reconstruction_sheet("A film", [entry(tmp_path, **more)], tmp_path, tmp_path / f"{number}.png")
        sheets.append((tmp_path / f"{number}.png").read_bytes())
    assert len(set(sheets)) == 3


def test_a_missing_picture_and_an_empty_sheet_are_refused(tmp_path: Path):
    given = entry(tmp_path, path="nowhere.png")
    for reconstructions, message in (([given], "nowhere.png"), ([], "no reconstruction")):
        with pytest.raises(ArtifactError, match=message):
            write_reconstruction_sheet("A film", reconstructions, tmp_path, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
