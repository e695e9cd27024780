"""The node that watches for forgetting: subjects of an accepted take are drawn from memory, and the director is told.

What is told stands in the plans of the shots to come, which from then on remember the subject, and in the manifest.
Knows what a reconstruction says; nothing of how it is made.
"""

from __future__ import annotations

from collections.abc import Collection

from langgraph.runtime import Runtime

from filmagent.graphs.context import FilmContext, context_of, run_folder
from filmagent.graphs.reconstruct import RunMemory, reconstruct, remembered_subjects
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.schemas.plan import Plan, ShotPlan
from filmagent.schemas.reconstruction import Reconstruction
from filmagent.schemas.story import Story
from filmagent.scoring.colours import ColourFeatures


def watch(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Draw everybody of the shot just accepted from memory, if they come again; say who is being forgotten.

    Raises:
        UsageError: the generator cannot draw from memory, or the film has none.
        FilmAgentError: what `reconstruct` raises.
    """
    context, folder = context_of(runtime), run_folder(runtime)
    if not context.watch_forgetting:
        return {}
    if isinstance(studio.features(context), ColourFeatures):
        name = studio.generator(context).capabilities.name
        line = f"forgetting is not measured: no CLIP model goes with generator {name}"
        return {} if line in state.get("decisions", []) else {"decisions": [line]}
    known = RunMemory(folder, context, state)
    story, plan = known.story, Plan.model_validate(state["plan"])
    waiting = {shot.id for shot in story.shots if shot.id not in state.get("accepted", {})}
    to_come = {key for shot in story.shots if shot.id in waiting for key in shot.subjects}
    wanted = to_come.intersection(story.shot(state["shot"]).subjects)
    lines = []
    for subject in remembered_subjects(known):
        if subject.id not in wanted:
            continue
        found = reconstruct(studio, known, subject)
        if found.forgotten:
            line = said_of(found)
            plan = told_of(plan, story, found, line, waiting)
            lines.append(line)
            runtime.stream_writer({"event": "note", "shot": state["shot"], "text": line})
    return {"plan": plan.model_dump(mode="json"), "decisions": lines} if lines else {}


def said_of(found: Reconstruction) -> str:
    """Return the line for director and manifest."""
    return (f"{found.name} is being forgotten: drawn from memory after {found.after}, "
            f"{'; '.join(found.faults)}. The coming shots remember it; a reference photograph says most")


def told_of(plan: Plan, story: Story, found: Reconstruction, line: str, waiting: Collection[str]) -> Plan:
    """Return the plan with the line at every waiting shot of the subject, which then remembers the subject."""

    def told(decision: ShotPlan) -> ShotPlan:
        if decision.shot not in waiting or found.subject not in story.shot(decision.shot).subjects:
            return decision
        others = [note for note in decision.notes if not note.startswith(f"{found.name} is being forgotten:")]
        remember = tuple(dict.fromkeys((*decision.remember, found.subject)))
        return decision.model_copy(update={"notes": (*others, line), "remember": remember})

    return Plan(shots=tuple(told(decision) for decision in plan.shots))
