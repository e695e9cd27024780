"""The table of the benchmark: every measure of every row with its interval, chance and the probe's own error.

Pure: records in, a table of plain values out, as JSON and as Markdown. Knows no files and no models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from filmagent.evaluation.papercut.measures import (
    DISTANCES,
    IN_MEMORY,
    Tallies,
    chance_film,
    measure_film,
    world_shares,
)
from filmagent.evaluation.papercut.records import ShotRecord, by_film
from filmagent.evaluation.papercut.rows import Row
from filmagent.evaluation.papercut.statistics import Estimate, difference, estimate
from filmagent.evaluation.papercut.verdicts import FAULTS
from filmagent.training.papercut.probe.questions import IDENTITY

CHANCE, PROBE_ERROR = "chance", "probe's own error"
COUNTED, VARIES = "counted (in stories)", "varies"
COMPARED_WITH = "storymem"
"""The row that others are compared with, story by story, when it is there."""


@dataclass(frozen=True)
class Column:
    """A measure as it is printed."""

    measure: str
    title: str
    questions: tuple[str, ...] = ()
    """The probe's questions that it rests on."""
    percent: bool = True
    decimals: int = 1


MEMORY_COLUMNS = (
    Column("identity", "identity kept", IDENTITY),
    Column("identity as drawn", "as first drawn", IDENTITY),
    Column("binding", "two-subject binding", IDENTITY),
    Column("swapped", "swapped", IDENTITY),
    Column("place kept", "place kept", ("layout",)),
    Column("identity at joins", "identity at joins", IDENTITY),
)
CAPTION_COLUMNS = (
    Column("caption: kinds", "kinds", ("kinds",)),
    Column("caption: place", "place", ("place",)),
    Column("caption: action", "action", ("action",)),
    Column("caption: size", "size", ("size",)),
    Column("caption: time", "time", ("time",)),
    Column("caption: weather", "weather", ("weather",)),
)
OTHER_COLUMNS = (
    Column("seam error", "seam error"),
    Column("dynamic degree", "dynamic degree"),
    Column("seconds", "seconds a shot", percent=False, decimals=2),
    Column("tokens", "tokens a shot", percent=False, decimals=0),
)
DISTANCE_COLUMNS = tuple(Column(f"identity at {name}", name, IDENTITY) for name in DISTANCES)
PLACE_DISTANCE_COLUMNS = tuple(Column(f"place at {name}", name, ("layout",)) for name in DISTANCES)
ATTRIBUTE_COLUMNS = tuple(Column(f"identity/{name}", name.replace("_", " "), (name,)) for name in IDENTITY)
CRITIC_COLUMNS = tuple(
    Column(f"{symptom}: {what}", f"{symptom.replace('_', ' ')}: {what}")
    for symptom in FAULTS
    for what in ("faults", "alarms", "precision", "recall", "agreement")
)
IN_MEMORY_COLUMNS = tuple(
    column
    for name in IN_MEMORY
    for column in (Column(f"in memory: {name}", name, IDENTITY), Column(f"kept of {name}", "kept of it", IDENTITY))
)
SECTIONS: Mapping[str, tuple[Column, ...]] = {
    "Memory": MEMORY_COLUMNS,
    "Identity kept, by shots since last seen": DISTANCE_COLUMNS,
    "Identity kept, by attribute": ATTRIBUTE_COLUMNS,
    "What was in memory, and how much of that was kept": IN_MEMORY_COLUMNS,
    "Place kept, by shots since last seen": PLACE_DISTANCE_COLUMNS,
    "Caption followed": CAPTION_COLUMNS,
    "Joins, motion and cost": OTHER_COLUMNS,
}
EXPLAINED = """\
Every figure is followed by its 95 % interval (percentile bootstrap over stories, all shots and seeds of a story drawn
together). *Identity kept*: attributes that the caption leaves out, of figures seen before, at cuts, read by the probe
against the truth; a missing figure has lost them all. *As first drawn*: the same against what the probe read in the
figure's own first shot. *Binding*: attributes that two figures in one picture do not share, and that are their own;
*swapped*: that are the other's. *Place kept*: on returning at a cut, the caption's place, arranged as in the film's own
first shot of it, which no caption says. *Seam error*: mean absolute difference across a join, of full range. *Dynamic
degree*: greatest share of pixels that differ from a shot's first frame. *In memory*: of every attribute that only
memory can know, whether memory showed a shot that had it *right*, only shots of the figure that had *lost* it *before*,
or the figure *nowhere*. *Chance*: every unsaid attribute drawn as the world draws it, a place's arrangement guessed.
*The probe's own error* is its share of wrong answers to the questions that a measure rests on, on held-out rendered
shots."""


