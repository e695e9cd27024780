"""What is known between two steps: small plain JSON, never frames, clients or keys.

Node names and these keys are a storage format: runs on disk hold them. Knows nothing of nodes.
"""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

Json = dict[str, Any]


def merge_reviews(old: dict[str, list[Json]], new: dict[str, list[Json] | None]) -> dict[str, list[Json]]:
    """Append a shot's new attempts to its old ones; None forgets the shot."""
    merged = dict(old)
    for shot, attempts in new.items():
        if attempts is None:
            merged.pop(shot, None)
        else:
            merged[shot] = [*merged.get(shot, []), *attempts]
    return merged


def merge_accepted(old: dict[str, Json], new: dict[str, Json | None]) -> dict[str, Json]:
    """Set a shot's accepted take; None opens the shot again."""
    merged = {**old, **new}
    return {shot: entry for shot, entry in merged.items() if entry is not None}


class FilmInput(TypedDict, total=False):
    """What starts a film, or opens shots of a finished one."""

    logline: str
    story: Json | None
    """A given story (`Story` as JSON), respected exactly; None or absent: the writer writes."""
    redo: Json | None
    """`{"shots": [ids], "reason": text}`: open these shots of a finished film again."""


class FilmOutput(TypedDict, total=False):
    """What a host reads at the end."""

    film: Json
    """`Film` as JSON."""
    status: str


class FilmState(FilmInput, FilmOutput, total=False):
    """Everything a run knows. Values are JSON."""

    story_from: Literal["file", "llm", "offline", "person"]
    notes: str
    """What a person asked to change at the last gate."""
    answer: Literal["approve", "reject", "edit"]
    """The answer at the last gate."""
    plan: Json
    references: list[str]
    """Memory records of the reference photographs."""
    shot: str
    """Id of the shot in work; empty: none is left."""
    order: Json
    """What the next take is made with (`ShotOrder` as JSON)."""
    lever: Json | None
    """What the next take changes against the baseline."""
    candidate: str
    """Key of the take under review."""
    seeds: Annotated[dict[str, int], operator.or_]
    """Baseline seeds that a person or a redo set."""
    reviews: Annotated[dict[str, Any], merge_reviews]
    """Shot id -> reviews of its attempts, in order."""
    accepted: Annotated[dict[str, Any], merge_accepted]
    """Shot id -> {"take", "memory", "outcome", "by"}."""
    decisions: Annotated[list[str], operator.add]
    """Every fallback and decision worth a line in the manifest."""
