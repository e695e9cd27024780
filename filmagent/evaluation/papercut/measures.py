"""What the records of a film say: tallies of (sum, count) by measure. Knows no rows, no intervals and no pictures.

Identity is asked where only memory can know it: of a figure that was seen before, at a cut, about everything that the
caption leaves out. A figure that is missing has lost all of it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from filmagent.evaluation.papercut.records import ShotRecord
from filmagent.evaluation.papercut.verdicts import faults
from filmagent.generation.papercut.vocabulary import LAYOUTS
from filmagent.training.papercut.probe.questions import IDENTITY, Answer, Reading
from filmagent.training.papercut.world import sample_story

CUT = "scene_cut"
FARTHEST = 8
"""Distances beyond are counted together."""
BEYOND = f"{FARTHEST + 1}+"
DISTANCES = (*map(str, range(1, FARTHEST + 1)), BEYOND)
CAPTION_OF_PICTURE = ("place", "size", "time", "weather")
CHANCE_STORIES = 4000

IN_MEMORY = ("right", "lost before", "nowhere")
"""What memory showed of an attribute: a shot that had it right, only shots that had lost it, or none of the figure."""

Tally = tuple[float, float]
"""Sum and count."""


@dataclass(frozen=True)
class Slot:
    """One attribute of one figure that only memory can know."""

    kind: str
    question: str
    truth: Answer
    since: int


class Tallies:
    """Sums and counts by the name of a measure."""

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(self, name: str, value: float, count: float = 1.0) -> None:
        """Count one measurement, or a sum of several."""
        entry = self._sums[name]
        entry[0] += value
        entry[1] += count

    def merge(self, other: Tallies) -> None:
        """Count everything that another one counted."""
        for name in other.names():
            self.add(name, *other[name])

    def names(self) -> list[str]:
        """What was counted."""
        return list(self._sums)

    def __getitem__(self, name: str) -> Tally:
        total, count = self._sums.get(name, (0.0, 0.0))
        return total, count


def distance(since: int) -> str:
    """The name of a distance in shots."""
    return str(since) if since <= FARTHEST else BEYOND


def slots(record: ShotRecord, *, joined: bool = False) -> Iterator[Slot]:
    """What only memory can know in a shot that begins with a cut; with `joined`, in a shot that does not."""
    if (record.link == CUT) == joined:
        return
    for kind, since in record.since.items():
        if since is not None:
            for question in IDENTITY:
                if question in record.truth.figures[kind]:
                    yield Slot(kind, question, record.truth.figures[kind][question], since)


def measure_film(shots: Sequence[ShotRecord]) -> Tallies:
    """Everything that is measured of one film, whose shots are given in order."""
    tallies, first, places = Tallies(), first_readings(shots), first_places(shots)
    for record in shots:
        _identity(record, first, tallies)
        _place(record, places, tallies)
        _in_memory(record, shots, tallies)
        _company(record, tallies)
        _caption(record, tallies)
        _costs(record, tallies)
        _critic(record, first, tallies)
    return tallies


def first_readings(shots: Sequence[ShotRecord]) -> dict[str, Reading]:
    """By kind, what was read in the first shot with it."""
    first: dict[str, Reading] = {}
    for record in shots:
        for kind, since in record.since.items():
            if since is None:
                first.setdefault(kind, record.reading)
    return first


def first_places(shots: Sequence[ShotRecord]) -> dict[Answer, Reading]:
    """By place, what was read in the first shot of it; a story has one place of a kind."""
    first: dict[Answer, Reading] = {}
    for record in shots:
        if record.place_since is None:
            first.setdefault(record.truth.picture["place"], record.reading)
    return first


def chance_film(shots: Sequence[ShotRecord], shares: Mapping[str, Mapping[Answer, float]]) -> Tallies:
    """The measures of memory as somebody reaches them who draws every unsaid attribute as the world draws it.

    Args:
        shots: of one film, for the questions that were asked.
        shares: see `world_shares`.
    """
    tallies = Tallies()
    for record in shots:
        for slot in slots(record):
            value = shares[slot.question].get(slot.truth, 0.0)
            for name in ("identity", f"identity/{slot.question}", f"identity at {distance(slot.since)}"):
                tallies.add(name, value)
        for own, other in _pairs(record):
            tallies.add("binding", shares[own.question].get(own.truth, 0.0))
            tallies.add("swapped", shares[own.question].get(other, 0.0))
        if record.place_since is not None and record.link == CUT:
            tallies.add("place kept", 1 / len(LAYOUTS))
    return tallies


def world_shares(stories: int = CHANCE_STORIES) -> dict[str, dict[Answer, float]]:
    """By question, how often the world gives each answer; of pattern colours among patterned figures."""
    rng = random.Random("chance")
    counts: dict[str, Counter[Answer]] = {question: Counter() for question in IDENTITY}
    for _ in range(stories):
        for figure in sample_story(rng).figures:
            for question in IDENTITY:
                if question != "pattern_colour" or figure.pattern is not None:
                    counts[question][getattr(figure, question)] += 1
    return {
        question: {answer: number / found.total() for answer, number in found.items()}
        for question, found in counts.items()
    }


def _identity(record: ShotRecord, first: Mapping[str, Reading], tallies: Tallies) -> None:
    for slot in slots(record):
        there = slot.kind in record.reading.kinds
        read = record.reading.figures[slot.kind][slot.question]
        kept = float(_kept(record, slot))
        for name in ("identity", f"identity/{slot.question}", f"identity at {distance(slot.since)}"):
            tallies.add(name, kept)
        if slot.kind in first and slot.kind in first[slot.kind].kinds:
            tallies.add(
                "identity as drawn", float(there and read == first[slot.kind].figures[slot.kind][slot.question])
            )
    for slot in slots(record, joined=True):
        tallies.add("identity at joins", float(_kept(record, slot)))


def _place(record: ShotRecord, first: Mapping[Answer, Reading], tallies: Tallies) -> None:
    """Whether the film is back where it was: no caption says a place's arrangement, so its first picture decides it."""
    place = record.truth.picture["place"]
    if record.place_since is None or record.link != CUT or place not in first:
        return
    there = record.reading.picture["place"] == place
    kept = float(there and record.reading.picture["layout"] == first[place].picture["layout"])
    tallies.add("place kept", kept)
    tallies.add(f"place at {distance(record.place_since)}", kept)


