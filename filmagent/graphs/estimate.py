"""What a film is going to cost, before any weight is loaded: minutes, memory, disk, and what the estimate rests on.

The generator tells the arithmetic of a shot; earlier takes in the run folders tell how long such arithmetic took on
this machine. Keeps nothing: every take holds its own seconds. Knows neither terminals nor the graph.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from filmagent.agents.prompts import DEFAULT_SHOTS
from filmagent.artifacts import read_json
from filmagent.errors import ArtifactError
from filmagent.generation.costs import KnowsCosts, ShotCost, ShotShape
from filmagent.generation.port import Capabilities, FrameSize
from filmagent.graphs.orders import frames_for, memory_limit
from filmagent.graphs.run_folder import RunRequest, read_request
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import SEAM_FRAMES, Model
from filmagent.schemas.take import Take
from filmagent.settings import Settings

LATEST = 200
"""Earlier takes that are looked at, the newest ones."""
KEYFRAMES_A_SHOT = 2
"""Memory frames that a shot is assumed to leave for those after it; StoryMem keeps none to three."""
RETAKEN = 0.5
"""Share of takes that are assumed to be made again, where no earlier run tells."""
BITS_A_PIXEL = 2.0
"""Of a visually lossless take, and of the film at twice to four times its size, together; where no take tells."""


class Estimate(Model):
    """What a film is going to cost, and what that rests on."""

    generator: str
    machine: str
    shots: int
    takes: float
    """Takes that are expected, retakes included."""
    takes_most: int
    """When every shot takes all attempts that it may have."""
    seconds: float | None
    """For the expected takes; None: not calibrated and not measured."""
    seconds_least: float | None
    """Without any retake."""
    seconds_most: float | None
    peak_bytes: int
    room_bytes: int
    rung: str
    disk_bytes: int
    """For the run folder."""
    model_bytes: int
    """The model's files, which are there already."""
    calibrated_on: int
    """Earlier takes that the seconds come from; 0: from a short check of the machine, or none."""
    last_error: float | None
    """How far the newest earlier take was off what those before it foretold: 0.1 means that 10 % too much was said."""
    rests_on: tuple[str, ...]


@dataclass(frozen=True)
class PastTake:
    """An earlier take of this generator on this machine, with its arithmetic."""

    take: Take
    cost: ShotCost
    bytes: int


@dataclass(frozen=True)
class Pace:
    """Seconds that one floating-point operation takes, in a shot as a whole."""

    denoise: float
    decode: float

    def seconds(self, cost: ShotCost) -> float:
        """Return how long a shot takes, text and loading aside."""
        return cost.denoise_flops * self.denoise + cost.decode_flops * self.decode


@dataclass(frozen=True)
class History:
    """What the run folders tell."""

    takes: tuple[PastTake, ...]
    """Oldest first; only those of this machine."""
    retaken: float | None
    """Share of this generator's takes that were made again, on whatever machine; None: there are none."""


def estimate_film(
    request: RunRequest, studio: Studio, folders: Iterable[Path], *, measure: bool, left: int | None = None
) -> Estimate | None:
    """Estimate a film.

    Args:
        request: what is asked for.
        studio: who makes the generator.
        folders: run folders whose takes tell how fast this machine is.
        measure: multiply matrices for half a second where no take tells.
        left: only this many shots at the end are still to be made; None: all.

    Returns:
        The estimate; None for a generator that tells no costs.

    Raises:
        ModelFilesError: the generator's files are missing or broken.
    """
    settings, generator = request.settings, studio.generator(request.settings)
    if not isinstance(generator, KnowsCosts):
        return None
    capabilities = generator.capabilities
    shapes = shot_shapes(request, capabilities)
    shapes = shapes if left is None else shapes[len(shapes) - left :] if left else ()
    costs = [generator.cost(shape) for shape in shapes]
    history = look_back(folders, settings, studio, generator.machine())
    retaken = RETAKEN if history.retaken is None else history.retaken
    most = _most_takes(len(shapes), settings)
    takes = min(float(most), len(shapes) * sum(retaken**attempt for attempt in range(settings.attempts)))
    rests_on = list(_assumptions(request, history, retaken, generator.cost(_largest(shapes, capabilities))))
    pace = pace_of(history.takes)
    if pace is not None:
        rests_on.append(f"seconds of {len(history.takes)} earlier takes on this machine")
    elif measure:
        rate = generator.measure()
        pace = Pace(*[1.0 / (rate.flops_per_second * rate.efficiency)] * 2)
        rests_on.append(
            f"no earlier take: {rate.flops_per_second / 1e12:.3g} TFLOP/s of matrix products just measured here, "
            f"times an assumed efficiency of {rate.efficiency:g} ({rate.reason})"
        )
    least = None if pace is None else sum(pace.seconds(cost) for cost in costs)
    fits = [generator.fit(shape) for shape in shapes or (_largest(shapes, capabilities),)]
    widest = max(fits, key=lambda fit: fit.peak_bytes)
    rests_on.append(f"memory: {widest.says}; weights from the files' headers, activations from a formula")
    share = takes / len(shapes) if shapes else 0.0
    return Estimate(
        generator=capabilities.name,
        machine=generator.machine(),
        shots=len(shapes),
        takes=round(takes, 1),
        takes_most=most,
        seconds=None if least is None else least * share,
        seconds_least=least,
        seconds_most=None if least is None or not shapes else least * most / len(shapes),
        peak_bytes=widest.peak_bytes,
        room_bytes=widest.room_bytes,
        rung=widest.rung,
        disk_bytes=round(sum(_pixels(shape) for shape in shapes) * share * _bytes_a_pixel(history.takes)),
        model_bytes=generator.model_bytes(),
        calibrated_on=len(history.takes),
        last_error=last_error(history.takes),
        rests_on=tuple(rests_on),
    )


