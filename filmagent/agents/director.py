"""The director: decides for every shot how it joins the one before and what it must remember.

What a script or a person fixed always stays. Knows the rules and the language model's way; nothing of filming.
"""

from __future__ import annotations

from filmagent.agents.director_notes import apply_notes
from filmagent.agents.director_rules import plan_by_rules
from filmagent.agents.llm import LLM
from filmagent.agents.llm_director import direct_with_llm
from filmagent.errors import UsageError
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import LinkKind, Story


def plan_story(
    story: Story,
    *,
    llm: LLM | None,
    links: frozenset[LinkKind],
    notes: str = "",
    previous: Plan | None = None,
) -> Plan:
    """Decide every shot of a story.

    Args:
        story: what is filmed.
        llm: who directs; None: the rules.
        links: what the generator can do; must hold `scene_cut`.
        notes: what a person wants changed. "Shot 3: cut" and the like are obeyed to the letter;
            anything else is for the language model.
        previous: the plan that the notes are about; what a person decided in it stays unless the notes change it.

    Raises:
        UsageError: the generator cannot cut.
        AnswerError: the notes ask for something that cannot be done, or that the rules do not understand.
        LLMAnswerError: the language model's plan breaks the rules of joining after the last round.
        LLMError: the language model gave nothing usable.
    """
    if "scene_cut" not in links:
        raise UsageError(f"a generator that can only {sorted(links)} cannot open a film: it must be able to scene_cut")
    plan = _with_decisions_of_persons(plan_by_rules(story, links), previous)
    plan = apply_notes(plan, notes, story, links, read_all=llm is None)
    if llm is None:
        return plan
    return direct_with_llm(story, llm, draft=plan, links=links, notes=notes, previous=previous)


def _with_decisions_of_persons(plan: Plan, previous: Plan | None) -> Plan:
    if previous is None:
        return plan
    kept = {decision.shot: decision for decision in previous.shots if decision.decided_by == "person"}
    return Plan(shots=tuple(kept.get(decision.shot, decision) for decision in plan.shots))
