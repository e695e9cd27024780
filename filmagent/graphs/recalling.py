"""What a take remembers: the policy's choice, what a lever insists on, and where the shot begins.

Pure functions over recalls, orders and takes; knows neither files nor models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from filmagent.generation.memory.port import BankView, Keyframe, MemoryPolicy, Recall
from filmagent.generation.memory.registry import only_offers
from filmagent.generation.memory.uses import film_starts, memory_uses
from filmagent.generation.port import Capabilities
from filmagent.graphs.orders import ShotOrder
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import SEAM_FRAMES, Story
from filmagent.schemas.take import Take


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
    uses = memory_uses(recalls, film_starts({take.shot: take.frames for take in earlier}) if chooses else {})
    start = sum(take.frames for take in earlier) - SEAM_FRAMES[order.link]
    return order.model_copy(update={"memory": uses, "film_start": start if chooses else 0})


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
