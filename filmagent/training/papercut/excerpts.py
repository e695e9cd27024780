"""What one step of filming on sees of a shot: a few latent frames that are known, and the one that comes next.

All that moves has moved by as much from one latent frame to the next: a figure by a cell or a token, a layer of a
panned set by whole cells. A network that is asked for a whole shot at once must find out which frame it is at, and look
as many times as far aside; one that is asked for the next frame looks aside by one step always. Knows no network.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.training.papercut.latents import Clip, StoryLatents

LOOKS_BACK = 2
"""How many known latent frames are seen: what repeats after two, such as a walk, is found again. To see all four, the
shot's clean first picture among them, cost a quarter of the time more and kept no figure better (docs/papercut.md)."""
ROUGHEST = 0.2
"""Most noise on what was filmed on already, in standard deviations: a film's own frames are never as clean as these."""


@dataclass(frozen=True)
class Excerpt:
    """Latent frames of a clip from `first` on, and what a generator is told of them."""

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
        """The latent frame behind the last one."""
        return self.first + self.condition.shape[1]


def whole(clip: Clip, unknown: Tensor) -> Excerpt:
    """All of a clip; where it is told nothing, `unknown` [16, T, h, w] is shown."""
    told = unknown[:, : clip.latents.shape[1]] if clip.condition is None else clip.condition
    return Excerpt(clip, 0, told.float(), clip.known)


def next_frame(clip: Clip, frame: int) -> Excerpt:
    """What is seen when a shot's latent frame number `frame`, 1 or later, is filmed.

    Behind a seam that is what every Wan model is told, the seam's last picture held. Later on the last latent frame is
    held, so that nothing has to be decoded before the shot is complete; like those before it, it is a little rough.
    """
    first = max(0, frame - LOOKS_BACK)
    known = frame - first
    if clip.condition is not None and frame == clip.known:
        return Excerpt(clip, first, clip.condition[:, first : frame + 1].float(), known)
    filmed = clip.latents[:, first:frame].float()
    filmed = filmed + ROUGHEST * torch.rand(()) * torch.randn_like(filmed)
    return Excerpt(clip, first, torch.cat([filmed, filmed[:, -1:]], dim=1), known)


@dataclass(frozen=True)
class Wanted:
    """Which steps of filming on go into one batch, where all have one length."""

    known: int
    """Known latent frames, 1 to `LOOKS_BACK`."""
    swept: bool
    """Whether the camera moves: then every token comes from another place, and none can be left out."""


def steps_of(stories: Sequence[StoryLatents], wanted: Wanted) -> list[tuple[Clip, int]]:
    """All steps of this kind: the clip and the latent frame that is filmed."""
    return [
        (clip, frame)
        for story in stories
        for clip in story.shots
        if (clip.script.camera != "still") == wanted.swept
        for frame in range(max(1, clip.known), clip.latents.shape[1])
        if min(frame, LOOKS_BACK) == wanted.known and (frame != 1 or clip.known == 1)
    ]


def choose_wanted(
    rng: random.Random, stories: Sequence[StoryLatents], first_share: float, swept_share: float
) -> Wanted:
    """Which steps the next batch is made of, of those that the stories have.

    Args:
        first_share: share of batches about what comes behind one known latent frame.
        swept_share: share of batches under a moving camera.

    Raises:
        ValueError: the stories have no shot.
    """
    kinds = [Wanted(known, swept) for known in range(1, LOOKS_BACK + 1) for swept in (False, True)]
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
    return [next_frame(clip, frame) for clip, frame in rng.choices(choices, often, k=count)]
