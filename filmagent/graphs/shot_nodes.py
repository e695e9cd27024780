"""The nodes of one shot: open, recall, generate, review, accept.

Each leaves its result on disk under a key of its contents, so a node that is killed and run again costs nothing
twice. Knows nothing of routes and gates.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from langgraph.runtime import Runtime

from filmagent.agents.critic import AttemptBudget, best_attempt
from filmagent.artifacts import sha256_of_array
from filmagent.delivery.contact_sheet import film_strip
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.port import BankView
from filmagent.generation.memory.uses import recollection_of, with_choice
from filmagent.generation.port import Frames, FrameSize, GenerationRequest, Generator, Recollection
from filmagent.graphs.ahead import alongside, preparation, shot_after, tell_prompts
from filmagent.graphs.context import FilmContext, context_of, frame_size, run_folder
from filmagent.graphs.orders import ShotOrder, memory_limit, order_shot, shot_as_ordered
from filmagent.graphs.recalling import with_memory
from filmagent.graphs.state import FilmState, Json
from filmagent.graphs.studio import Studio
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import SEAM_FRAMES, Shot, Story
from filmagent.schemas.take import Lever, Review, Take
from filmagent.scoring.port import ScoringContext, SeenBefore


@dataclass(frozen=True)
class Seam:
    """The frames that a take continues, and the take they come from."""

    frames: Frames
    take: str


def open_shot(state: FilmState) -> FilmState:
    """Choose the next shot that has no accepted take; an empty id means that none is left."""
    waiting = _waiting(state, Story.model_validate(state["story"]))
    return {"shot": waiting[0].id if waiting else "", "lever": None, "notes": ""}


def recall(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Decide what the next take is made with: the order of the shot, and the memory frames it is shown."""
    context, folder = context_of(runtime), run_folder(runtime)
    generator = studio.generator(context)
    order = order_shot(state, context, generator.capabilities)
    story, plan = Story.model_validate(state["story"]), Plan.model_validate(state["plan"]).for_shot(order.shot)
    view = bank_before(state, story, folder, order.shot)
    chooses = generator.capabilities.memory_candidates > 0
    earlier = takes_before(state, story, TakeStore(folder), order.shot) if chooses else []
    order = with_memory(order, studio.policy(context), view, story, plan, generator.capabilities, earlier)
    return {"order": order.model_dump(mode="json")}


