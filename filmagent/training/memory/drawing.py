"""Which example is learned from next: shot, stretch, join, memory, subject, dropped words. Chance from one generator.

Decides places only; decodes nothing and knows no torch. Memory is always of shots before the one that is learned, as
when filming.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from filmagent.errors import UsageError
from filmagent.training.memory.films import TrainingFilm
from filmagent.training.memory.places import FramePlace, Recalled
from filmagent.training.memory.settings import MemoryTraining
from filmagent.training.onestory.drawing import recall_inflated

KEYFRAMES_A_SHOT = 3
"""StoryMem keeps at most three of a shot."""
MOST_DRAWS = 200
"""How many examples are drawn at most for each that a batch lacks; drawing decodes nothing."""
POOL_A_SHOT = 8
"""Memento's pool: so many frames of the last shot, evenly spread, and as many of all shots before together."""


@dataclass(frozen=True)
class Drawn:
    """One example, before anything is decoded."""

    film: int
    shot: int
    first: int
    """Frame of the shot that the stretch begins with."""
    known: int
    """Frames of the stretch that are given: 0 (a cut), 1 (MI2V) or 5 (MM2V)."""
    memory: tuple[FramePlace, ...]
    """Oldest first."""
    filmed: tuple[int, ...]
    """Place of each of them in the film, in frames."""
    start: int
    """Place in the film of the stretch's first frame."""
    target: int | None
    """Which target of the film is reconstructed."""
    without_text: bool
    origins: tuple[int, ...] = ()
    """OneStory's: the `Origin` of each memory frame."""
    bypassed: int | None = None
    """OneStory's: seed of the order in which real frames are shown; None: the selector says what is shown."""

    @property
    def kind(self) -> tuple[int, bool, bool]:
        """What examples have in common that go through an expert together: their tensors are of one shape."""
        return len(self.memory), self.target is None, self.bypassed is None


def usable_shots(films: Sequence[TrainingFilm], frames: int) -> list[tuple[int, int]]:
    """Return (film, shot) of every shot that is long enough.

    Raises:
        UsageError: none is.
    """
    found = [
        (film, shot)
        for film, each in enumerate(films)
        for shot, told in enumerate(each.shots)
        if told.frame_count >= frames
    ]
    if not found:
        longest = max((shot.frame_count for film in films for shot in film.shots), default=0)
        raise UsageError(f"no shot has {frames} frames, the longest has {longest}: give longer shots, or fewer frames")
    return found


def draw(
    rng: random.Random,
    films: Sequence[TrainingFilm],
    usable: Sequence[tuple[int, int]],
    settings: MemoryTraining,
    step: int | None = None,
) -> Drawn:
    """Draw one example from `usable_shots`, for a step of the training (from 0); None: for none, to validate with."""
    film, shot = rng.choice(usable)
    told = films[film]
    first = rng.randint(0, told.shots[shot].frame_count - settings.frames)
    chance = rng.random()
    known = 1 if chance < settings.first_frame else 5 if chance < settings.first_frame + settings.motion_frames else 0
    if settings.frames == 1:
        first, known = 0, 0
    if settings.policy == "onestory":
        recalled = recall_inflated(rng, films, film, shot)
    else:
        recalled = _recall(rng, told, shot, settings)
    target = None
    if settings.policy == "memento" and rng.random() < settings.reconstruction:
        before = [index for index, each in enumerate(told.targets) if each.shot < shot]
        target = rng.choice(before) if before else None
    without_text = rng.random() < settings.text_dropped
    bypassed = rng.getrandbits(63) if _bypasses_selector(settings, step) and recalled.memory else None
    return Drawn(
        film=film,
        shot=shot,
        first=first,
        known=known,
        memory=recalled.memory,
        filmed=recalled.filmed,
        start=recalled.start + first,
        target=target,
        without_text=without_text,
        origins=recalled.origins,
        bypassed=bypassed,
    )


def draw_alike(
    rng: random.Random,
    films: Sequence[TrainingFilm],
    usable: Sequence[tuple[int, int]],
    settings: MemoryTraining,
    step: int,
) -> list[Drawn]:
    """Draw one example, and then others until there are `settings.batch` of its kind.

    The first one decides, so that every kind is learned from as often as if each example went alone. A kind that is
    very rare among these films makes a smaller batch.
    """
    found = [draw(rng, films, usable, settings, step)]
    for _ in range(MOST_DRAWS * (settings.batch - 1)):
        if len(found) == settings.batch:
            break
        other = draw(rng, films, usable, settings, step)
        if other.kind == found[0].kind:
            found.append(other)
    return found


def _bypasses_selector(settings: MemoryTraining, step: int | None) -> bool:
    """Whether OneStory's selector is left out yet: it knows nothing in the first steps."""
    return settings.policy == "onestory" and step is not None and step < settings.selector_bypassed * settings.steps


def _recall(rng: random.Random, film: TrainingFilm, shot: int, settings: MemoryTraining) -> Recalled:
    draw_memory = _keyframes if settings.policy == "storymem" else _pool
    memory = tuple(sorted(draw_memory(rng, film, shot, settings), key=lambda place: (place.shot, place.frame)))
    starts = [0, *accumulate(each.frame_count for each in film.shots)]
    return Recalled(memory, tuple(starts[place.shot] + place.frame for place in memory), starts[shot])


def _keyframes(rng: random.Random, film: TrainingFilm, shot: int, settings: MemoryTraining) -> list[FramePlace]:
    """StoryMem: any number up to the most, of three keyframes in each earlier shot."""
    kept = []
    for index in range(shot):
        frames = film.shots[index].frame_count
        thirds = [
            (frames * part // KEYFRAMES_A_SHOT, frames * (part + 1) // KEYFRAMES_A_SHOT)
            for part in range(KEYFRAMES_A_SHOT)
        ]
        kept += [FramePlace(index, rng.randrange(start, end)) for start, end in thirds if start < end]
    return rng.sample(kept, rng.randint(0, min(settings.most_memory, len(kept))))


def _pool(rng: random.Random, film: TrainingFilm, shot: int, settings: MemoryTraining) -> list[FramePlace]:
    """Memento: the last shot evenly, and a few frames of the shots before, as an old memory would hold."""
    if shot == 0:
        return []
    pool = _spread(film, shot - 1)
    if shot > 1 and rng.random() >= settings.last_shot_alone:
        earlier = [place for index in range(shot - 1) for place in _spread(film, index)]
        pool += rng.sample(earlier, min(POOL_A_SHOT, len(earlier)))
    return pool


def _spread(film: TrainingFilm, shot: int) -> list[FramePlace]:
    frames = film.shots[shot].frame_count
    count = min(POOL_A_SHOT, frames)
    return [FramePlace(shot, (2 * index + 1) * frames // (2 * count)) for index in range(count)]
