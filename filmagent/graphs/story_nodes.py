"""The nodes before the camera runs: write the story, direct it.

Knows the agents and the generator's translation; nothing of takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from langgraph.runtime import Runtime

from filmagent.agents.director import plan_story
from filmagent.agents.writer import write_story
from filmagent.errors import UsageError
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.port import Capabilities, Generator
from filmagent.graphs.context import FilmContext, context_of, run_folder
from filmagent.graphs.orders import frames_for
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.story import Shot, Story, Subject
from filmagent.settings import Reference


def write(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Bring a story into the state: the given one as it is, else one from the writer."""
    context = context_of(runtime)
    rejected = state.get("answer") == "reject"
    if state.get("story") and not rejected:
        Story.model_validate(state["story"])
        return {"story_from": state.get("story_from", "file"), "notes": "", "answer": "approve"}
    llm = studio.llm(context)
    previous = Story.model_validate(state["story"]) if rejected and state.get("story") else None
    story = write_story(
        state.get("logline", ""),
        llm=llm,
        shots=context.shots,
        style=context.style,
        notes=state.get("notes", ""),
        previous=previous,
        seed=context.seed,
        cast=tuple(dict.fromkeys(reference.subject for reference in context.references)),
    )
    source = (
        "the offline writer wrote the story (no LLM was named)" if llm is None else f"{llm.describe} wrote the story"
    )
    return {
        "story": story.model_dump(mode="json"),
        "story_from": "offline" if llm is None else "llm",
        "decisions": [source],
        "notes": "",
        "answer": "approve",
    }


def direct(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Decide link and memory of every shot, take in the reference photographs, and say what the generator cannot do."""
    context = context_of(runtime)
    story = Story.model_validate(state["story"])
    generator, llm = studio.generator(context), studio.llm(context)
    references = _remember_references(MemoryBank(run_folder(runtime)), story, context.references)
    rejected = state.get("answer") == "reject" and bool(state.get("plan"))
    plan = plan_story(
        story,
        llm=llm,
        links=generator.capabilities.links,
        notes=state.get("notes", ""),
        previous=Plan.model_validate(state["plan"]) if rejected else None,
    )
    plan = Plan(shots=tuple(_with_notes(decision, story, generator) for decision in plan.shots))
    source = "the rules directed (no LLM was named)" if llm is None else f"{llm.describe} directed"
    notes = dict.fromkeys(note for decision in plan.shots for note in decision.notes)
    if not studio.features(context).uses():
        name = generator.capabilities.name
        notes[f"identity and captions are not measured: no CLIP model goes with generator {name}"] = None
    return {
        "plan": plan.model_dump(mode="json"),
        "references": references,
        "decisions": [source, *notes],
        "notes": "",
        "answer": "approve",
    }


def subject_named(story: Story, wanted: str) -> Subject:
    """Return the subject that a person means by id or name, in any case. Raises UsageError listing the names."""
    for subject in story.subjects:
        if wanted.strip().casefold() in (subject.id.casefold(), subject.name.casefold()):
            return subject
    names = ", ".join(repr(subject.name) for subject in story.subjects) or "none"
    raise UsageError(f"--reference {wanted!r}: the story has no such subject; it has {names}")


def _remember_references(bank: MemoryBank, story: Story, references: Sequence[Reference]) -> list[str]:
    wanted = [(subject_named(story, reference.subject), reference) for reference in references]
    return [bank.add_reference(reference.path, subject.id) for subject, reference in wanted]


def _with_notes(decision: ShotPlan, story: Story, generator: Generator) -> ShotPlan:
    shot = story.shot(decision.shot)
    notes = (*decision.notes, *generator.translate(story, shot).notes, *_duration_notes(shot, generator.capabilities))
    return decision.model_copy(update={"notes": tuple(dict.fromkeys(notes))})


def _duration_notes(shot: Shot, capabilities: Capabilities) -> tuple[str, ...]:
    if shot.duration is None:
        return ()
    made = frames_for(shot, capabilities) / capabilities.fps
    if abs(made - shot.duration) * capabilities.fps <= 4:
        return ()
    return (f"{shot.id} lasts {made:.1f} s: {capabilities.name} cannot make {shot.duration:g} s",)
