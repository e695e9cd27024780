"""The nodes around the whole film: assemble it, and open shots of it again.

Knows delivery and the take store; nothing of how a take is made.
"""

from __future__ import annotations

from langgraph.runtime import Runtime

from filmagent.delivery.assemble import assemble_film
from filmagent.delivery.contact_sheet import write_contact_sheet
from filmagent.delivery.manifest import build_manifest, write_manifest
from filmagent.graphs.context import FilmContext, context_of, run_folder
from filmagent.graphs.orders import SEED_STRIDE, baseline_seed
from filmagent.graphs.stale import stale_in_run
from filmagent.graphs.state import FilmState
from filmagent.graphs.studio import Studio
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import Story
from filmagent.schemas.take import Film, FilmStatus, Review, ShotRecord, Take


def assemble(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Join the accepted takes to `film.mp4`, and write the manifest and the contact sheet."""
    context, folder = context_of(runtime), run_folder(runtime)
    story, store = Story.model_validate(state["story"]), TakeStore(folder)
    plan, capabilities = Plan.model_validate(state["plan"]), studio.generator(context).capabilities
    records = [shot_record(state, store, shot.id) for shot in story.shots]
    runtime.stream_writer({"event": "assemble", "shots": len(records)})
    chosen = [record.chosen for record in records]
    made = assemble_film(
        [folder / take.path for take in chosen], folder / "film.mp4", scale=capabilities.delivery_scale
    )
    film = Film(
        title=story.title,
        path="film.mp4",
        status=film_status(records),
        seconds=made.frames / made.fps,
        width=made.width,
        height=made.height,
        fps=made.fps,
        shots=len(records),
    )
    manifest = build_manifest(
        run_dir=folder,
        film=film,
        logline=state.get("logline", ""),
        story=story,
        plan=plan,
        records=records,
        settings=context.model_dump(mode="json", exclude={"run_dir"}),
        models=(*capabilities.models, *studio.features(context).uses()),
        decisions=state.get("decisions", []),
    )
    write_manifest(manifest, folder / "film.json")
    write_contact_sheet(manifest, folder, folder / "contact.png")
    return {"film": film.model_dump(mode="json"), "status": film.status, "redo": None}


def reopen(state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Open the shots of a redo, and every shot that rests on them; those asked for get another seed."""
    context, store = context_of(runtime), TakeStore(run_folder(runtime))
    story, redo = Story.model_validate(state["story"]), state.get("redo") or {}
    asked = list(redo.get("shots", []))
    stale = stale_in_run(state, store, asked)
    seeds = {key: next_seed(state, context, story, key) for key in asked}
    lines = [f"{entry.shot} is made again: {entry.reason}" for entry in stale]
    runtime.stream_writer({"event": "stale", "shots": [entry.model_dump() for entry in stale]})
    return {
        "accepted": {entry.shot: None for entry in stale},
        "reviews": {entry.shot: None for entry in stale},
        "seeds": seeds,
        "decisions": lines,
        "redo": None,
        "answer": "approve",
    }


def next_seed(state: FilmState, context: FilmContext, story: Story, key: str) -> int:
    """Return a seed for a shot that neither its attempts so far nor its neighbours have used."""
    seed = baseline_seed(state, context, story, story.shot(key))
    return (seed + SEED_STRIDE * len(story.shots)) % 2**31


def shot_record(state: FilmState, store: TakeStore, shot: str) -> ShotRecord:
    """Return what became of one shot: the chosen take and every attempt with its review."""
    entry = state["accepted"][shot]
    reviews = [Review.model_validate(review) for review in state.get("reviews", {}).get(shot, [])]
    keys = dict.fromkeys([*(review.take for review in reviews), entry["take"]])
    attempts: list[Take] = [store.get(key) for key in keys]
    chosen = next(take for take in attempts if take.key == entry["take"])
    return ShotRecord(
        shot=shot,
        chosen=chosen,
        outcome=entry["outcome"],
        accepted_by=entry["by"],
        attempts=tuple(attempts),
        reviews=tuple(reviews),
    )


def film_status(records: list[ShotRecord]) -> FilmStatus:
    """Return how a film ended: done only when every shot passed or a person accepted it."""
    outcomes = {record.outcome for record in records if record.accepted_by != "person"}
    if "critic_error" in outcomes:
        return "critic_error"
    return "done" if outcomes <= {"pass"} else "attempts_exhausted"
