"""Symptoms to levers: what a retake changes, one thing at a time, always against the baseline of its shot.

`REPAIRS` is the whole policy; the rest of the file finds the first lever of it that would change something. Pure
functions: knows neither scorers, frames nor graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import LinkKind
from filmagent.schemas.take import Lever, LeverKind, Symptom

REPAIRS: Mapping[Symptom, tuple[LeverKind, ...]] = {
    "blank": ("new_seed", "less_memory"),
    "frozen": ("new_seed", "less_memory", "other_link"),
    "flicker": ("new_seed",),
    "low_quality": ("new_seed",),
    "wrong_subject": ("rewrite_attributes", "add_reference", "more_memory", "new_seed"),
    "identity_drift": ("rewrite_attributes", "more_memory", "add_reference", "new_seed"),
    "off_caption": ("rewrite_attributes", "new_seed", "less_memory"),
    "seam_jump": ("other_link", "new_seed"),
}
"""Symptom -> levers, in the order they are tried."""

SEVERITY: Mapping[Symptom, float] = {
    "blank": 8, "wrong_subject": 6, "frozen": 5, "identity_drift": 5, "seam_jump": 4, "off_caption": 4, "flicker": 3,
    "low_quality": 2,
}
"""How much a symptom spoils a film. The worst is repaired first; the lightest sum of them is the best attempt."""

OTHER_JOIN: Mapping[LinkKind, LinkKind] = {"MI2V": "MM2V", "MM2V": "MI2V"}
"""A join is repaired by the other join, one frame handed over or five; never by a cut, which is another film."""


@dataclass(frozen=True)
class Situation:
    """What a lever could change about a shot."""

    plan: ShotPlan
    links: frozenset[LinkKind]
    """What the generator can do."""
    memory_shown: int
    """Memory frames that the take under review was given."""
    attributes: str = ""
    """Appearances that the prompt does not say yet, as sentences; empty when there is nothing to add."""
    unseen_in_photographs: tuple[str, ...] = ()
    """Subjects with a reference photograph, none of whom was among the memory frames."""
    unseen_in_film: tuple[str, ...] = ()
    """Subjects with a keyframe but no photograph, none of whom was among the memory frames."""


def choose_lever(
    symptoms: Sequence[Symptom], tried: Sequence[Lever], attempts: int, situation: Situation
) -> Lever | None:
    """Choose what the next attempt at a shot changes against the shot's baseline.

    The levers of the worst symptom come first, then those of the others. A lever that was tried, or that would change
    nothing, is passed over; when none is left, a new seed is drawn again. No two levers of a shot are equal.

    Args:
        symptoms: of the take under review.
        tried: levers that earlier retakes of this shot were made with.
        attempts: attempts made so far, the one under review included; at least 1.
        situation: what could be changed.

    Returns:
        The lever, or None when there are no symptoms.
    """
    if not symptoms:
        return None
    for symptom in sorted(dict.fromkeys(symptoms), key=lambda name: -SEVERITY[name]):
        for kind in REPAIRS[symptom]:
            lever = _MAKERS[kind](symptom, tried, attempts, situation)
            if lever is not None:
                return lever
    return _lever("new_seed", symptoms[0], "every other lever was tried", seed_offset=attempts)


def _new_seed(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Draw other noise. The number of attempts is an offset that no earlier attempt had."""
    if _was_tried("new_seed", tried):
        return None
    return _lever("new_seed", symptom, "other noise", seed_offset=attempts)


def _less_memory(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Show half as many memory frames: too many pictures of the past hold the present still."""
    # After more memory, half of it may be the baseline again; so the two exclude each other.
    if situation.memory_shown == 0 or _was_tried("less_memory", tried) or _was_tried("more_memory", tried):
        return None
    limit = situation.memory_shown // 2
    return _lever("less_memory", symptom, f"{limit} memory frames instead of {situation.memory_shown}",
                  memory_limit=limit)


def _more_memory(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Show a keyframe of a subject that memory knows and that the take was not shown."""
    if _was_tried("less_memory", tried):
        return None
    waiting = _untried_subjects("more_memory", situation.unseen_in_film, tried)
    if not waiting:
        return None
    return _lever("more_memory", symptom, f"a keyframe of {waiting[0]} among the memory frames", subject=waiting[0])


def _add_reference(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Show the reference photograph of a subject that the take was not shown."""
    waiting = _untried_subjects("add_reference", situation.unseen_in_photographs, tried)
    if not waiting:
        return None
    return _lever("add_reference", symptom, f"the photograph of {waiting[0]} among the memory frames",
                  subject=waiting[0])


def _other_link(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Hand over five frames instead of one, or one instead of five; a link that a person fixed stays."""
    planned = situation.plan.link.kind
    other = OTHER_JOIN.get(planned)
    fixed = situation.plan.decided_by in {"script", "person"}
    if other is None or other not in situation.links or fixed or _was_tried("other_link", tried):
        return None
    return _lever("other_link", symptom, f"{other} instead of {planned}", link=other)


def _rewrite_attributes(symptom: Symptom, tried: Sequence[Lever], attempts: int, situation: Situation) -> Lever | None:
    """Spell out behind the caption what the subjects look like."""
    if not situation.attributes or _was_tried("rewrite_attributes", tried):
        return None
    return _lever("rewrite_attributes", symptom, "appearances spelled out", prompt_suffix=situation.attributes)


_Maker = Callable[[Symptom, Sequence[Lever], int, Situation], Lever | None]
_MAKERS: Mapping[LeverKind, _Maker] = {
    "new_seed": _new_seed, "less_memory": _less_memory, "more_memory": _more_memory, "add_reference": _add_reference,
    "other_link": _other_link, "rewrite_attributes": _rewrite_attributes,
}


def _lever(
    kind: LeverKind, symptom: Symptom, change: str, *, seed_offset: int = 0, memory_limit: int | None = None,
    link: LinkKind | None = None, prompt_suffix: str = "", subject: str | None = None,
) -> Lever:
    """Name a lever with its reason: the symptom, and what changes."""
    return Lever(kind=kind, reason=f"{symptom.replace('_', ' ')}: {change}", seed_offset=seed_offset,
                 memory_limit=memory_limit, link=link, prompt_suffix=prompt_suffix, subject=subject)


def _was_tried(kind: LeverKind, tried: Sequence[Lever]) -> bool:
    """Return whether a lever of this kind was tried at this shot."""
    return any(lever.kind == kind for lever in tried)


def _untried_subjects(kind: LeverKind, subjects: Sequence[str], tried: Sequence[Lever]) -> list[str]:
    """Return the subjects for whom this kind was not tried yet."""
    return [subject for subject in subjects if not any(lever.kind == kind and lever.subject == subject
                                                       for lever in tried)]
