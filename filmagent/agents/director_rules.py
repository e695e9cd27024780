"""The director without a language model: film grammar as a table of rules, one reason for every decision.

Pure functions of the story and of what the generator can do. Knows nothing of language models, takes or memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from filmagent.agents.motion import camera_moves, is_fast
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, LinkKind, Shot, Story
from filmagent.schemas.story_files import CUT_FALSE_REASON

_CLOSENESS = {"wide": 0, "medium": 1, "close": 2}
_NEAREST: Mapping[LinkKind, tuple[LinkKind, ...]] = {
    "scene_cut": ("scene_cut",), "MI2V": ("MI2V", "MM2V", "scene_cut"), "MM2V": ("MM2V", "MI2V", "scene_cut")}


def plan_by_rules(story: Story, links: frozenset[LinkKind]) -> Plan:
    """Decide every shot by the rules; links that a script or a person fixed stay."""
    return Plan(shots=tuple(decide(story, index, links) for index in range(len(story.shots))))


def decide(story: Story, index: int, links: frozenset[LinkKind]) -> ShotPlan:
    """Decide one shot: the fixed link if there is one, else what the rules say, within what the generator can do."""
    shot = story.shots[index]
    link, by_script = fixed_link(shot) or choose_link(story, index), shot.link is not None
    possible = nearest_link(link, links)
    notes = () if possible.kind == link.kind else (
        f"{shot.id} is joined by {possible.kind}: the generator cannot do {link.kind}",)
    return ShotPlan(shot=shot.id, link=possible, remember=to_remember(story, shot),
                    decided_by="script" if by_script else "rules", notes=notes)


def fixed_link(shot: Shot) -> Link | None:
    """Return the link that a script or a person fixed; of a mere `cut: false` the exact join is chosen by motion."""
    if shot.link is None or shot.link.reason != CUT_FALSE_REASON:
        return shot.link
    kind, why = join_kind(shot)
    return Link(kind=kind, reason=f"{CUT_FALSE_REASON}; {why}")


def choose_link(story: Story, index: int) -> Link:
    """Return what film grammar says of a shot that nobody fixed. The first rule that holds decides."""
    shot = story.shots[index]
    if index == 0:
        return Link(kind="scene_cut", reason="the film opens")
    before = story.shots[index - 1]
    reason = _why_cut(story, before, shot)
    if reason:
        return Link(kind="scene_cut", reason=reason)
    kind, why = join_kind(shot, before)
    return Link(kind=kind, reason=f"{_what_goes_on(story, shot)}; {why}")


def join_kind(shot: Shot, before: Shot | None = None) -> tuple[LinkKind, str]:
    """Return which join carries a shot's motion on, and why: five frames know motion, one frame only a pose."""
    if is_fast(shot) or (before is not None and is_fast(before)):
        return "MM2V", "fast motion needs several frames to go on"
    if camera_moves(shot):
        return "MM2V", "a moving camera needs several frames to go on"
    return "MI2V", "the motion is calm, so the last frame is enough"


def nearest_link(link: Link, links: frozenset[LinkKind]) -> Link:
    """Return the link itself, or the nearest one that the generator can do, and say so in the reason."""
    kind = next((kind for kind in _NEAREST[link.kind] if kind in links), "scene_cut")
    if kind == link.kind:
        return link
    return Link(kind=kind, reason=f"{link.reason}; {kind} because the generator cannot do {link.kind}")


def to_remember(story: Story, shot: Shot) -> tuple[str, ...]:
    """Return the ids that memory should show for a shot: everybody in frame, then the place."""
    place = story.place_of(shot)
    return shot.subjects if place is None else (*shot.subjects, place.id)


def _why_cut(story: Story, before: Shot, shot: Shot) -> str:
    """Return the first reason for a cut, or nothing when the shot goes on where the one before ends."""
    if shot.scene != before.scene:
        return "a new scene begins"
    if story.place_of(shot) != story.place_of(before):
        place = story.place_of(shot)
        return f"the place changes to {place.name}" if place is not None else "the place changes"
    entering = [story.subject(key).name for key in shot.subjects if key not in before.subjects]
    if entering:
        return f"{' and '.join(entering)} enters the frame"
    leaving = [story.subject(key).name for key in before.subjects if key not in shot.subjects]
    if leaving:
        return f"{' and '.join(leaving)} is no longer in frame"
    step = _CLOSENESS[shot.shot_size] - _CLOSENESS[before.shot_size]
    if step and not (step == 1 and shot.camera == "push_in"):
        return f"the shot size changes from {before.shot_size} to {shot.shot_size}"
    return ""


def _what_goes_on(story: Story, shot: Shot) -> str:
    names = " and ".join(story.subject(key).name for key in shot.subjects)
    return f"{names or 'the view'} {'go' if len(shot.subjects) > 1 else 'goes'} on in the same place"
