"""Draws from a run's memory alone what the model still knows of a subject: text and memory to one picture.

Memento trains this as reconstruction (Wei et al., arXiv 2606.14667, equation 7: no visual prompt); here every
generator is asked for a shot of one frame whose words leave the looks out, and is shown what the run's policy recalls.
One that draws identity pictures draws one instead, as it was trained to. The result lies in `reconstructions/` under
the subject's id; what is there already, from equal memory, is not drawn again. Knows neither the graph nor a
terminal.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image as Pillow
from pydantic import ValidationError

from filmagent.artifacts import (
    read_json,
    sha256_of_bytes,
    sha256_of_file,
    stable_key,
    write_bytes_atomically,
    write_json_atomically,
)
from filmagent.errors import ArtifactError, UsageError
from filmagent.generation.limits import check_request
from filmagent.generation.memory.bank import MemoryBank
from filmagent.generation.memory.port import BankView, Keyframe
from filmagent.generation.memory.uses import recollection_of, with_choice
from filmagent.generation.port import (
    Capabilities,
    FrameSize,
    GeneratedShot,
    GenerationRequest,
    IdentityPrompt,
    Image,
    ShotPrompt,
)
from filmagent.graphs.orders import ShotOrder, memory_limit
from filmagent.graphs.portrait import with_portrait, wording_of
from filmagent.graphs.recalling import with_memory
from filmagent.graphs.state import FilmState, Json
from filmagent.graphs.studio import Studio
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.reconstruction import BestView, Reconstruction
from filmagent.schemas.story import Shot, Story, Subject
from filmagent.scoring.identity import IdentityLimits
from filmagent.scoring.port import ScoringContext, SeenBefore
from filmagent.scoring.remembered import resemblance
from filmagent.settings import Settings

FOLDER = "reconstructions"
FORMAT = 1
"""Raised when pictures or scores of an earlier release must be made again."""


@dataclass(frozen=True)
class RunMemory:
    """What a run knows at one moment."""

    folder: Path
    settings: Settings
    state: FilmState

    @property
    def story(self) -> Story:
        """The story as it is filmed."""
        return Story.model_validate(self.state["story"])


@dataclass(frozen=True)
class _Portrait:
    """Everything that one picture is made from, known before any weight is loaded."""

    subject: Subject
    film: Story
    """The run's story, with the portrait as its last shot."""
    shot: Shot
    plan: ShotPlan
    order: ShotOrder
    wording: ShotPrompt
    request: GenerationRequest
    pictures: tuple[Keyframe, ...]
    """All remembered pictures of the subject, the best first."""
    bank: BankView


def remembered_subjects(known: RunMemory) -> tuple[Subject, ...]:
    """Return the subjects of whom there is a picture, places excluded, in the order of the story."""
    shown = {key for keyframe in _bank(known).keyframes for key in keyframe.subjects}
    return tuple(subject for subject in known.story.subjects if subject.kind != "place" and subject.id in shown)


def subject_meant(known: RunMemory, wanted: str) -> Subject:
    """Return the subject that a person means by id or name, in any case. Raises UsageError listing the names."""
    subjects = [subject for subject in known.story.subjects if subject.kind != "place"]
    for subject in subjects:
        if wanted.strip().casefold() in (subject.id.casefold(), subject.name.casefold()):
            return subject
    names = ", ".join(repr(subject.name) for subject in subjects) or "none"
    raise UsageError(f"--subject {wanted!r}: {known.folder} has no such subject; it has {names} (places are not drawn)")


