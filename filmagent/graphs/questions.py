"""What is asked at the gates and what may be answered: versioned, typed, plain JSON.

The answer models are the response schemas of the graph's interrupts, so any user interface can draw a form
from them. Knows nothing of terminals or files of answers.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from filmagent.schemas.plan import Plan
from filmagent.schemas.story import LinkKind, Model, Story
from filmagent.settings import Gate


class Question(Model):
    """What a person is asked. Everything needed to answer is here or at a path relative to the run folder."""

    version: Literal[1] = 1
    gate: Gate
    title: str
    text: str
    """What there is to decide, in a few lines."""
    picture: str | None = None
    """A picture to look at, relative to the run folder."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """The thing itself: story, plan, take with scores, or film."""


class StoryAnswer(Model):
    """The answer at gate `story`."""

    version: Literal[1] = 1
    action: Literal["approve", "reject", "edit"]
    notes: str = ""
    """With `reject`: what to change; the writer writes again."""
    story: Story | None = None
    """With `edit`: the story to film."""

    @model_validator(mode="after")
    def _edit_brings_a_story(self) -> Self:
        if (self.action == "edit") != (self.story is not None):
            raise ValueError("`story` goes with action `edit`, and only with it")
        return self


class PlanAnswer(Model):
    """The answer at gate `plan`."""

    version: Literal[1] = 1
    action: Literal["approve", "reject", "edit"]
    notes: str = ""
    """With `reject`: what to change; the director plans again."""
    plan: Plan | None = None
    """With `edit`: the plan to film by."""

    @model_validator(mode="after")
    def _edit_brings_a_plan(self) -> Self:
        if (self.action == "edit") != (self.plan is not None):
            raise ValueError("`plan` goes with action `edit`, and only with it")
        return self


class TakeAnswer(Model):
    """The answer at gate `take`."""

    version: Literal[1] = 1
    action: Literal["approve", "reject", "edit"]
    take: str | None = None
    """With `approve`: key of an earlier attempt to use instead."""
    notes: str = ""
    """With `reject`: what the next take should show; the words are put behind the caption."""
    caption: str | None = None
    """With `edit`: another caption."""
    link: LinkKind | None = None
    """With `edit`: another link."""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """With `edit`: another baseline seed."""

    @model_validator(mode="after")
    def _edit_brings_a_change(self) -> Self:
        changes = [self.caption, self.link, self.seed]
        if (self.action == "edit") == all(change is None for change in changes):
            raise ValueError("`caption`, `link` or `seed` go with action `edit`, which needs one of them")
        if self.take is not None and self.action != "approve":
            raise ValueError("`take` goes with action `approve`")
        return self


class FilmAnswer(Model):
    """The answer at gate `film`."""

    version: Literal[1] = 1
    action: Literal["approve", "reject"]
    redo: tuple[str, ...] = ()
    """With `reject`: ids of the shots to make again; none: the film is put away as rejected."""
    notes: str = ""

    @model_validator(mode="after")
    def _redo_goes_with_reject(self) -> Self:
        if self.redo and self.action != "reject":
            raise ValueError("`redo` goes with action `reject`")
        return self


Answer = StoryAnswer | PlanAnswer | TakeAnswer | FilmAnswer
ANSWERS: dict[Gate, type[Answer]] = {
    "story": StoryAnswer,
    "plan": PlanAnswer,
    "take": TakeAnswer,
    "film": FilmAnswer,
}
"""Gate -> the model that its answer must fit."""


def problem_with(question: Question, answer: Answer) -> str:
    """Return why an answer of the right shape still cannot be carried out, or an empty text when it can."""
    facts = question.facts
    if isinstance(answer, PlanAnswer) and answer.plan is not None:
        return _problem_with_plan(answer.plan, facts)
    if isinstance(answer, TakeAnswer):
        if answer.take is not None and answer.take not in {review["take"] for review in facts["attempts"]}:
            return f"take {answer.take!r} is no attempt at {facts['shot']}"
        return _problem_with_link(answer.link, facts, first=facts["first"]) if answer.link is not None else ""
    if isinstance(answer, FilmAnswer):
        unknown = [key for key in answer.redo if key not in facts["shots"]]
        return f"redo {unknown[0]!r}: the film has no such shot; it has {', '.join(facts['shots'])}" if unknown else ""
    return ""


def _problem_with_plan(plan: Plan, facts: dict[str, Any]) -> str:
    shots = [decision["shot"] for decision in facts["plan"]["shots"]]
    if [decision.shot for decision in plan.shots] != shots:
        return "the plan must decide every shot once, in the order of the film: " + ", ".join(shots)
    for number, decision in enumerate(plan.shots):
        if problem := _problem_with_link(decision.link.kind, facts, first=number == 0):
            return f"{decision.shot}: {problem}"
        for key in decision.remember:
            if key not in facts["subjects"]:
                return f"{decision.shot} should remember {key!r}, which is no subject of the story"
    return ""


def _problem_with_link(link: LinkKind, facts: dict[str, Any], *, first: bool) -> str:
    if first and link != "scene_cut":
        return "the first shot has nothing to join: its link must be scene_cut"
    if link not in facts["links"]:
        return f"the generator cannot do {link}; it can do {', '.join(facts['links'])}"
    return ""
