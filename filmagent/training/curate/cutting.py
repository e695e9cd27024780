"""From cuts and flaws to the parts of a film that are kept, and from parts to sequences. Pure: knows no files.

Times are counted in frames of the film's own rate. Everything that is not kept is a drop with its reason.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from filmagent.schemas.story import Model
from filmagent.training.curate.settings import CurateSettings

GUARD = 1
"""Frames left out on both sides of a cut: codecs and blends let a neighbour shine through."""
LONGEST_GAP = 15.0
"""Seconds of dropped film after which a new sequence begins."""

DropKind = Literal["black", "static", "short", "text", "alone", "caption", "subjects", "damaged"]
Flaw = Literal["black", "static"]


class Part(Model):
    """A stretch of one shot without flaws."""

    number: int = Field(ge=1)
    """Counted over the film."""
    start: int = Field(ge=0)
    """First frame."""
    frames: int = Field(ge=1)
    cut: bool
    """Whether a cut or something dropped precedes it; False: it goes on from the part before, frame by frame."""

    @property
    def end(self) -> int:
        """First frame behind it."""
        return self.start + self.frames


class Drop(Model):
    """A stretch of film that is not used."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    """Seconds into the film."""
    kind: DropKind
    reason: str


def divide(
    cuts: Sequence[int], frames: int, flaws: Sequence[tuple[int, int, Flaw]], fps: int, settings: CurateSettings
) -> tuple[tuple[Part, ...], tuple[Drop, ...]]:
    """Return the parts that are kept and what is dropped, both in the order of the film.

    Args:
        cuts: first frames of the shots behind the first one, in order.
        frames: of the whole film.
        flaws: black and static stretches (first frame, first frame behind, kind), in order, not overlapping.
        fps: frames a second.
        settings: how long a part must and may be.
    """
    parts: list[Part] = []
    drops = [Drop(start=start / fps, end=end / fps, kind=kind, reason=_FLAWS[kind]) for start, end, kind in flaws]
    edges = [0, *cuts, frames]
    for start, end in itertools.pairwise(edges):
        inside = (start + (GUARD if start else 0), end - (GUARD if end < frames else 0))
        for first, last in _without(inside, flaws):
            length = (last - first) / fps
            if length < settings.shortest:
                drops.append(Drop(start=first / fps, end=max(first, last) / fps, kind="short",
                                  reason=f"{length:.1f} s, shorter than {settings.shortest:g} s"))
                continue
            pieces = math.ceil(length / settings.longest)
            marks = [first + round((last - first) * piece / pieces) for piece in range(pieces + 1)]
            for begin, stop in itertools.pairwise(marks):
                parts.append(Part(number=len(parts) + 1, start=begin, frames=stop - begin, cut=begin == first))
    return tuple(parts), tuple(sorted(drops, key=lambda drop: drop.start))


def group(
    parts: Sequence[Part], fps: int, settings: CurateSettings
) -> tuple[tuple[tuple[Part, ...], ...], tuple[Drop, ...]]:
    """Return sequences of 2 to `settings.shots` neighbouring parts, of even lengths, and the parts that stay alone.

    A part whose forerunner is gone begins with a cut.
    """
    sequences: list[tuple[Part, ...]] = []
    drops: list[Drop] = []
    for run in _runs(parts, fps):
        pieces = math.ceil(len(run) / settings.shots)
        marks = [round(len(run) * piece / pieces) for piece in range(pieces + 1)]
        for begin, stop in itertools.pairwise(marks):
            if stop - begin < 2:
                drops.append(drop_part(run[begin], fps, "alone", "no neighbouring shot to be remembered with"))
            else:
                sequences.append(join(run[begin:stop]))
    return tuple(sequences), tuple(drops)


def join(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts with a cut wherever the part before is not the one that was filmed just before."""
    befores: list[Part | None] = [None, *parts[:-1]]
    return tuple(part.model_copy(update={"cut": part.cut or before is None or before.end != part.start})
                 for before, part in zip(befores, parts, strict=True))


def drop_part(part: Part, fps: int, kind: DropKind, reason: str) -> Drop:
    """Return a part as something that is not used."""
    return Drop(start=part.start / fps, end=part.end / fps, kind=kind, reason=reason)


_FLAWS: dict[Flaw, str] = {"black": "black picture", "static": "nothing moves"}


def _without(inside: tuple[int, int], flaws: Sequence[tuple[int, int, Flaw]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of a stretch without the flaws."""
    first, last = inside
    for start, end, _ in flaws:
        if end <= first or start >= last:
            continue
        if start > first:
            yield first, start
        first = end
    if first < last:
        yield first, last


def _runs(parts: Sequence[Part], fps: int) -> list[list[Part]]:
    runs: list[list[Part]] = []
    for part in parts:
        if runs and part.start - runs[-1][-1].end <= LONGEST_GAP * fps:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs
