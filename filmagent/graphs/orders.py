"""What one take is made with: baseline of the shot, changed by at most one lever.

Pure functions over story, plan and state; knows neither files nor models. A retake always starts from the
baseline, never from the failed attempt.
"""

from __future__ import annotations

from filmagent.generation.memory.policies import NoMemory
from filmagent.generation.port import Capabilities
from filmagent.graphs.state import FilmState
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import LinkKind, Model, Shot, Story
from filmagent.schemas.take import Lever, MemoryUse
from filmagent.settings import Settings

SEED_STRIDE = 1000
"""Baseline seeds of neighbouring shots lie this far apart, so that retakes of one never meet another's."""
LARGEST_MEMORY = 10
"""StoryMem was trained with at most ten memory frames (its issue 12)."""


class ShotOrder(Model):
    """One take, decided down to the seed."""

    shot: str
    attempt: int
    link: LinkKind
    seed: int
    frames: int
    memory_limit: int
    suffix: str = ""
    """Words put behind the caption."""
    must_show: str | None = None
    """Id of a subject whose picture must be among the memory frames."""
    memory: tuple[MemoryUse, ...] = ()
    """Filled by recall."""
    film_start: int = 0
    """Place in the film of the first generated frame, for generators that choose their memory by time. By recall."""


def baseline_seed(state: FilmState, settings: Settings, story: Story, shot: Shot) -> int:
    """Return a shot's own seed: one set by a person or a redo, else derived from the film's seed."""
    given = state.get("seeds", {}).get(shot.id)
    if given is not None:
        return given
    return (settings.seed + SEED_STRIDE * [s.id for s in story.shots].index(shot.id)) % 2**31


def frames_for(shot: Shot, capabilities: Capabilities) -> int:
    """Return how many frames to generate for a shot's duration: of the form 4 n + 1, within the generator's range."""
    if shot.duration is None or capabilities.max_frames <= capabilities.frames:
        return capabilities.frames
    wanted = round((shot.duration * capabilities.fps - 1) / 4) * 4 + 1
    return max(5, min(wanted, capabilities.max_frames))


def memory_limit(settings: Settings, capabilities: Capabilities, link: LinkKind = "scene_cut") -> int:
    """Return how many memory frames a take may be shown before any lever; 0: it has no memory."""
    if settings.memory == NoMemory().name:
        return 0
    asked = LARGEST_MEMORY if settings.memory_frames is None else settings.memory_frames
    return min(asked, _most_memory(capabilities, link))


def _most_memory(capabilities: Capabilities, link: LinkKind) -> int:
    return capabilities.max_memory if capabilities.remembers_at(link) else 0


def order_shot(state: FilmState, settings: Settings, capabilities: Capabilities) -> ShotOrder:
    """Return the order for the next take of the shot in work: its baseline, changed by the lever in the state."""
    story, plan = Story.model_validate(state["story"]), Plan.model_validate(state["plan"])
    shot = story.shot(state["shot"])
    lever = Lever.model_validate(state["lever"]) if state.get("lever") else None
    planned = plan.for_shot(shot.id).link.kind
    link = planned if lever is None else lever.link or planned
    limit = memory_limit(settings, capabilities, link)
    order = ShotOrder(
        shot=shot.id,
        attempt=len(state.get("reviews", {}).get(shot.id, [])) + 1,
        link=link,
        seed=baseline_seed(state, settings, story, shot),
        frames=frames_for(shot, capabilities),
        memory_limit=limit,
    )
    if lever is None:
        return order
    if lever.memory_limit is not None:
        limit = min(lever.memory_limit, _most_memory(capabilities, link))
    return order.model_copy(
        update={
            "seed": (order.seed + lever.seed_offset) % 2**31,
            "memory_limit": limit,
            "suffix": lever.prompt_suffix,
            "must_show": lever.subject,
        }
    )


def shot_as_ordered(shot: Shot, order: ShotOrder) -> Shot:
    """Return the shot with the order's words behind its caption."""
    if not order.suffix:
        return shot
    return shot.model_copy(update={"caption": f"{shot.caption.rstrip()} {order.suffix}"})
