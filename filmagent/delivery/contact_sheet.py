"""The contact sheet `contact.png`: a finished film at a glance, one row a shot.

Draws what the manifest says and nothing else; equal runs give equal sheets. Every row shows the shot's number and
outcome, the link with its reason, keyframes of the chosen take with the caption, its scores and what it was shown
of memory. Knows nothing of critics, generators or graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from filmagent.artifacts import atomic_path
from filmagent.delivery.lettering import clip, font, printable, wrap
from filmagent.delivery.manifest import Manifest
from filmagent.delivery.video import read_video
from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames
from filmagent.schemas.take import MemoryUse, Review, ShotRecord

WIDTH = 1600
MARGIN = 48
PADDING = 26
GAP = 12
LEFT, MIDDLE, RIGHT = 272, 884, 248
"""Widths of the three columns of a row: decision, pictures, measurements."""
COLUMN_GAP = 24
TALLEST_KEYFRAME = 260
LANDSCAPE_KEYFRAMES, PORTRAIT_KEYFRAMES = 4, 5
BAR_PITCH, MOST_BARS = 34, 5
THUMBNAIL = 54

PAPER, CARD, LINE = (20, 22, 26), (29, 32, 38), (52, 56, 65)
INK, SOFT, FAINT = (240, 241, 243), (184, 190, 200), (126, 133, 145)
GREEN, AMBER, RED, BLUE, GREY = (74, 171, 113), (222, 158, 54), (222, 88, 80), (88, 146, 230), (110, 116, 128)

OUTCOMES = {
    "pass": ("pass", GREEN),
    "attempts_exhausted": ("attempts exhausted", AMBER),
    "retake": ("attempts exhausted", AMBER),
    "critic_error": ("critic error", RED),
    "unreviewed": ("unreviewed", GREY),
}
"""Outcome of a shot -> what its badge says, and its colour."""
TELLING = ("identity/", "caption_fit/", "vision/", "quality/", "seam/difference", "flicker/")
"""Beginnings of the scores that tell a person most, in the order they are drawn; the others come behind."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the sheet, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom; the last two are outside."""
        return self.left, self.top, self.left + self.width, self.top + self.height


@dataclass(frozen=True)
class Row:
    """Where one shot lies on the sheet."""

    shot: str
    box: Box
    keyframes: tuple[Box, ...]
    frames: tuple[int, ...]
    """Which frames of the take the keyframes are."""


@dataclass(frozen=True)
class _Cells:
    """Everything of a row that is known before drawing."""

    number: int
    record: ShotRecord
    review: Review | None
    caption: list[str]
    link: str
    reason: list[str]
    verdict: list[str]
    """Why the take is no pass; empty for a pass."""
    pictures: list[Image.Image]
    frames: tuple[int, ...]
    thumbnails: list[Image.Image]

    @property
    def height(self) -> int:
        """Height of the row's card."""
        left = 148 + 23 * len(self.reason) + (16 + 20 * len(self.verdict) if self.verdict else 0)
        middle = self.pictures[0].height + 14 + 27 * len(self.caption)
        bars = min(len(self.review.scores), MOST_BARS + 1) if self.review else 1
        symptoms = 24 * len(self.review.symptoms) if self.review else 0
        right = BAR_PITCH * bars + symptoms + (THUMBNAIL + 56 if self.thumbnails else 0)
        return max(left, middle, right) + 2 * PADDING


def write_contact_sheet(manifest: Manifest, run_dir: Path, path: Path) -> tuple[Row, ...]:
    """Draw the contact sheet of a finished film; return where its rows lie.

    Args:
        manifest: of the film.
        run_dir: the folder that the manifest's paths are relative to.
        path: of the sheet, ending in `.png`.

    Raises:
        ArtifactError: a take or a memory picture is missing or damaged, or the disk refuses the sheet.
    """
    rows = [_cells(manifest, index, run_dir) for index in range(len(manifest.shots))]
    logline = wrap(manifest.logline or manifest.story.overview, font(24), WIDTH - 2 * MARGIN, 3)
    top = MARGIN + 118 + 32 * len(logline)
    height = top + sum(row.height + 20 for row in rows) + 50
    sheet = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    _draw_header(pen, manifest, logline)
    placed = []
    for row in rows:
        placed.append(_draw_row(sheet, pen, row, top))
        top += row.height + 20
    pen.text((MARGIN, top + 6), clip(manifest.disclosure, font(17), WIDTH - 2 * MARGIN), FAINT, font(17))
    _save(sheet, path)
    return tuple(placed)


def film_strip(frames: Frames, path: Path, *, count: int = 5, width: int = WIDTH) -> None:
    """Draw a take as one row of frames, evenly chosen from the first to the last.

    Args:
        frames: uint8 RGB of shape (frames, height, width, 3).
        path: of the picture, ending in `.png`.
        count: how many frames; fewer when the take is shorter.
        width: of the picture in pixels.

    Raises:
        ArtifactError: the disk refuses the picture.
    """
    chosen = [frames[index] for index in evenly(len(frames), count)]
    _save(_grid(chosen, len(chosen), width), path)


