"""Which shots a change makes stale: exactly those whose takes hold a picture of a changed take.

Reads the accepted takes of a run; knows nothing of how a take is made or made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from filmagent.graphs.state import FilmState
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.story import Model, Story
from filmagent.schemas.take import Take


class Stale(Model):
    """A shot that must be made again, and why."""

    shot: str
    reason: str


def stale_in_run(state: FilmState, store: TakeStore, changed: Sequence[str]) -> tuple[Stale, ...]:
    """Return the changed shots of a run and every shot that rests on them, in the order of the film.

    Raises:
        ArtifactError: an accepted take is missing or altered.
    """
    order = [shot.id for shot in Story.model_validate(state["story"]).shots]
    takes = {shot: store.get(entry["take"]) for shot, entry in state.get("accepted", {}).items()}
    return stale_shots(order, takes, changed)


def stale_shots(order: Sequence[str], takes: Mapping[str, Take], changed: Sequence[str]) -> tuple[Stale, ...]:
    """Return the changed shots and every shot that rests on them, in the order of the film.

    A take rests on another shot when its seam comes from that shot's take, or when a memory frame does.

    Args:
        order: ids of all shots, in the order of the film.
        takes: shot id -> its accepted take.
        changed: ids of the shots that a person wants made again.
    """
    found: dict[str, Stale] = {}
    by_key = {take.key: shot for shot, take in takes.items()}
    for shot in order:
        if shot in changed:
            found[shot] = Stale(shot=shot, reason="asked for")
            continue
        take = takes.get(shot)
        if take is None:
            continue
        seam_from = by_key.get(take.seam_take or "")
        if seam_from in found:
            found[shot] = Stale(shot=shot, reason=f"its first frames continue {seam_from}")
            continue
        remembered = [use.shot for use in take.memory if use.shot in found]
        if remembered:
            names = ", ".join(dict.fromkeys(str(name) for name in remembered))
            found[shot] = Stale(shot=shot, reason=f"it was shown memory frames of {names}")
    return tuple(found[shot] for shot in order if shot in found)
