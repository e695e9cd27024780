"""What a shot of OneStory's training remembers: earlier shots of its film, and one that was put among them.

As when filming, one frame is kept for each latent frame of a shot, at most eight, and memory stands at the time that
has passed: the shots of the inflated story lie end to end. Films of two shots give the paper's three (arXiv 2512.07802,
equation 9); longer ones give any number of their earlier shots. Decides places only. Knows no torch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filmagent.generation.memory.memento import spread
from filmagent.generation.memory.onestory import kept_count
from filmagent.training.memory.films import TrainingFilm
from filmagent.training.memory.places import FramePlace, Recalled
from filmagent.training.onestory.inflation import inflate

MOST_EARLIER = 7
"""Real earlier shots of an example at most: with the inserted one, 64 frames to rank."""


@dataclass(frozen=True)
class ShotPlace:
    """A shot of some film, perhaps a changed copy."""

    film: int
    shot: int
    changed_by: int | None = None


def recall_inflated(rng: random.Random, films: Sequence[TrainingFilm], film: int, shot: int) -> Recalled:
    """Draw what a shot remembers; nothing for a film's first.

    Args:
        rng: decides which earlier shots there are, which one is inserted, and where.
        films: all that are learned from; only those of another source give strangers.
        film: index of the shot's film; `shot`: its own in that film.
    """
    if shot == 0:
        return Recalled((), (), 0)
    earlier = sorted(rng.sample(range(shot), rng.randint(1, min(shot, MOST_EARLIER))))
    story = inflate(
        rng,
        [ShotPlace(film, index) for index in earlier],
        ShotPlace(film, shot),
        _stranger(rng, films, films[film].source),
        lambda place: replace(place, changed_by=rng.getrandbits(32)),
    )
    memory: list[FramePlace] = []
    filmed: list[int] = []
    origins: list[int] = []
    start = 0
    for place, origin in zip(story.earlier, story.origins, strict=True):
        frames = films[place.film].shots[place.shot].frame_count
        kept = kept_frames(frames)
        memory += [FramePlace(place.shot, frame, place.film, place.changed_by) for frame in kept]
        filmed += [start + frame for frame in kept]
        origins += [int(origin)] * len(kept)
        start += frames
    return Recalled(tuple(memory), tuple(filmed), start, tuple(origins))


def kept_frames(frames: int) -> tuple[int, ...]:
    """Return which frames of a shot of so many are remembered: those that the policy keeps when filming."""
    return spread(frames, kept_count(frames))


def _stranger(rng: random.Random, films: Sequence[TrainingFilm], source: str) -> ShotPlace | None:
    """Return any shot of a film of another source, or None where there is no such film."""
    others = [index for index, film in enumerate(films) if film.source != source]
    if not others:
        return None
    other = rng.choice(others)
    return ShotPlace(other, rng.randrange(len(films[other].shots)))
