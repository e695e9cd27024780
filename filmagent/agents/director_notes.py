"""A person's notes on a plan, as far as rules can read them: "shot 3: cut; shots 4-5: join".

Reads every word or refuses: a note is never silently ignored. Knows plans; nothing of language models.
"""

from __future__ import annotations

import re

from filmagent.agents.director_rules import join_kind
from filmagent.errors import AnswerError
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, LinkKind, Story

_CLAUSE = re.compile(
    r"(?:shots?\s+)?(?P<first>\d+|[a-z][\w-]*)(?:\s*(?:-|–|to)\s*(?P<last>\d+))?"
    r"\s*(?::|=|->|→|should be|is|as|by)?\s*(?:an? )?(?P<link>scene_cut|cut|join|continue|mi2v|mm2v)",
    re.IGNORECASE,
)
_TURNED = re.compile(
    r"(?P<link>scene_cut|cut|join|continue|mi2v|mm2v)\s+(?:at|on|to|for|before)?\s*(?:shots?\s+)?(?P<first>\d+|[a-z][\w-]*)"
    r"(?:\s*(?:-|–|to)\s*(?P<last>\d+))?",
    re.IGNORECASE,
)
_HOW = ('write such as "shot 3: cut; shots 4-5: join", with cut, join, MI2V or MM2V, or answer with an edited plan '
        "(action edit)")


def apply_notes(plan: Plan, notes: str, story: Story, links: frozenset[LinkKind], *, read_all: bool) -> Plan:
    """Return the plan with every link that the notes name, decided by a person.

    Args:
        plan: what the notes change.
        notes: what a person wrote.
        story: what is directed.
        links: what the generator can do.
        read_all: whether a clause that cannot be read is an error; False when somebody else reads the notes too.

    Raises:
        AnswerError: a clause cannot be read, names no shot of the film, or asks for a link that cannot be.
    """
    wanted: dict[str, str] = {}
    for clause in re.split(r"[;,\n]|\.(?=\s|$)|\band\b", notes):
        match = _CLAUSE.fullmatch(clause.strip()) or _TURNED.fullmatch(clause.strip())
        if match is not None:
            wanted.update(_named_shots(match, story))
        elif read_all and clause.strip():
            raise AnswerError(f"the rules do not understand the note {clause.strip()!r}: {_HOW}")
    decisions = [_changed(decision, wanted[decision.shot], story, links) if decision.shot in wanted else decision
                 for decision in plan.shots]
    return Plan(shots=tuple(decisions))


def _named_shots(match: re.Match[str], story: Story) -> dict[str, str]:
    """Return id of the shot -> wanted link, for one clause."""
    first, last = match["first"], match["last"]
    keys = [shot.id for shot in story.shots]
    if last is None and first.lower() in keys:
        return {first.lower(): match["link"].lower()}
    numbers = [int(text) for text in (first, last or first) if text.isdigit()]
    if len(numbers) < 2 or not 1 <= numbers[0] <= numbers[1] <= len(keys):
        raise AnswerError(f"the note {match.group()!r} names no shots of this film: it has shots 1 to {len(keys)}, "
                          f"{keys[0]} to {keys[-1]}")
    return {key: match["link"].lower() for key in keys[numbers[0] - 1:numbers[1]]}


def _changed(decision: ShotPlan, wanted: str, story: Story, links: frozenset[LinkKind]) -> ShotPlan:
    index = [shot.id for shot in story.shots].index(decision.shot)
    kind: LinkKind
    if wanted in ("cut", "scene_cut"):
        kind = "scene_cut"
    elif wanted in ("join", "continue"):
        kind = join_kind(story.shots[index], story.shots[index - 1])[0]
        kind = kind if kind in links else "MI2V" if "MI2V" in links else "MM2V"
    else:
        kind = "MI2V" if wanted == "mi2v" else "MM2V"
    if index == 0 and kind != "scene_cut":
        raise AnswerError(f"{decision.shot} opens the film and has nothing to join: its link must be scene_cut")
    if kind not in links:
        raise AnswerError(f"{decision.shot} cannot be joined by {kind}: the generator can {', '.join(sorted(links))}")
    link = Link(kind=kind, reason="a person asked for it in the notes")
    return decision.model_copy(update={"link": link, "decided_by": "person", "notes": ()})
