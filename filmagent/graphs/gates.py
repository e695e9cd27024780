"""The gates: nodes that ask a person, and do nothing else.

A gate runs again from its first line when it is resumed, so it holds nothing but the question. A gate
that is not in the settings' `ask` approves at once. Knows the questions; nothing of terminals.
"""

from __future__ import annotations

from typing import TypeVar

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from filmagent.graphs.context import FilmContext, context_of
from filmagent.graphs.questions import FilmAnswer, PlanAnswer, Question, StoryAnswer, TakeAnswer, problem_with
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import Link, Shot, Story
from filmagent.schemas.take import Film, Lever, Review
from filmagent.settings import Gate

A = TypeVar("A", StoryAnswer, PlanAnswer, TakeAnswer, FilmAnswer)


def ask_story(state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Show the story; take approval, notes for another, or an edited story."""
    if not _asked("story", runtime):
        return {"answer": "approve"}
    story = Story.model_validate(state["story"])
    answer = _ask(
        Question(
            gate="story",
            title=f"Film this story: {story.title}?",
            facts={"story": state["story"]},
            text=f"{story.overview}\n{len(story.shots)} shots in {len(story.scenes)} scenes.".strip(),
        ),
        StoryAnswer,
    )
    if answer.story is None:
        return {
            "answer": answer.action,
            "notes": answer.notes,
            "decisions": [_said("story", answer.action, answer.notes)],
        }
    return {
        "answer": "edit",
        "story": answer.story.model_dump(mode="json"),
        "story_from": "person",
        "decisions": ["a person edited the story"],
    }


def ask_plan(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Show how every shot joins the one before; take approval, notes, or an edited plan."""
    if not _asked("plan", runtime):
        return {"answer": "approve"}
    story, plan = Story.model_validate(state["story"]), Plan.model_validate(state["plan"])
    lines = [f"{decision.shot}: {decision.link.kind} ({decision.link.reason})" for decision in plan.shots]
    answer = _ask(
        Question(
            gate="plan",
            title=f"Film {story.title} like this?",
            text="\n".join(lines),
            facts={
                "plan": state["plan"],
                "subjects": [subject.id for subject in story.subjects],
                "links": _links(studio, runtime),
            },
        ),
        PlanAnswer,
    )
    if answer.plan is None:
        return {
            "answer": answer.action,
            "notes": answer.notes,
            "decisions": [_said("plan", answer.action, answer.notes)],
        }
    decisions = [
        f"a person set {new.shot} to {new.link.kind}"
        for old, new in zip(plan.shots, answer.plan.shots, strict=True)
        if old.link != new.link
    ]
    changed = tuple(
        new if new == old else new.model_copy(update={"decided_by": "person"})
        for old, new in zip(plan.shots, answer.plan.shots, strict=True)
    )
    return {"answer": "edit", "plan": Plan(shots=changed).model_dump(mode="json"), "decisions": decisions}


def ask_take(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Show the take that the critic would keep; take approval, another attempt, notes, or an edit of the shot."""
    if not _asked("take", runtime):
        return {"answer": "approve"}
    story, key = Story.model_validate(state["story"]), state["candidate"]
    shot = story.shot(state["shot"])
    reviews = [Review.model_validate(entry) for entry in state.get("reviews", {}).get(shot.id, [])]
    answer = _ask(
        Question(
            gate="take",
            title=f"Keep this take of {shot.id}?",
            text=shot.caption,
            picture=f"takes/{key}.png",
            facts={
                "shot": shot.id,
                "take": key,
                "video": f"takes/{key}.mp4",
                "attempts": [review.model_dump(mode="json") for review in reviews],
                "first": shot.id == story.shots[0].id,
                "links": _links(studio, runtime),
            },
        ),
        TakeAnswer,
    )
    said = [_said(f"take of {shot.id}", answer.action, answer.notes)]
    if answer.action == "approve":
        return {"answer": "approve", "candidate": answer.take or key, "decisions": said}
    if answer.action == "reject":
        lever = Lever(
            kind="new_seed",
            reason=f"a person asked: {answer.notes or 'another take'}",
            seed_offset=len(reviews),
            prompt_suffix=answer.notes,
        )
        return {"answer": "reject", "lever": lever.model_dump(mode="json"), "decisions": said}
    return _edited_shot(state, story, shot, answer) | {"answer": "edit", "lever": None, "decisions": said}


def ask_film(state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Show the film; take approval, or the shots to make again."""
    if not _asked("film", runtime):
        return {"answer": "approve"}
    film, story = Film.model_validate(state["film"]), Story.model_validate(state["story"])
    answer = _ask(
        Question(
            gate="film",
            title=f"Is {film.title} done?",
            text=f"{film.shots} shots, {film.seconds:.1f} s: {film.path}",
            picture="contact.png",
            facts={"film": state["film"], "shots": [shot.id for shot in story.shots]},
        ),
        FilmAnswer,
    )
    if answer.action == "approve":
        return {"answer": "approve", "decisions": [_said("film", "approve", answer.notes)]}
    if not answer.redo:
        return {
            "answer": "approve",
            "status": "rejected",
            "decisions": [_said("film", "reject", answer.notes)],
            "film": film.model_copy(update={"status": "rejected"}).model_dump(mode="json"),
        }
    return {
        "answer": "reject",
        "redo": {"shots": list(answer.redo), "reason": answer.notes or "asked for at the film gate"},
        "decisions": [_said("film", "reject", answer.notes)],
    }


def _asked(gate: Gate, runtime: Runtime[FilmContext]) -> bool:
    return gate in context_of(runtime).ask


def _links(studio: Studio, runtime: Runtime[FilmContext]) -> list[str]:
    return sorted(studio.generator(context_of(runtime)).capabilities.links)


def _ask(question: Question, model: type[A]) -> A:
    """Stop here until somebody gives an answer that can be carried out; one that cannot is asked for again."""
    answer = model.model_validate(interrupt(question.model_dump(mode="json"), response_schema=model))
    while problem := problem_with(question, answer):
        again = question.model_copy(update={"text": f"{problem}\n{question.text}"})
        answer = model.model_validate(interrupt(again.model_dump(mode="json"), response_schema=model))
    return answer


def _said(what: str, action: str, notes: str) -> str:
    return f"{what}: a person said {action}" + (f" ({notes})" if notes else "")


def _edited_shot(state: FilmState, story: Story, shot: Shot, answer: TakeAnswer) -> FilmState:
    update: FilmState = {}
    if answer.caption is not None:
        shots = tuple(s.model_copy(update={"caption": answer.caption}) if s.id == shot.id else s for s in story.shots)
        update["story"] = story.model_copy(update={"shots": shots}).model_dump(mode="json")
    if answer.link is not None:
        link = Link(kind=answer.link, reason="a person chose it")
        plan = Plan.model_validate(state["plan"])
        changed = tuple(
            decision.model_copy(update={"link": link, "decided_by": "person"}) if decision.shot == shot.id else decision
            for decision in plan.shots
        )
        update["plan"] = Plan(shots=changed).model_dump(mode="json")
    if answer.seed is not None:
        update["seeds"] = {shot.id: answer.seed}
    return update
