"""What a take writes down of its memory frames, and what a generator that chooses among them is told.

Pure functions over recalls and what takes remember; knows neither files nor models, and no graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from filmagent.generation.memory.port import Recall
from filmagent.generation.port import Candidate, Capabilities, IdentityPrompt, Recollection
from filmagent.schemas.take import MemoryUse


def film_starts(lengths: Mapping[str, int]) -> dict[str, int]:
    """Return shot id -> place of its first frame in the film, in frames; `lengths` are those of the takes, in order."""
    starts, now = {}, 0
    for shot, frames in lengths.items():
        starts[shot] = now
        now += frames
    return starts


def memory_uses(recalls: Sequence[Recall], starts: Mapping[str, int]) -> tuple[MemoryUse, ...]:
    """Return recalls as a take writes them down; `starts` from `film_starts`, empty where time does not matter."""
    return tuple(_use(entry, starts) for entry in recalls)


def recollection_of(
    memory: Sequence[MemoryUse], capabilities: Capabilities, *, start: int, limit: int, identity: IdentityPrompt | None
) -> Recollection | None:
    """Return what a generator that chooses its memory is told; None for others, and when there is no memory.

    Args:
        memory: what it is offered.
        capabilities: the generator's.
        start: place in the film of the first generated frame, in frames.
        limit: at most so many frames are shown, and no more than the generator was trained for.
        identity: whose picture is drawn from memory beside the shot; None: nobody's.
    """
    if not capabilities.memory_candidates or not memory:
        return None
    candidates = tuple(Candidate(use.film_frame, use.offered_to, use.pinned) for use in memory)
    return Recollection(candidates, start=start, show=min(limit, capabilities.max_memory),
                        identity="" if identity is None else identity.text)


def with_choice(memory: Sequence[MemoryUse], chosen: Mapping[str, tuple[int, ...]]) -> tuple[MemoryUse, ...]:
    """Write down by whom each memory frame was chosen; `chosen` holds indices into `memory`."""
    return tuple(
        use.model_copy(update={"chosen_by": tuple(expert for expert, frames in chosen.items() if index in frames)})
        for index, use in enumerate(memory)
    )


def _use(entry: Recall, starts: Mapping[str, int]) -> MemoryUse:
    keyframe = entry.keyframe
    start = None if keyframe.shot is None else starts.get(keyframe.shot)
    return MemoryUse(
        sha256=keyframe.sha256,
        path=keyframe.path,
        shot=keyframe.shot,
        subjects=tuple(keyframe.subjects),
        place=keyframe.place,
        reason=entry.reason,
        film_frame=None if start is None else start + keyframe.frame,
        offered_to=entry.experts,
        pinned=entry.pinned,
    )
