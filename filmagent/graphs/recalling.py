"""What a take remembers: the policy's choice, what a lever insists on, and when everything was filmed.

Pure functions over recalls, orders and takes; knows neither files nor models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from filmagent.generation.memory.port import BankView, Keyframe, MemoryPolicy, Recall
from filmagent.generation.memory.registry import only_offers
from filmagent.generation.port import Candidate, Capabilities, IdentityPrompt, Recollection
from filmagent.graphs.orders import ShotOrder
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import SEAM_FRAMES, Story
from filmagent.schemas.take import MemoryUse, Take


def with_memory(
    order: ShotOrder, policy: MemoryPolicy, view: BankView, story: Story, plan: ShotPlan, capabilities: Capabilities,
    earlier: Sequence[Take],
) -> ShotOrder:
    """Return the order with its memory.

    Args:
        order: decided but for its memory.
        policy: who chooses, or offers, keyframes.
        view: the bank before the shot.
        story: the whole story.
        plan: the shot's.
        capabilities: the generator's.
        earlier: accepted takes of all shots before, in the order of the film; only read for a generator that chooses.
    """
    chooses = capabilities.memory_candidates > 0
    limit = order.memory_limit
    if limit and only_offers(policy.name):
        limit = capabilities.memory_candidates
    recalls = _with_subject(policy.recall(view, story, plan, limit), view, order.must_show, limit, pin=chooses)
    starts = film_starts(earlier)
    uses = tuple(_use(entry, starts if chooses else {}) for entry in recalls)
    start = sum(take.frames for take in earlier) - SEAM_FRAMES[order.link]
    return order.model_copy(update={"memory": uses, "film_start": start if chooses else 0})


def film_starts(takes: Sequence[Take]) -> dict[str, int]:
    """Return shot id -> place of its first frame in the film, in frames."""
    starts, now = {}, 0
    for take in takes:
        starts[take.shot] = now
        now += take.frames
    return starts


def recollection_of(
    order: ShotOrder, capabilities: Capabilities, identity: IdentityPrompt | None
) -> Recollection | None:
    """Return what a generator that chooses its memory is told; None for others, and when there is no memory."""
    if not capabilities.memory_candidates or not order.memory:
        return None
    candidates = tuple(Candidate(use.film_frame, use.offered_to, use.pinned) for use in order.memory)
    return Recollection(candidates, start=order.film_start, show=min(order.memory_limit, capabilities.max_memory),
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


def _with_subject(
    recalls: tuple[Recall, ...], view: BankView, wanted: str | None, limit: int, *, pin: bool
) -> tuple[Recall, ...]:
    """Put the surest picture of the subject that a lever names among the memory frames, if it is not there.

    A generator that chooses by itself may pass over what is only offered; so there it is pinned, there or not.
    """
    if wanted is None or limit == 0 or (not pin and any(wanted in entry.keyframe.subjects for entry in recalls)):
        return recalls
    showing: list[Keyframe] = [keyframe for keyframe in view.keyframes if wanted in keyframe.subjects]
    if not showing:
        return recalls
    surest = max(showing, key=lambda keyframe: keyframe.subjects[wanted])
    reason = f"the critic asked for {wanted}"
    if any(entry.keyframe == surest for entry in recalls):
        return tuple(replace(entry, reason=reason, experts=(), pinned=True) if entry.keyframe == surest else entry
                     for entry in recalls)
    return (*(recalls[-(limit - 1) :] if limit > 1 else ()), Recall(surest, reason, pinned=pin))