def reconstruct(
    studio: Studio, known: RunMemory, subject: Subject, *, seed: int | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> Reconstruction:
    """Draw a subject from memory, compare it with what is remembered, and write picture and findings down.

    Args:
        studio: the live things; `studio.cancelled` stops the drawing.
        known: what the run remembers.
        subject: one of its subjects, no place.
        seed: of the picture; None: the film's.
        on_step: called after every denoising step with (steps done, steps in all).

    Raises:
        UsageError: the run keeps no memory, no picture shows the subject, or the generator cannot draw one frame from
            memory.
        GenerationError, GenerationCancelledError, ModelFilesError: the picture cannot be made.
        ScoringError: it cannot be measured; nothing is written.
        ArtifactError: a memory picture is altered, or the disk refuses the files.
    """
    portrait = _portrait_of(studio, known, subject, known.settings.seed if seed is None else seed, on_step)
    key = _key(studio, known, portrait)
    path = f"{FOLDER}/{subject.id}.png"
    if (there := _find(known.folder, subject, key)) is not None:
        return _write(known, there.model_copy(update={"after": _last_shot(known)}))
    made = studio.generator(known.settings).generate(portrait.request)
    # Named by what it was made with in the end: short of memory, a generator goes on in less exact ways.
    key = _key(studio, known, portrait)
    picture = made.frames[0] if made.identity is None else made.identity
    found = _written(studio, known, portrait, made, picture, key, path)
    data = _as_png(picture)
    done = found.model_copy(update={"sha256": sha256_of_bytes(data)})
    write_bytes_atomically(known.folder / path, data)
    return _write(known, done)


def _portrait_of(
    studio: Studio, known: RunMemory, subject: Subject, seed: int, on_step: Callable[[int, int], None]
) -> _Portrait:
    """Decide everything about a picture. Raises UsageError when it cannot be drawn."""
    settings, generator = known.settings, studio.generator(known.settings)
    capabilities, policy = generator.capabilities, studio.policy(settings)
    bank = _bank(known)
    pictures = _pictures_of(bank, subject)
    _check_can(settings, capabilities)
    if not pictures:
        names = ", ".join(repr(each.name) for each in remembered_subjects(known)) or "nobody"
        raise UsageError(f"{subject.name} is in no picture that {known.folder} remembers; there are pictures of "
                         f"{names}")
    film, shot, plan = with_portrait(known.story, subject)
    takes = TakeStore(known.folder)
    earlier = [takes.get(entry["take"]) for entry in _accepted(known)] if capabilities.memory_candidates else []
    order = with_memory(
        ShotOrder(shot=shot.id, attempt=1, link="scene_cut", seed=seed, frames=1,
                  memory_limit=memory_limit(settings, capabilities)),
        policy, bank, film, plan, capabilities, earlier,
    )
    wording, store = wording_of(generator, known.story, subject), MemoryBank(known.folder)
    identity = (wording.identity or IdentityPrompt(subject.id, subject.name)) if capabilities.draws_identity else None
    native = capabilities.native_size
    request = GenerationRequest(
        prompt=wording.text, link=order.link, seed=order.seed, frames=order.frames,
        size=FrameSize(settings.width or native.width, settings.height or native.height),
        memory=tuple(store.picture(use.path, use.sha256) for use in order.memory),
        recollection=recollection_of(order.memory, capabilities, start=order.film_start, limit=order.memory_limit,
                                     identity=identity),
        on_step=on_step, cancelled=studio.cancelled.is_set,
    )
    check_request(capabilities, request)
    return _Portrait(subject, film, shot, plan, order, wording, request, pictures, bank)


def _check_can(settings: Settings, capabilities: Capabilities) -> None:
    if max(capabilities.max_memory, capabilities.memory_candidates) == 0:
        raise UsageError(f"generator {capabilities.name!r} takes no memory frames: it can draw nobody from memory")
    if memory_limit(settings, capabilities) == 0:
        why = "--memory none" if settings.memory == "none" else "--memory-frames 0"
        raise UsageError(f"this film was made with {why}: its shots are shown no memory to draw from")


def _bank(known: RunMemory) -> BankView:
    """Return the bank as a shot after the last one sees it."""
    records = [entry["memory"] for entry in _accepted(known)]
    return MemoryBank(known.folder).view([*known.state.get("references", []), *records])


def _last_shot(known: RunMemory) -> str | None:
    accepted = known.state.get("accepted", {})
    return next((shot.id for shot in reversed(known.story.shots) if shot.id in accepted), None)


def _write(known: RunMemory, found: Reconstruction) -> Reconstruction:
    write_json_atomically(known.folder / FOLDER / f"{found.subject}.json", found.model_dump(mode="json"))
    return found


def _accepted(known: RunMemory) -> list[Json]:
    """Return the entries of the accepted takes, in the order of the film."""
    accepted = known.state.get("accepted", {})
    return [accepted[shot.id] for shot in known.story.shots if shot.id in accepted]


def _pictures_of(bank: BankView, subject: Subject) -> tuple[Keyframe, ...]:
    """Return the pictures of a subject, those that it surely has to itself first, then the surest and finest."""
    showing = [keyframe for keyframe in bank.keyframes if subject.id in keyframe.subjects]
    return tuple(sorted(showing, key=lambda each: (
        not _alone(each, subject), -each.subjects[subject.id], len(each.subjects), -each.quality
    )))


def _alone(keyframe: Keyframe, subject: Subject) -> bool:
    """Whether a picture surely shows a subject, and nobody else."""
    return {key for key, surely in keyframe.subjects.items() if surely >= IdentityLimits().sure} == {subject.id}


def _key(studio: Studio, known: RunMemory, portrait: _Portrait) -> str:
    """Return the hash of everything that makes the picture and its scores."""
    request = portrait.request
    return stable_key({
        "format": FORMAT,
        "prompt": request.prompt,
        "seed": request.seed,
        "size": str(request.size),
        "generator": dict(studio.generator(known.settings).fingerprint),
        "memory": [use.sha256 for use in portrait.order.memory],
        "recollection": None if request.recollection is None else asdict(request.recollection),
        "subject": portrait.subject.model_dump(),
        "features": studio.features(known.settings).revision,
        "limits": asdict(IdentityLimits()),
        "pictures": [[keyframe.sha256, dict(keyframe.subjects)] for keyframe in portrait.pictures],
    })


def _find(folder: Path, subject: Subject, key: str) -> Reconstruction | None:
    """Return what was drawn before from the same; None when it is absent, altered or of other memory."""
    sidecar, picture = folder / FOLDER / f"{subject.id}.json", folder / FOLDER / f"{subject.id}.png"
    if not sidecar.is_file() or not picture.is_file():
        return None
    try:
        found = Reconstruction.model_validate(read_json(sidecar))
    except (ArtifactError, ValidationError):
        return None
    return found if found.key == key and sha256_of_file(picture) == found.sha256 else None


def _written(
    studio: Studio, known: RunMemory, portrait: _Portrait, made: GeneratedShot, picture: Image, key: str, path: str
) -> Reconstruction:
    """Measure the picture, and say how it was made; its hash is not known yet."""
    subject, bank, best = portrait.subject, portrait.bank, portrait.pictures[0]
    # CLIP sees whole pictures: where others stand beside the subject, their colours count as its own.
    compared = [each for each in portrait.pictures if _alone(each, subject)] or portrait.pictures
    seen = tuple(SeenBefore(bank.image(each), each.subjects, each.place, photograph=each.shot is None)
                 for each in compared[:IdentityLimits().pictures])
    context = ScoringContext(portrait.film, portrait.plan, portrait.wording.text, seen)
    like = resemblance(studio.features(known.settings), picture, portrait.shot, context)
    told = portrait.request.recollection
    return Reconstruction(
        key=key, subject=subject.id, name=subject.name, after=_last_shot(known), path=path, sha256="",
        prompt=portrait.request.prompt if made.identity is None or told is None else told.identity,
        notes=(*portrait.wording.notes, *made.notes), seed=portrait.request.seed,
        width=picture.shape[1], height=picture.shape[0],
        generator=studio.generator(known.settings).capabilities.name, policy=known.settings.memory,
        memory=with_choice(portrait.order.memory, made.chosen),
        best=BestView(sha256=best.sha256, path=best.path, shot=best.shot, surely=best.subjects[subject.id]),
        scores=dict(like.scores), faults=like.faults, machine=made.machine,
    )


def _as_png(picture: Image) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()