def shot_shapes(request: RunRequest, capabilities: Capabilities) -> tuple[ShotShape, ...]:
    """Return the size of every shot that is planned: the story's, or as many as the writer is asked for."""
    settings, story = request.settings, request.story
    size = capabilities.native_size
    if settings.width is not None and settings.height is not None:
        size = FrameSize(settings.width, settings.height)
    limit = memory_limit(settings, capabilities)
    frames = (
        [capabilities.frames] * (settings.shots or DEFAULT_SHOTS)
        if story is None
        else [frames_for(shot, capabilities) for shot in story.shots]
    )
    known = len(settings.references)
    return tuple(
        ShotShape(size, length, min(limit, known + KEYFRAMES_A_SHOT * index)) for index, length in enumerate(frames)
    )


def look_back(folders: Iterable[Path], settings: Settings, studio: Studio, machine: str) -> History:
    """Read the newest earlier takes of a generator. What cannot be read is left out: it tells nothing."""
    files = [file for folder in folders for file in folder.glob("takes/*.json")]
    newest = sorted(files, key=lambda file: file.stat().st_mtime)[-LATEST:]
    asked: dict[Path, Settings | None] = {}
    found, attempts = [], []
    for file in newest:
        folder = file.parent.parent
        if folder not in asked:
            asked[folder] = _settings_of(folder, settings.generator)
        past = asked[folder]
        take = None if past is None else _take(file)
        if past is None or take is None:
            continue
        attempts.append((folder, take.shot))
        if take.machine != machine:
            continue
        generator = studio.generator(past.model_copy(update={"memory_budget": settings.memory_budget}))
        if isinstance(generator, KnowsCosts) and "denoise" in take.seconds:
            cost = generator.cost(_shape_of(take))
            video = folder / take.path
            found.append(PastTake(take, cost, video.stat().st_size if video.is_file() else 0))
    retaken = 1.0 - len(set(attempts)) / len(attempts) if attempts else None
    return History(tuple(found), retaken)


def pace_of(takes: Sequence[PastTake]) -> Pace | None:
    """Return the median seconds an operation; None without takes. The median forgives a take that was disturbed."""
    if not takes:
        return None
    return Pace(
        statistics.median(past.take.seconds["denoise"] / past.cost.denoise_flops for past in takes),
        statistics.median(_coding_seconds(past.take) / past.cost.decode_flops for past in takes),
    )


def last_error(takes: Sequence[PastTake]) -> float | None:
    """Return by what share the newest take was foretold too long (above 0) or too short, from those before it."""
    before = pace_of(takes[:-1])
    if before is None:
        return None
    newest = takes[-1]
    took = newest.take.seconds["denoise"] + _coding_seconds(newest.take)
    return before.seconds(newest.cost) / took - 1.0 if took else None


def _assumptions(request: RunRequest, history: History, retaken: float, cost: ShotCost) -> Iterable[str]:
    settings = request.settings
    if request.story is None:
        yield "the number of shots asked for" if settings.shots else f"{DEFAULT_SHOTS} shots, which a writer may change"
    tera = cost.denoise_flops / 1e12
    yield f"{cost.tokens:,} tokens and {cost.forwards} forwards in the largest shot: {tera:.4g} TFLOP"
    where = "assumed" if history.retaken is None else "as in earlier runs"
    yield f"{retaken:.0%} of takes made again ({where}), at most {settings.attempts} attempts a shot"
    if settings.memory != "none":
        yield f"{KEYFRAMES_A_SHOT} memory frames from every shot, up to the limit"
    yield "writer, critic, loading and joining are not counted"


def _most_takes(shots: int, settings: Settings) -> int:
    beyond = shots if settings.film_attempts is None else settings.film_attempts
    return shots + min(shots * (settings.attempts - 1), beyond)


def _largest(shapes: Sequence[ShotShape], capabilities: Capabilities) -> ShotShape:
    plain = ShotShape(capabilities.native_size, capabilities.frames, 0)
    return max(shapes, key=lambda shape: (_pixels(shape), shape.memory), default=plain)


def _pixels(shape: ShotShape) -> int:
    return shape.size.width * shape.size.height * shape.frames


def _bytes_a_pixel(takes: Sequence[PastTake]) -> float:
    """Return bytes in the run folder a pixel of a take: earlier takes', and as much again for the film."""
    sizes = [past.bytes / _pixels(_shape_of(past.take)) for past in takes if past.bytes]
    return 2 * statistics.median(sizes) if sizes else BITS_A_PIXEL / 8


def _coding_seconds(take: Take) -> float:
    """Return what the VAE took: the condition's encoding, and decoding."""
    return take.seconds.get("encode", 0.0) + take.seconds.get("decode", 0.0)


def _shape_of(take: Take) -> ShotShape:
    return ShotShape(FrameSize(take.width, take.height), take.frames + SEAM_FRAMES[take.link], len(take.memory))


def _settings_of(folder: Path, generator: str) -> Settings | None:
    """Return the settings of a run with this generator; None for others."""
    try:
        settings = read_request(folder).settings
    except ArtifactError:
        return None
    return settings if settings.generator == generator else None


def _take(file: Path) -> Take | None:
    try:
        return Take.model_validate(read_json(file))
    except (ArtifactError, ValidationError):
        return None