def film_reel(takes: Sequence[Frames], path: Path, *, rows: int = 1, width: int = WIDTH) -> None:
    """Draw a film as one or two rows of pictures: the middle frame of every take, in the order of the film.

    Raises:
        ArtifactError: there are no takes, or the disk refuses the picture.
    """
    if not takes:
        raise ArtifactError("there are no takes to draw. Film at least one shot first.")
    middles = [take[len(take) // 2] for take in takes]
    _save(_grid(middles, -(-len(middles) // rows), width), path)


def evenly(length: int, count: int) -> tuple[int, ...]:
    """Return at most `count` different indices from 0 to length - 1, the first and the last among them."""
    return tuple(dict.fromkeys(int(index) for index in np.linspace(0, length - 1, min(length, count)).round()))


def _grid(pictures: Sequence[Frames], columns: int, width: int) -> Image.Image:
    """Lay pictures out in rows with thin gutters."""
    gutter = max(2, width // 400)
    cell = (width - gutter * (columns - 1)) // columns
    height = round(cell * pictures[0].shape[0] / pictures[0].shape[1])
    rows = -(-len(pictures) // columns)
    grid = Image.new("RGB", (width, rows * height + (rows - 1) * gutter), PAPER)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        scaled = Image.fromarray(picture).resize((cell, height), Image.Resampling.LANCZOS)
        grid.paste(scaled, (column * (cell + gutter), row * (height + gutter)))
    return grid


def _cells(manifest: Manifest, index: int, run_dir: Path) -> _Cells:
    """Gather one row: decode its take, scale its keyframes, break its texts into lines."""
    record = manifest.shots[index]
    frames = read_video(run_dir / record.chosen.path).frames
    landscape = frames.shape[2] >= frames.shape[1]
    columns = LANDSCAPE_KEYFRAMES if landscape else PORTRAIT_KEYFRAMES
    chosen = evenly(len(frames), columns)
    width = (MIDDLE - GAP * (columns - 1)) // columns
    scale = min(width / frames.shape[2], TALLEST_KEYFRAME / frames.shape[1])
    size = (round(frames.shape[2] * scale), round(frames.shape[1] * scale))
    link = manifest.plan.for_shot(record.shot).link
    planned = "" if link.kind == record.chosen.link else f" (planned: {link.kind})"
    review = next((entry for entry in reversed(record.reviews) if entry.take == record.chosen.key), None)
    return _Cells(
        number=index + 1,
        record=record,
        review=review,
        caption=wrap(manifest.story.shot(record.shot).caption, font(20), MIDDLE, 4),
        link=_words(record.chosen.link) + planned,
        reason=wrap(link.reason, font(17), LEFT, 4),
        verdict=[] if review is None or review.outcome == "pass" else wrap(review.reason, font(15), LEFT, 4),
        pictures=[Image.fromarray(frames[at]).resize(size, Image.Resampling.LANCZOS) for at in chosen],
        frames=chosen,
        thumbnails=[_thumbnail(use, run_dir) for use in record.chosen.memory_shown],
    )


def _words(name: str) -> str:
    """Say an identifier in words: `scene_cut` is `scene cut`."""
    return name.replace("_", " ")


def _thumbnail(use: MemoryUse, run_dir: Path) -> Image.Image:
    """Read one memory frame, cut to a square."""
    try:
        with Image.open(run_dir / use.path) as picture:
            square = picture.convert("RGB")
    except OSError as error:
        raise ArtifactError(f"cannot read memory frame {use.path!r}: {error}. Redo the shot it comes from.") from error
    side = min(square.size)
    left, top = (square.width - side) // 2, (square.height - side) // 2
    return square.crop((left, top, left + side, top + side)).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)


def _draw_header(pen: ImageDraw.ImageDraw, manifest: Manifest, logline: list[str]) -> None:
    """Draw title, logline and what the film is."""
    film, settings = manifest.film, manifest.settings
    pen.text((MARGIN, MARGIN - 8), clip(manifest.story.title, font(46), WIDTH - 2 * MARGIN), INK, font(46))
    for number, line in enumerate(logline):
        pen.text((MARGIN, MARGIN + 58 + 32 * number), line, SOFT, font(24))
    seconds = f"{film.seconds:.1f}".rstrip("0").rstrip(".")
    facts = [f"{film.shots} shot{'s' * (film.shots != 1)}", f"{seconds} seconds",
             f"{film.width} x {film.height} at {film.fps} frames a second", f"generator {settings.get('generator')}",
             f"memory {settings.get('memory')}", f"seed {settings.get('seed')}", _words(film.status)]
    pen.text((MARGIN, MARGIN + 70 + 32 * len(logline)), printable("   ·   ".join(facts)), FAINT, font(19))


def _draw_row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: _Cells, top: int) -> Row:
    """Draw one shot."""
    box = Box(MARGIN, top, WIDTH - 2 * MARGIN, row.height)
    left, upper, right, lower = box.corners
    pen.rounded_rectangle((left, upper, right - 1, lower - 1), 14, fill=CARD)
    x, y = left + PADDING, top + PADDING
    _draw_decision(pen, row, x, y)
    middle = x + LEFT + COLUMN_GAP
    boxes = []
    for index, picture in enumerate(row.pictures):
        at = Box(middle + index * (picture.width + GAP), y, picture.width, picture.height)
        sheet.paste(picture, (at.left, at.top))
        boxes.append(at)
    for index, line in enumerate(row.caption):
        pen.text((middle, y + row.pictures[0].height + 14 + 27 * index), line, INK, font(20))
    _draw_measurements(sheet, pen, row, middle + MIDDLE + COLUMN_GAP, y)
    return Row(row.record.shot, box, tuple(boxes), row.frames)


def _draw_decision(pen: ImageDraw.ImageDraw, row: _Cells, x: int, y: int) -> None:
    """Draw number, outcome, attempts, and the link with its reason."""
    record = row.record
    pen.text((x, y - 10), str(row.number), INK, font(46))
    indent = x + int(font(46).getlength(str(row.number))) + 14
    pen.text((indent, y + 2), clip(record.shot, font(19), x + LEFT - indent), SOFT, font(19))
    attempt = f"attempt {record.chosen.attempt} of {len(record.attempts)}, seed {record.chosen.seed}"
    pen.text((indent, y + 26), clip(attempt, font(15), x + LEFT - indent), FAINT, font(15))
    said, colour = ("accepted by a person", BLUE) if record.accepted_by == "person" else OUTCOMES[record.outcome]
    wide = int(font(17).getlength(said)) + 28
    pen.rounded_rectangle((x, y + 60, x + wide, y + 90), 15, fill=colour)
    pen.text((x + 14, y + 75), said, PAPER, font(17), anchor="lm")
    pen.text((x, y + 112), clip(row.link, font(19), LEFT), INK, font(19))
    for index, line in enumerate(row.reason):
        pen.text((x, y + 142 + 23 * index), line, SOFT, font(17))
    for index, line in enumerate(row.verdict):
        pen.text((x, y + 158 + 23 * len(row.reason) + 20 * index), line, colour, font(15))


def _draw_measurements(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: _Cells, x: int, y: int) -> None:
    """Draw scores as bars, then symptoms, then the memory frames that the take was shown."""
    if row.review is None:
        pen.text((x, y), "no review", FAINT, font(17))
        y += BAR_PITCH
    else:
        scores = sorted(row.review.scores.items(), key=lambda score: _telling(score[0]))
        for name, value in scores[:MOST_BARS]:
            _draw_bar(pen, name, value, x, y)
            y += BAR_PITCH
        if len(scores) > MOST_BARS:
            pen.text((x, y), f"and {len(scores) - MOST_BARS} more in film.json", FAINT, font(15))
            y += BAR_PITCH
        for symptom in row.review.symptoms:
            pen.text((x, y), _words(symptom), RED, font(17))
            y += 24
    if row.thumbnails:
        pen.text((x, y + 6), "shown from memory", FAINT, font(15))
        fits = (RIGHT + 6) // (THUMBNAIL + 6)
        for index, picture in enumerate(row.thumbnails[:fits]):
            at = x + index * (THUMBNAIL + 6)
            sheet.paste(picture, (at, y + 30))
            source = row.record.chosen.memory_shown[index].shot or "photo"
            pen.text((at, y + 34 + THUMBNAIL), clip(source, font(13), THUMBNAIL), FAINT, font(13))
        if len(row.thumbnails) > fits:
            pen.text((x + RIGHT, y + 6), f"+{len(row.thumbnails) - fits}", FAINT, font(15), anchor="ra")


def _telling(name: str) -> int:
    """Return the place of a score's family among all families."""
    return next((place for place, beginning in enumerate(TELLING) if name.startswith(beginning)), len(TELLING))


def _draw_bar(pen: ImageDraw.ImageDraw, name: str, value: float, x: int, y: int) -> None:
    """Draw one number: its name, its value, and a bar where it lies between 0 and 1."""
    number = f"{value:.2f}"
    room = RIGHT - int(font(16).getlength(number)) - 10
    pen.text((x, y), clip(_words(name), font(16), room), SOFT, font(16))
    pen.text((x + RIGHT, y), number, INK, font(16), anchor="ra")
    if 0 <= value <= 1:
        pen.rounded_rectangle((x, y + 22, x + RIGHT - 1, y + 26), 2, fill=LINE)
        if (filled := round((RIGHT - 1) * value)) >= 4:
            pen.rounded_rectangle((x, y + 22, x + filled, y + 26), 2, fill=BLUE)


def _save(picture: Image.Image, path: Path) -> None:
    """Write a picture, whole or not at all."""
    with atomic_path(path) as hidden:
        picture.save(hidden, format="PNG")
