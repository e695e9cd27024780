"""What one step of filming on sees of a shot: a few pictures that are known, and the two that come next.

Papercut films picture by picture, on twos: bodies, sets and camera go on every half second, in which limbs and weather
have two pictures. All that moves has moved by as much from one half second to the next: a figure by a cell or a token,
a layer of a panned set by whole cells. So a network that is asked for the next half second looks aside by one step
always. Every picture is encoded alone, as opening pictures and keyframes are. Knows no network.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.training.papercut.latents import Clip, Keyframe, StoryLatents

AT_ONCE = 2
"""Pictures that are made at once: those of half a second."""
LOOKS_BACK = 3
"""Pictures that are seen before them: those of the half second before, and the last one before that."""
ROUGHEST = 0.2
"""Most noise on what was filmed already, in standard deviations: a film's own pictures are never as clean as these."""


@dataclass(frozen=True)
class Excerpt:
    """Pictures of a clip from `first` on, and what a generator is told of them."""

    clip: Clip
    first: int
    condition: Tensor
    """[16, n, h, w]."""
    known: int
    """How many of the n are known."""

    @property
    def latents(self) -> Tensor:
        """The true latents [16, n, h, w]."""
        return self.clip.latents[:, self.first : self.last].float()

    @property
    def covered(self) -> Tensor:
        """How much of every cell [n, h, w] figures cover."""
        return self.clip.covered[self.first : self.last].float()

    @property
    def who(self) -> Tensor:
        """Whose every token [n, h/2, w/2] is."""
        return self.clip.who[self.first : self.last]

    @property
    def last(self) -> int:
        """The picture behind the last one."""
        return self.first + self.condition.shape[1]


def whole(clip: Clip, unknown: Tensor) -> Excerpt:
    """All of a picture of which nothing is known: `unknown` [16, 1, h, w] is shown."""
    return Excerpt(clip, 0, unknown.float(), 0)


def next_pictures(clip: Clip, at: int) -> Excerpt:
    """What is seen when a shot's pictures from number `at` on, 1 or later, are filmed.

    The last picture is held as a guess of them; like those before it, it is a little rough.
    """
    first = max(0, at - LOOKS_BACK)
    filmed = _roughened(clip.latents[:, first:at])
    guess = filmed[:, -1:].expand(-1, AT_ONCE, -1, -1)
    return Excerpt(clip, first, torch.cat([filmed, guess], dim=1), at - first)


def anchor(clip: Clip) -> Keyframe:
    """The shot's first picture, which stays in memory while it is filmed on: what was passed on astray comes back."""
    first = clip.keyframe
    return Keyframe(_roughened(first.latents), first.who, first.setting)


def _roughened(latents: Tensor) -> Tensor:
    return latents.float() + ROUGHEST * torch.rand(()) * torch.randn(latents.shape)


@dataclass(frozen=True)
class Wanted:
    """Which steps of filming on go into one batch, where all have one length."""

    known: int
    """Known pictures, 1 or `LOOKS_BACK`."""
    swept: bool
    """Whether the camera moves: then every token comes from another place, and none can be left out."""


def steps_of(stories: Sequence[StoryLatents], wanted: Wanted) -> list[tuple[Clip, int]]:
    """All steps of this kind: the clip and the first picture that is filmed."""
    return [
        (clip, at)
        for story in stories
        for clip in story.shots
        if (clip.script.camera != "still") == wanted.swept
        for at in range(clip.known, clip.latents.shape[1], AT_ONCE)
        if min(at, LOOKS_BACK) == wanted.known
    ]


def choose_wanted(
    rng: random.Random, stories: Sequence[StoryLatents], first_share: float, swept_share: float
) -> Wanted:
    """Which steps the next batch is made of, of those that the stories have.

    Args:
        first_share: share of batches about what comes behind one known picture.
        swept_share: share of batches under a moving camera.

    Raises:
        ValueError: the stories have no shot.
    """
    kinds = [Wanted(known, swept) for known in (1, LOOKS_BACK) for swept in (False, True)]
    there = [kind for kind in kinds if steps_of(stories, kind)]
    if not there:
        raise ValueError(f"none of {len(stories)} stories has a shot to film on: make more stories")
    shares = [
        (first_share if kind.known == 1 else 1 - first_share) * (swept_share if kind.swept else 1 - swept_share)
        for kind in there
    ]
    return rng.choices(there, shares)[0]


def draw_steps(
    rng: random.Random, stories: Sequence[StoryLatents], wanted: Wanted, count: int, moving_weight: float
) -> list[Excerpt]:
    """So many steps of a kind that the stories have."""
    choices = steps_of(stories, wanted)
    often = [moving_weight if clip.moves else 1.0 for clip, _ in choices]
    return [next_pictures(clip, at) for clip, at in rng.choices(choices, often, k=count)]
