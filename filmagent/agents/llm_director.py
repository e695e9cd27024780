"""The director with a language model: ask, check against the rules that always hold, ask again with the reasons.

What a script or a person fixed is not up to the model. Knows the port, the prompts and the rules; no server.
"""

from __future__ import annotations

from filmagent.agents.director_rules import to_remember
from filmagent.agents.drafts import LinkDraft, PlanDraft
from filmagent.agents.llm import LLM, Message
from filmagent.agents.prompts import DIRECTOR, plan_again, plan_order
from filmagent.errors import LLMAnswerError
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Link, LinkKind, Story

ROUNDS = 3
"""Questions to the model for one plan, the first included."""


def direct_with_llm(story: Story, llm: LLM, *, draft: Plan, links: frozenset[LinkKind], notes: str,
                    previous: Plan | None) -> Plan:
    """Decide every shot by a language model.

    Args:
        story: what is directed.
        llm: who decides.
        draft: the plan by the rules; its decisions by script or person are fixed.
        links: what the generator can do.
        notes: what a person wants changed.
        previous: the plan that the notes are about.

    Raises:
        LLMAnswerError: the plan still breaks the rules after the last round.
        LLMError: the model gave nothing usable.
    """
    opening = (Message("system", DIRECTOR), Message("user", plan_order(story, draft, links, notes, previous)))
    conversation: tuple[Message, ...] = opening
    for round_number in range(1, ROUNDS + 1):
        try:
            answer = llm.ask(conversation, PlanDraft)
            said, reasons = answer.model_dump_json(), broken_rules(answer, story, draft, links)
            if not reasons:
                return _plan(answer, story, draft)
        except LLMAnswerError as error:
            if round_number == ROUNDS:
                raise
            said, reasons = "(no usable answer)", [str(error)]
        conversation = (*opening, Message("assistant", said), Message("user", plan_again(reasons)))
    raise LLMAnswerError(f"{llm.describe} gave no plan that can be filmed in {ROUNDS} rounds. What still fails: "
                         + "; ".join(reasons) + ". Choose another model, or direct by the rules (no LLM)")


def broken_rules(answer: PlanDraft, story: Story, draft: Plan, links: frozenset[LinkKind]) -> list[str]:
    """Return which rules of joining an answer breaks, worded for the model; empty when the plan can be filmed."""
    keys = [shot.id for shot in story.shots]
    if [entry.shot for entry in answer.shots] != keys:
        return [f"decide every shot once, in this order: {', '.join(keys)}"]
    reasons = []
    for index, entry in enumerate(answer.shots):
        problem = _problem(entry, index, story, draft.shots[index], links)
        if problem:
            reasons.append(f"{entry.shot}: {problem}")
    return reasons


def _problem(entry: LinkDraft, index: int, story: Story, decision: ShotPlan, links: frozenset[LinkKind]) -> str:
    if decision.decided_by in ("script", "person"):
        return "" if entry.link == decision.link.kind else f"its link is fixed: {decision.link.kind}"
    if entry.link not in links:
        return f"the generator cannot do {entry.link}, only {', '.join(sorted(links))}"
    if not entry.reason.strip():
        return "the reason is missing"
    return "" if entry.link == "scene_cut" else _why_no_join(story, index)


def _why_no_join(story: Story, index: int) -> str:
    if index == 0:
        return "it opens the film, so its link is scene_cut"
    shot, before = story.shots[index], story.shots[index - 1]
    if shot.scene != before.scene:
        return "it is the first of its scene, so its link is scene_cut"
    if story.place_of(shot) != story.place_of(before):
        return f"it is in another place than {before.id}, so its link is scene_cut"
    return ""


def _plan(answer: PlanDraft, story: Story, draft: Plan) -> Plan:
    decisions = []
    for entry, shot, decision in zip(answer.shots, story.shots, draft.shots, strict=True):
        if decision.decided_by in ("script", "person"):
            decisions.append(decision)
            continue
        link = Link(kind=entry.link, reason=" ".join(entry.reason.split()))
        decisions.append(ShotPlan(shot=shot.id, link=link, remember=to_remember(story, shot), decided_by="llm"))
    return Plan(shots=tuple(decisions))