def _in_memory(record: ShotRecord, shots: Sequence[ShotRecord], tallies: Tallies) -> None:
    """What memory showed of what only memory can know, and how much was kept of each: why identity was lost."""
    if not any(each.remembered for each in shots):
        return
    shown = [each for each in shots if each.shot in record.shown]
    for slot in slots(record):
        of_figure = [each for each in shown if slot.kind in each.truth.kinds]
        right = any(_kept(each, slot) for each in of_figure)
        found = IN_MEMORY[0] if right else IN_MEMORY[1] if of_figure else IN_MEMORY[2]
        for name in IN_MEMORY:
            tallies.add(f"in memory: {name}", float(name == found))
        tallies.add(f"kept of {found}", float(_kept(record, slot)))


def _kept(record: ShotRecord, slot: Slot) -> bool:
    """Whether a shot's figure is there and has the attribute."""
    return slot.kind in record.reading.kinds and record.reading.figures[slot.kind][slot.question] == slot.truth


def _pairs(record: ShotRecord) -> Iterator[tuple[Slot, Answer]]:
    """Every attribute that two figures in one picture do not share, with the answer that would be the other's."""
    asked = list(slots(record))
    for one, other in permutations(dict.fromkeys(slot.kind for slot in asked), 2):
        theirs = {slot.question: slot.truth for slot in asked if slot.kind == other}
        for slot in asked:
            if slot.kind == one and slot.question in theirs and theirs[slot.question] != slot.truth:
                yield slot, theirs[slot.question]


def _company(record: ShotRecord, tallies: Tallies) -> None:
    for own, other in _pairs(record):
        there = own.kind in record.reading.kinds
        read = record.reading.figures[own.kind][own.question]
        tallies.add("binding", float(there and read == own.truth))
        tallies.add("swapped", float(there and read == other))


def _caption(record: ShotRecord, tallies: Tallies) -> None:
    truth, read = record.truth, record.reading
    tallies.add("caption: kinds", float(set(truth.kinds) == set(read.kinds)))
    for name in CAPTION_OF_PICTURE:
        tallies.add(f"caption: {name}", float(read.picture[name] == truth.picture[name]))
    if record.moving is None:
        return  # What somebody does cannot be read from a picture that does not move.
    for kind, answers in truth.figures.items():
        done = kind in read.kinds and read.figures[kind]["action"] == answers["action"]
        tallies.add("caption: action", float(done))


def _costs(record: ShotRecord, tallies: Tallies) -> None:
    for name, value in (
        ("dynamic degree", record.moving),
        ("seam error", record.seam),
        ("seconds", record.seconds),
        ("tokens", record.tokens),
    ):
        if value is not None:
            tallies.add(name, value)


def _critic(record: ShotRecord, first: Mapping[str, Reading], tallies: Tallies) -> None:
    for symptom, at_fault in faults(record, first).items():
        alarm = symptom in record.symptoms
        tallies.add(f"{symptom}: agreement", float(alarm == at_fault))
        tallies.add(f"{symptom}: faults", float(at_fault))
        tallies.add(f"{symptom}: alarms", float(alarm))
        if alarm:
            tallies.add(f"{symptom}: precision", float(at_fault))
        if at_fault:
            tallies.add(f"{symptom}: recall", float(alarm))