@dataclass(frozen=True)
class Table:
    """Everything that is printed, drawn and written."""

    rows: tuple[str, ...]
    says: Mapping[str, str]
    """Row -> what it is."""
    cells: Mapping[str, Mapping[str, Estimate]]
    """Row -> measure -> figure. A measure that had nothing to count is absent."""
    chance: Mapping[str, Estimate]
    probe_error: Mapping[str, float]
    """Measure -> share of wrong answers."""
    differences: Mapping[str, Mapping[str, Estimate]]
    """Row -> measure -> how much greater than in `COMPARED_WITH`, paired by story."""
    about: Mapping[str, Any]
    """What was measured with."""

    def as_json(self) -> dict[str, Any]:
        """The table as plain JSON values."""
        return asdict(self)


def make_table(
    records: Sequence[ShotRecord],
    rows: Sequence[Row],
    stories: Sequence[int],
    accuracy: Mapping[str, float],
    about: Mapping[str, Any],
) -> Table:
    """Count, estimate and compare.

    Args:
        records: of all films of these rows and stories.
        rows: in the order of the table.
        stories: their numbers.
        accuracy: the probe's share of right answers by question; empty: never measured.
        about: what was measured with, for the reader.
    """
    films = by_film(records)
    counted = {row.name: _by_story(films, row.name, stories, measure_film) for row in rows}
    # Chance is asked the questions of the first row: all rows that cut at the same places are asked the same.
    shares = world_shares()
    chance = _by_story(films, rows[0].name, stories, lambda shots: chance_film(shots, shares))
    every = [column for columns in (*SECTIONS.values(), CRITIC_COLUMNS) for column in columns]
    base = counted.get(COMPARED_WITH)
    return Table(
        rows=tuple(row.name for row in rows),
        says={row.name: row.says for row in rows},
        cells={name: _estimates(tallies, every) for name, tallies in counted.items()},
        chance=_estimates(chance, every),
        probe_error={column.measure: error for column in every if (error := _error(column, accuracy)) is not None},
        differences={}
        if base is None
        else {name: _differences(tallies, base, every) for name, tallies in counted.items() if name != COMPARED_WITH},
        about=about,
    )


def as_markdown(table: Table) -> str:
    """The table for a person."""
    lines = ["# The papercut benchmark", ""]
    lines += [f"- {name}: {value}" for name, value in table.about.items()]
    lines += ["", EXPLAINED, "", "| row | what it is |", "|---|---|"]
    lines += [f"| {name} | {table.says[name]} |" for name in table.rows]
    for title, columns in SECTIONS.items():
        if rows := [name for name in table.rows if any(column.measure in table.cells[name] for column in columns)]:
            lines += ["", f"## {title}", "", *_section(table, columns, rows)]
    if any(column.measure in cells for cells in table.cells.values() for column in CRITIC_COLUMNS):
        lines += ["", "## The critic's scorers against the probe", "", *_critic(table)]
    if table.differences:
        lines += ["", f"## Against {COMPARED_WITH}, story by story", "", *_compared(table)]
    return "\n".join(lines) + "\n"


def shown(figure: Estimate | None, column: Column) -> str:
    """A figure with its interval, such as `91.3 % [88.0, 94.1]`; a dash when there is none."""
    if figure is None:
        return "-"
    scale, unit = (100, " %") if column.percent else (1, "")
    value, low, high = (f"{each * scale:.{column.decimals}f}" for each in (figure.value, figure.low, figure.high))
    return f"{value}{unit} [{low}, {high}]"


