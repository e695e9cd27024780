"""Draws the table as pictures: identity by distance, a bar for every row and measure, and sheets of what was filmed.

Knows the table and pictures; measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from filmagent.evaluation.papercut.measures import DISTANCES
from filmagent.evaluation.papercut.statistics import Estimate
from filmagent.evaluation.papercut.table import (
    CAPTION_COLUMNS,
    CHANCE,
    DISTANCE_COLUMNS,
    MEMORY_COLUMNS,
    OTHER_COLUMNS,
    Column,
    Table,
    shown,
)

Colour = tuple[int, int, int]
INK: Colour = (60, 60, 60)
PALE: Colour = (224, 224, 224)
WHITE: Colour = (255, 255, 255)
COLOURS: tuple[Colour, ...] = (
    (214, 46, 48),
    (66, 118, 216),
    (38, 156, 84),
    (238, 136, 42),
    (134, 72, 184),
    (20, 160, 170),
    (120, 120, 120),
    (180, 140, 60),
    (230, 100, 160),
    (90, 70, 40),
)
_LINE, _LABELS, _SCALE = 15, 190, 2
"""Height of a line of text, width of the rows' names, and the size of everything, in pixels."""


def identity_by_distance(table: Table, size: tuple[int, int] = (760, 380)) -> Image.Image:
    """Lines of identity kept over the shots since last seen, intervals as whiskers, chance in grey."""
    image, draw = _paper(size)
    left, top, right, bottom = 46, 30, size[0] - _LABELS, size[1] - 40
    _text(draw, (left, 8), "identity kept, by shots since last seen", INK)

    def at(position: float, value: float) -> tuple[float, float]:
        return left + (position + 0.5) / len(DISTANCES) * (right - left), bottom - value * (bottom - top)

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        _line(draw, [(left, at(0, share)[1]), (right, at(0, share)[1])], PALE)
        _text(draw, (6, at(0, share)[1] - 6), f"{100 * share:.0f} %", INK)
    for index, name in enumerate(DISTANCES):
        _text(draw, (at(index, 0)[0] - 4, bottom + 6), name, INK)
    series = {**table.cells, **({CHANCE: table.chance} if table.chance else {})}
    for number, (name, cells) in enumerate(series.items()):
        colour = PALE if name == CHANCE else COLOURS[number % len(COLOURS)]
        # Rows stand a little beside each other, so that no interval hides another.
        beside = (number - len(series) / 2) * 0.035
        points = []
        for index, column in enumerate(DISTANCE_COLUMNS):
            figure = cells.get(column.measure)
            if figure is not None:
                points.append(at(index + beside, figure.value))
                _line(draw, [at(index + beside, figure.low), at(index + beside, figure.high)], colour)
        if len(points) > 1:
            _line(draw, points, colour, width=2)
        for x, y in points:
            _dot(draw, (x, y), colour)
        y = top + number * _LINE
        _line(draw, [(right + 12, y + 6), (right + 28, y + 6)], colour, width=3)
        _text(draw, (right + 34, y), name, INK)
    return image


def bars(table: Table) -> Image.Image:
    """For every measure a block of bars, one a row, with intervals and figures."""
    columns = [
        column
        for column in (*MEMORY_COLUMNS, *CAPTION_COLUMNS, *OTHER_COLUMNS)
        if any(column.measure in cells for cells in table.cells.values())
    ]
    block = (len(table.rows) + 2) * _LINE
    across = 2
    down = -(-len(columns) // across)
    width = 620
    image, draw = _paper((across * width, max(1, down) * block + 10))
    for index, column in enumerate(columns):
        corner = (index % across * width + 10, index // across * block + 8)
        _block(draw, corner, width - 20, column, table)
    return image


def story_sheet(rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    """Middle frames of one story, a line for every row, its name before it."""
    width, height = rows[0][1][0].size
    most = max(len(pictures) for _, pictures in rows)
    image = Image.new("RGB", (_LABELS + most * width, len(rows) * height), WHITE)
    draw = ImageDraw.Draw(image)
    for line, (name, pictures) in enumerate(rows):
        draw.text((8, line * height + height // 2 - 6), name, fill=INK)
        for index, picture in enumerate(pictures):
            image.paste(picture.convert("RGB").resize((width, height)), (_LABELS + index * width, line * height))
    return image


def _block(draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, column: Column, table: Table) -> None:
    left, right = corner[0] + 140, corner[0] + width - 160
    figures: Mapping[str, Estimate | None] = {name: table.cells[name].get(column.measure) for name in table.rows}
    known = [figure.high for figure in figures.values() if figure is not None]
    most = 1.0 if column.percent and max(known) > 0.3 else max([*known, 1e-9])
    _text(draw, corner, column.title, INK)
    for number, (name, figure) in enumerate(figures.items()):
        y = corner[1] + (number + 1) * _LINE
        _text(draw, (corner[0], y), name, INK)
        _text(draw, (right + 8, y), shown(figure, column), INK)
        if figure is None:
            continue
        ends = [left + max(0.0, min(1.0, value / most)) * (right - left) for value in (figure.low, figure.high)]
        end = left + max(0.0, figure.value / most) * (right - left)
        _box(draw, (left, y + 2, end, y + _LINE - 4), COLOURS[number % len(COLOURS)])
        _line(draw, [(ends[0], y + _LINE / 2 - 1), (ends[1], y + _LINE / 2 - 1)], INK)
    chance = table.chance.get(column.measure)
    if chance is not None:
        x = left + chance.value / most * (right - left)
        _line(draw, [(x, corner[1] + _LINE), (x, corner[1] + (len(figures) + 1) * _LINE)], INK)
        _text(draw, (x - 18, corner[1]), CHANCE, INK)


def _paper(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (size[0] * _SCALE, size[1] * _SCALE), WHITE)
    return image, ImageDraw.Draw(image)


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: Colour) -> None:
    draw.text((at[0] * _SCALE, at[1] * _SCALE), text, fill=colour, font_size=11 * _SCALE)


def _line(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: Colour, width: int = 1) -> None:
    draw.line([(x * _SCALE, y * _SCALE) for x, y in points], fill=colour, width=width * _SCALE)


def _dot(draw: ImageDraw.ImageDraw, at: tuple[float, float], colour: Colour) -> None:
    x, y = np.multiply(at, _SCALE)
    draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)


def _box(draw: ImageDraw.ImageDraw, edges: tuple[float, float, float, float], colour: Colour) -> None:
    left, top, right, bottom = (edge * _SCALE for edge in edges)
    draw.rectangle([left, top, max(left, right), bottom], fill=colour)