def generate(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Make the ordered take, unless it is already there."""
    context, folder = context_of(runtime), run_folder(runtime)
    generator, order = studio.generator(context), ShotOrder.model_validate(state["order"])
    story, store = Story.model_validate(state["story"]), TakeStore(folder)
    shot = story.shot(order.shot)
    prompt = generator.translate(story, shot_as_ordered(shot, order))
    seam = seam_before(studio, state, story, store, order)
    recollection = recollection_of(
        order.memory,
        generator.capabilities,
        start=order.film_start,
        limit=order.memory_limit,
        identity=prompt.identity if context.identity else None,
    )
    take = _take_to_make(context, generator, order, prompt.text, seam, recollection, store)
    position = {
        "shot": shot.id,
        "index": [s.id for s in story.shots].index(shot.id),
        "of": len(story.shots),
        "attempt": order.attempt,
    }
    if (finished := store.find(take.key)) is not None:
        runtime.stream_writer({"event": "reused", **position})
        return {"candidate": finished.key}

    def on_step(step: int, steps: int) -> None:
        runtime.stream_writer({"event": "step", **position, "step": step, "steps": steps})

    runtime.stream_writer({"event": "shot", **position, "caption": shot.caption, "link": order.link})
    memory = MemoryBank(folder)
    tell_prompts(generator, story, [entry for entry in _waiting(state, story) if entry.id != shot.id])
    studio.features(context).load()  # what will judge the take is there before minutes are spent on making it
    started = time.perf_counter()
    made = generator.generate(
        GenerationRequest(
            prompt=take.prompt,
            negative_prompt=take.negative_prompt,
            link=order.link,
            seed=order.seed,
            size=FrameSize(take.width, take.height),
            frames=order.frames,
            memory=tuple(memory.picture(use.path, use.sha256) for use in order.memory),
            recollection=recollection,
            seam=None if seam is None else seam.frames,
            on_step=on_step,
            cancelled=studio.cancelled.is_set,
        )
    )
    seconds = {**made.seconds, "generate": round(time.perf_counter() - started, 3)}
    # Named by what it was made with in the end: a generator that ran out of memory may have gone on in less exact ways.
    take = _take_to_make(context, generator, order, prompt.text, seam, recollection, store)
    lever = Lever.model_validate(state["lever"]) if state.get("lever") else None
    take = take.model_copy(
        update={
            "frames": len(made.frames),
            "seconds": seconds,
            "notes": (*prompt.notes, *made.notes),
            "lever": lever,
            "machine": made.machine,
            "memory": with_choice(order.memory, made.chosen),
        }
    )
    if made.identity is not None and prompt.identity is not None:
        identity = store.write_identity(take.key, prompt.identity.subject, prompt.identity.text, made.identity)
        take = take.model_copy(update={"identity": identity})
    for note in made.notes:
        runtime.stream_writer({"event": "note", **position, "text": note})
    said = state.get("decisions", [])
    return {
        "candidate": store.write(take, made.frames).key,
        "decisions": [note for note in made.notes if note not in said],
    }


def review(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Measure the candidate and judge it; a strip of its frames is written for whoever looks."""
    context, folder = context_of(runtime), run_folder(runtime)
    story, store = Story.model_validate(state["story"]), TakeStore(folder)
    take = store.get(state["candidate"])
    frames, order = store.frames(take), ShotOrder.model_validate(state["order"])
    strip = folder / f"takes/{take.key}.png"
    if not strip.exists():
        film_strip(frames, strip)
    shot, plan = story.shot(take.shot), Plan.model_validate(state["plan"]).for_shot(take.shot)
    seam = seam_before(studio, state, story, store, order)
    earlier = [Review.model_validate(entry) for entry in state.get("reviews", {}).get(take.shot, [])]
    verdict = studio.critic(context).review(
        take,
        frames,
        shot,
        ScoringContext(
            story=story,
            plan=plan,
            prompt=take.prompt,
            seam=None if seam is None else seam.frames,
            memory=_seen_before(bank_before(state, story, folder, take.shot), shot, story),
        ),
        history=earlier,
        budget=_budget(state, context, story, earlier),
        memory_limit=memory_limit(context, studio.generator(context).capabilities, take.link),
        generator=studio.generator(context),
    )
    runtime.stream_writer({"event": "review", "shot": take.shot, "outcome": verdict.outcome, "reason": verdict.reason})
    update: FilmState = {
        "reviews": {take.shot: [verdict.model_dump(mode="json")]},
        "answer": "approve",
        "lever": verdict.lever.model_dump(mode="json") if verdict.lever else None,
    }
    if verdict.outcome not in ("pass", "retake"):
        attempts = [*earlier, verdict]
        update["candidate"] = attempts[best_attempt(attempts)].take
    return update


def accept(studio: Studio, state: FilmState, runtime: Runtime[FilmContext]) -> FilmState:
    """Accept the candidate: it, and only it, writes to memory. Meanwhile the generator gets the next shot ready.

    From here to the next take there is no gate, so nothing is got ready that somebody may still change.
    """
    context, folder = context_of(runtime), run_folder(runtime)
    story, store = Story.model_validate(state["story"]), TakeStore(folder)
    take = store.get(state["candidate"])
    frames = store.frames(take)
    reviews = [Review.model_validate(entry) for entry in state.get("reviews", {}).get(take.shot, [])]
    by_person = "take" in context.ask
    outcome = next((entry.outcome for entry in reversed(reviews) if entry.take == take.key), "unreviewed")
    if outcome == "retake":  # an earlier attempt that turned out to be the best when the budget was spent
        outcome = "attempts_exhausted"
    coming, work = shot_after(story, state, take.shot), None
    if coming is not None:
        seam = _seam_for(studio, state, coming, take, frames)
        work = preparation(studio, context, state, coming, seam)
    with alongside(work, "getting the next shot ready"):
        record = MemoryBank(folder).remember(
            studio.policy(context),
            bank_before(state, story, folder, take.shot),
            story,
            story.shot(take.shot),
            take,
            frames,
        )
    runtime.stream_writer({"event": "accepted", "shot": take.shot, "take": take.key, "outcome": outcome})
    entry: Json = {"take": take.key, "memory": record, "outcome": outcome, "by": "person" if by_person else "critic"}
    return {"accepted": {take.shot: entry}, "lever": None}


def bank_before(state: FilmState, story: Story, folder: Path, shot: str) -> BankView:
    """Return the bank as a shot sees it: references, then what the accepted takes before it left."""
    order = [s.id for s in story.shots]
    accepted = state.get("accepted", {})
    records = [accepted[key]["memory"] for key in order[: order.index(shot)] if key in accepted]
    return MemoryBank(folder).view([*state.get("references", []), *records])


def takes_before(state: FilmState, story: Story, store: TakeStore, shot: str) -> list[Take]:
    """Return the accepted takes of all shots before one, in the order of the film."""
    order = [s.id for s in story.shots]
    accepted = state.get("accepted", {})
    return [store.get(accepted[key]["take"]) for key in order[: order.index(shot)] if key in accepted]


def seam_before(studio: Studio, state: FilmState, story: Story, store: TakeStore, order: ShotOrder) -> Seam | None:
    """Return the frames that the ordered take continues, or None at a cut. Decoded once for a take and its review."""
    count = SEAM_FRAMES[order.link]
    if count == 0:
        return None
    ids = [s.id for s in story.shots]
    before = store.get(state["accepted"][ids[ids.index(order.shot) - 1]]["take"])
    return Seam(frames=_last_frames(studio, before, count, lambda: store.frames(before)), take=before.key)


def _seam_for(studio: Studio, state: FilmState, shot: Shot, before: Take, frames: Frames) -> Frames | None:
    """Return what a shot continues of the take before, by its plan; kept for the take and the review to come."""
    count = SEAM_FRAMES[Plan.model_validate(state["plan"]).for_shot(shot.id).link.kind]
    return _last_frames(studio, before, count, lambda: frames) if count else None


def _last_frames(studio: Studio, take: Take, count: int, frames: Callable[[], Frames]) -> Frames:
    def last() -> Frames:
        return frames()[-count:].copy()  # a copy, so that the rest of the decoded take is let go

    return studio.last((take.sha256, count), last)


def _waiting(state: FilmState, story: Story) -> list[Shot]:
    """Return the shots that have no accepted take, in the order of the film."""
    return [shot for shot in story.shots if shot.id not in state.get("accepted", {})]


def _take_to_make(
    context: FilmContext, generator: Generator, order: ShotOrder, prompt: str, seam: Seam | None,
    recollection: Recollection | None, store: TakeStore,
) -> Take:
    capabilities = generator.capabilities
    size = frame_size(context, capabilities)
    seam_hash = None if seam is None else sha256_of_array(seam.frames)
    key = store.key(
        {
            "prompt": prompt,
            "link": order.link,
            "seed": order.seed,
            "width": size.width,
            "height": size.height,
            "frames": order.frames,
            "generator": dict(generator.fingerprint),
            "memory": [use.sha256 for use in order.memory],
            "seam": seam_hash,
            # Only when there is one: takes of other generators keep their keys.
            **({} if recollection is None else {"recollection": asdict(recollection)}),
        }
    )
    return Take(
        key=key,
        shot=order.shot,
        attempt=order.attempt,
        path=store.video_path(key),
        sha256="",
        frames=order.frames,
        fps=capabilities.fps,
        width=size.width,
        height=size.height,
        link=order.link,
        prompt=prompt,
        seed=order.seed,
        generator=capabilities.name,
        memory=order.memory,
        seam_sha256=seam_hash,
        seam_take=None if seam is None else seam.take,
    )


def _seen_before(view: BankView, shot: Shot, story: Story) -> tuple[SeenBefore, ...]:
    place = story.place_of(shot)
    wanted = [
        keyframe
        for keyframe in view.keyframes
        if set(keyframe.subjects) & set(shot.subjects) or (place is not None and keyframe.place == place.id)
    ]
    return tuple(
        SeenBefore(view.image(keyframe), keyframe.subjects, keyframe.place, photograph=keyframe.shot is None)
        for keyframe in wanted
    )


def _budget(state: FilmState, context: FilmContext, story: Story, earlier: list[Review]) -> AttemptBudget:
    """Return what is left: attempts of this shot, and retakes of the whole film."""
    made = {key: len(entries) for key, entries in state.get("reviews", {}).items()}
    made[state["shot"]] = len(earlier) + 1
    spent = sum(number - 1 for number in made.values())
    film = len(story.shots) if context.film_attempts is None else context.film_attempts
    return AttemptBudget(shot=context.attempts - len(earlier) - 1, film=film - spent)
