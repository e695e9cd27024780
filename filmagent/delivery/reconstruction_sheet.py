"""The sheet `reconstructions/contact_sheet.png`: every subject as it is remembered, and as memory gives it back.

One row a subject: left the remembered picture that shows it best, right the reconstruction, below name and scores.
Draws what the reconstructions say and nothing else. Knows nothing of generators, policies or graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from filmagent.artifacts import atomic_path
from filmagent.delivery.contact_sheet import AMBER, CARD, FAINT, GREEN, GREY, INK, MARGIN, PADDING, PAPER, SOFT
from filmagent.delivery.lettering import clip, font
from filmagent.errors import ArtifactError
from filmagent.schemas.reconstruction import Reconstruction

PICTURE = (560, 320)
"""Room for one picture, in pixels."""
GUTTER = 24
LINES = 118
"""Height of what stands below the pictures."""
WIDTH = 2 * (MARGIN + PADDING) + 2 * PICTURE[0] + GUTTER


def write_reconstruction_sheet(
    title: str, reconstructions: Sequence[Reconstruction], run_dir: Path, path: Path
) -> None:
    """Draw the sheet.

    Args:
        title: of the film.
        reconstructions: one a row, at least one.
        run_dir: the folder that their paths are relative to.
        path: of the sheet, ending in `.png`.

    Raises:
        ArtifactError: there is nothing to draw, a picture cannot be read, or the disk refuses the sheet.
    """
    if not reconstructions:
        raise ArtifactError("there is no reconstruction to draw. Reconstruct at least one subject first.")
    tall = PICTURE[1] + LINES + 2 * PADDING
    top = MARGIN + 100
    sheet = Image.new("RGB", (WIDTH, top + len(reconstructions) * (tall + 20) + MARGIN - 20), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN - 8), clip(title, font(46), WIDTH - 2 * MARGIN), INK, font(46))
    said = "left: the remembered picture that shows it best; right: drawn from memory, told the name alone"
    pen.text((MARGIN, MARGIN + 54), clip(said, font(19), WIDTH - 2 * MARGIN), FAINT, font(19))
    for each in reconstructions:
        pen.rounded_rectangle((MARGIN, top, WIDTH - MARGIN - 1, top + tall - 1), 14, fill=CARD)
        _draw_row(sheet, pen, each, run_dir, top + PADDING)
        top += tall + 20
    with atomic_path(path) as hidden:
        sheet.save(hidden, format="PNG")


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, each: Reconstruction, run_dir: Path, top: int) -> None:
    left, room = MARGIN + PADDING, WIDTH - 2 * (MARGIN + PADDING)
    for column, path in enumerate((each.best.path, each.path)):
        picture = _fitted(run_dir / path)
        x = left + column * (PICTURE[0] + GUTTER) + (PICTURE[0] - picture.width) // 2
        sheet.paste(picture, (x, top + (PICTURE[1] - picture.height) // 2))
    y = top + PICTURE[1] + 16
    pen.text((left, y), clip(each.name, font(24), PICTURE[0]), INK, font(24))
    pen.text((left + PICTURE[0] + GUTTER, y), clip(scores_said(each), font(20), PICTURE[0]), SOFT, font(20))
    verdict, colour = {
        None: ("not measured", GREY), False: ("remembered", GREEN),
        True: (f"being forgotten: {'; '.join(each.faults)}", AMBER),
    }[each.forgotten]
    pen.text((left, y + 36), clip(verdict, font(19), room), colour, font(19))
    source = "a photograph" if each.best.shot is None else each.best.shot
    shown = f"left: {source}; right: {len(each.memory)} memory frames, policy {each.policy}, seed {each.seed}"
    pen.text((left, y + 68), clip(f"{shown}; {each.prompt}", font(17), room), FAINT, font(17))


def scores_said(each: Reconstruction) -> str:
    """Return the scores in words: `identity 0.93, shown 0.99`; `not measured` without any."""
    return ", ".join(f"{name} {value:.2f}" for name, value in each.scores.items()) or "not measured"


def _fitted(path: Path) -> Image.Image:
    """Read a picture, scaled to its room."""
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except OSError as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {error}. Redo the shot it comes from, or reconstruct again."
                            ) from error
    scale = min(PICTURE[0] / picture.width, PICTURE[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)