def _by_story(films: Mapping[Any, Any], row: str, stories: Sequence[int], count: Any) -> list[Tallies]:
    """The tallies of every story, over all its seeds."""
    found = {number: Tallies() for number in stories}
    for (name, _, story), shots in films.items():
        if name == row and story in found:
            found[story].merge(count(shots))
    return [found[number] for number in stories]


def _columns(tallies: Sequence[Tallies], measure: str) -> tuple[list[float], list[float]]:
    pairs = [each[measure] for each in tallies]
    return [total for total, _ in pairs], [count for _, count in pairs]


def _estimates(tallies: Sequence[Tallies], columns: Sequence[Column]) -> dict[str, Estimate]:
    made = {column.measure: estimate(*_columns(tallies, column.measure)) for column in columns}
    return {measure: figure for measure, figure in made.items() if figure is not None}


def _differences(tallies: Sequence[Tallies], base: Sequence[Tallies], columns: Sequence[Column]) -> dict[str, Estimate]:
    made = {
        column.measure: difference(_columns(tallies, column.measure), _columns(base, column.measure))
        for column in columns
    }
    return {measure: figure for measure, figure in made.items() if figure is not None}


def _error(column: Column, accuracy: Mapping[str, float]) -> float | None:
    known = [accuracy[question] for question in column.questions if question in accuracy]
    return float(1 - np.mean(known)) if known else None


def _section(table: Table, columns: Sequence[Column], rows: Sequence[str]) -> list[str]:
    """The lines of these rows, which have something to show."""
    lines = [_line("row", [column.title for column in columns]), "|---" * (len(columns) + 1) + "|"]
    for name in rows:
        lines.append(_line(name, [shown(table.cells[name].get(column.measure), column) for column in columns]))
    if set(counted := _counted(table, columns, rows)) - {"-", VARIES}:
        lines.append(_line(COUNTED, counted))
    if any(column.measure in table.chance for column in columns):
        lines.append(_line(CHANCE, [shown(table.chance.get(column.measure), column) for column in columns]))
    errors = [table.probe_error.get(column.measure) for column in columns]
    if any(error is not None for error in errors):
        lines.append(_line(PROBE_ERROR, ["-" if error is None else f"{100 * error:.1f} %" for error in errors]))
    return lines


def _counted(table: Table, columns: Sequence[Column], rows: Sequence[str]) -> list[str]:
    """How much was counted, and in how many stories, where that is the same for all rows that have a figure."""
    cells = []
    for column in columns:
        figures = [figure for name in rows if (figure := table.cells[name].get(column.measure)) is not None]
        counted = [f"{asked:,.0f} ({stories})" for asked, stories in {(each.asked, each.stories) for each in figures}]
        cells.append(VARIES if len(counted) > 1 else counted[0] if counted else "-")
    return cells


def _critic(table: Table) -> list[str]:
    lines = ["| row | fault | takes | faulty | alarms | precision | recall | agreement |", "|---" * 8 + "|"]
    for name in table.rows:
        for symptom, says in FAULTS.items():
            cells = {
                what: table.cells[name].get(f"{symptom}: {what}")
                for what in ("faults", "alarms", "precision", "recall", "agreement")
            }
            if cells["faults"] is not None:
                asked = f"{cells['faults'].asked:.0f}"
                lines.append(_line(name, [says, asked, *(shown(each, Column("", "")) for each in cells.values())]))
    return lines


def _compared(table: Table) -> list[str]:
    columns = [column for column in (*MEMORY_COLUMNS, *OTHER_COLUMNS) if column.measure != "swapped"]
    lines = [_line("row", [column.title for column in columns]), "|---" * (len(columns) + 1) + "|"]
    for name, cells in table.differences.items():
        lines.append(_line(name, [shown(cells.get(column.measure), column) for column in columns]))
    return lines


def _line(first: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join((first, *cells)) + " |"
