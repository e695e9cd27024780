"""Draws the table as pictures: identity by distance, a bar for every row and measure, and sheets of what was filmed.

Knows the table and pictures; measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from filmagent.evaluation.papercut.measures import DISTANCES
from filmagent.evaluation.papercut.rows import CONTROL_ROWS
from filmagent.evaluation.papercut.statistics import Estimate
from filmagent.evaluation.papercut.table import (
    CAPTION_COLUMNS,
    CHANCE,
    COMPARED_WITH,
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
MEMORY: Colour = (66, 118, 216)
CONTROL: Colour = (150, 150, 150)
COMPARED: Colour = (238, 136, 42)
"""The row that all others are held against."""
FEW_STORIES = 8
"""Fewer than these, and an interval over stories says little: such points are hollow, and no line leads to them."""
_LINE, _LABELS, _SCALE = 15, 190, 2
"""Height of a line of text, width of the rows' names, and the size of everything, in pixels."""


def identity_by_distance(table: Table, across: int = 4) -> Image.Image:
    """Identity kept over the shots since last seen: a panel a row, with chance and the row all are compared with."""
    names = [name for name in table.rows if any(column.measure in table.cells[name] for column in DISTANCE_COLUMNS)]
    width, height = 240, 180
    down = max(1, -(-len(names) // across))
    image, draw = _paper((across * width, down * height + 40))
    _text(draw, (10, 8), "identity kept, by shots since last seen", INK)
    told = f"grey: chance; hollow: fewer than {FEW_STORIES} stories"
    _text(draw, (10, 22), f"orange: {COMPARED_WITH}; {told}" if COMPARED_WITH in names else told, CONTROL)
    for number, name in enumerate(names):
        _panel(draw, (number % across * width, number // across * height + 40), (width, height), name, table)
    return image


def _panel(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], size: tuple[int, int], name: str, table: Table
) -> None:
    left, top = corner[0] + 40, corner[1] + 20
    right, bottom = corner[0] + size[0] - 8, corner[1] + size[1] - 26

    def at(position: float, value: float) -> tuple[float, float]:
        return left + (position + 0.5) / len(DISTANCES) * (right - left), bottom - value * (bottom - top)

    _text(draw, (left, corner[1] + 2), name, INK)
    for share in (0.0, 0.5, 1.0):
        _line(draw, [(left, at(0, share)[1]), (right, at(0, share)[1])], PALE)
        _text(draw, (corner[0] + 4, at(0, share)[1] - 6), f"{100 * share:.0f} %", INK)
    for index, distance in enumerate(DISTANCES):
        _text(draw, (at(index, 0)[0] - 4, bottom + 4), distance, INK)
    behind = [(table.chance, CONTROL), (table.cells.get(COMPARED_WITH, {}), COMPARED)]
    for cells, colour in behind:
        _line(draw, [at(index, figure.value) for index, figure in _well_known(cells)], colour)
    colour = _colour(name)
    _line(draw, [at(index, figure.value) for index, figure in _well_known(table.cells[name])], colour, width=2)
    for index, figure in _by_distance(table.cells[name]):
        _line(draw, [at(index, figure.low), at(index, figure.high)], colour)
        _dot(draw, at(index, figure.value), colour, hollow=figure.stories < FEW_STORIES)


def _by_distance(cells: Mapping[str, Estimate]) -> list[tuple[int, Estimate]]:
    figures = [(index, cells.get(column.measure)) for index, column in enumerate(DISTANCE_COLUMNS)]
    return [(index, figure) for index, figure in figures if figure is not None]


def _well_known(cells: Mapping[str, Estimate]) -> list[tuple[int, Estimate]]:
    return [(index, figure) for index, figure in _by_distance(cells) if figure.stories >= FEW_STORIES]


def _colour(name: str) -> Colour:
    return CONTROL if name in CONTROL_ROWS else COMPARED if name == COMPARED_WITH else MEMORY


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
        _box(draw, (left, y + 2, end, y + _LINE - 4), _colour(name))
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
    if len(points) > 1:
        draw.line([(x * _SCALE, y * _SCALE) for x, y in points], fill=colour, width=width * _SCALE)


def _dot(draw: ImageDraw.ImageDraw, at: tuple[float, float], colour: Colour, hollow: bool = False) -> None:
    x, y = np.multiply(at, _SCALE)
    draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=WHITE if hollow else colour, outline=colour, width=2)


def _box(draw: ImageDraw.ImageDraw, edges: tuple[float, float, float, float], colour: Colour) -> None:
    left, top, right, bottom = (edge * _SCALE for edge in edges)
    draw.rectangle([left, top, max(left, right), bottom], fill=colour)
