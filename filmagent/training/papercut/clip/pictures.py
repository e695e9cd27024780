"""The pictures that papercut's CLIP learns from: drawn as training goes on, and disturbed as films disturb them.

A small tower learns pictures by heart within a dozen looks, so every one is shown a few times only; other processes
can draw ahead. Knows no model and no loss.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from filmagent.training.papercut.clip.cells import NOBODY, who_covers
from filmagent.training.papercut.clip.model import IMAGE_SIZE, MEAN, STD
from filmagent.training.papercut.clip.texts import variations
from filmagent.training.papercut.world import FRAMES, ShotScript, render_frames, sample_shot, sample_story

CLOSE_SIDE = IMAGE_SIZE // 2
"""Pixels of a close look's side."""
CLOSEST, WIDEST = 0.3, 0.6
"""Share of a picture's sides that a close look shows at least and at most."""
TILT = 0.2
"""Radians by which a close look is turned at most."""
REDRAWN_AT_ONCE = 16
"""Groups of which every other one is drawn again together."""


@dataclass(frozen=True)
class Shown:
    """A picture uint8 [128, 224, 3], whose figure every pixel shows, and the shot that it is a frame of."""

    picture: np.ndarray[Any, np.dtype[np.uint8]]
    who: np.ndarray[Any, np.dtype[np.int8]]
    """[128, 224], from `who_covers`."""
    script: ShotScript


@dataclass(frozen=True)
class Augmented:
    """The model's input [B, 3, side, side], and whose figure every pixel of it shows."""

    images: Tensor
    who: Tensor
    """Int [B, side, side]."""


@dataclass(frozen=True)
class Groups:
    """What is drawn for a lesson: a moment of a shot, and of copies of the shot with one thing changed."""

    kept: int
    """Groups in memory; batches are drawn from them."""
    fresh: int
    """Groups that are drawn anew at every step, in the place of the oldest."""
    versions: int
    """Pictures of a group."""
    somebody: bool
    """Leave out shots that nobody is in."""


Redraw = Callable[[Sequence[Shown], random.Random], list[Shown]]
"""Draws pictures again in another hand; what they show stays true."""


class PicturePool:
    """Groups number `first`, `first` + 1, ... of a seed; whichever process draws them, they are the same.

    Every other group is drawn again by `redraw`, where one is given.
    """

    def __init__(
        self,
        groups: Groups,
        seed: int,
        first: int,
        processes: ProcessPoolExecutor | None,
        redraw: Redraw | None = None,
    ) -> None:
        self.groups = groups
        self._drawn = _drawn(groups, (f"{seed}/{number}" for number in count(first)), processes)
        if redraw is not None:
            self._drawn = _every_other(self._drawn, redraw, random.Random(f"{seed}/{first}"))
        self._kept = deque(islice(self._drawn, groups.kept), maxlen=groups.kept)

    def batch(self, size: int, rng: random.Random) -> list[Shown]:
        """The pictures of `size` groups by chance, after the oldest have gone."""
        self._kept.extend(islice(self._drawn, self.groups.fresh))
        return [shown for group in rng.sample(list(self._kept), size) for shown in group]


def _drawn(groups: Groups, seeds: Iterable[str], processes: ProcessPoolExecutor | None) -> Iterator[list[Shown]]:
    """A group for every seed; other processes draw those of the next two steps ahead."""
    ahead: deque[Future[list[Shown]]] = deque()
    for seed in seeds:
        if processes is None:
            yield render_group(groups, seed)
            continue
        ahead.append(processes.submit(render_group, groups, seed))
        if len(ahead) > 2 * groups.fresh:
            yield ahead.popleft().result()


def _every_other(drawn: Iterator[list[Shown]], redraw: Redraw, rng: random.Random) -> Iterator[list[Shown]]:
    """The same groups, every other one drawn again; a few together, as that is quicker."""
    while some := list(islice(drawn, REDRAWN_AT_ONCE)):
        again = iter(redraw([shown for group in some[::2] for shown in group], rng))
        for number, group in enumerate(some):
            yield group if number % 2 else list(islice(again, len(group)))


def render_group(groups: Groups, seed: str) -> list[Shown]:
    """One moment of a shot, and of copies of the shot with one thing changed."""
    rng = random.Random(seed)
    script = sample_shot(rng, sample_story(rng))
    while groups.somebody and not script.performances:
        script = sample_shot(rng, sample_story(rng))
    moment = rng.randrange(FRAMES)
    return [_shown(version, moment) for version in (script, *variations(script, rng, groups.versions - 1))]


def _shown(script: ShotScript, moment: int) -> Shown:
    rendered = render_frames(script, [moment])
    masks = {figure: mask[0] for figure, mask in rendered.masks.items()}
    return Shown(rendered.frames[0], who_covers(masks, *rendered.frames.shape[1:3]), script)


def augment(batch: Sequence[Shown]) -> Augmented:
    """Whole pictures as the model sees them, IMAGE_SIZE wide and high: cut a little by chance, then `_disturbed`."""
    zoom = 1 - 0.15 * torch.rand(len(batch), 1, 1)
    middle = (torch.rand(len(batch), 2, 1) * 2 - 1) * (1 - zoom)
    return _disturbed(_cut_out(batch, torch.cat([zoom * torch.eye(2), middle], 2), IMAGE_SIZE))


def close_looks(batch: Sequence[Shown]) -> Augmented:
    """A part of every picture around somebody by chance, or anywhere where nobody is: mirrored or not, tilted a little,
    then `_disturbed`. Cells are not asked where anything stands, so mirrors lie about nothing."""
    zoom = torch.empty(len(batch)).uniform_(CLOSEST, WIDEST)
    tilt = torch.empty(len(batch)).uniform_(-TILT, TILT)
    mirror = torch.randint(2, (len(batch),)) * 2 - 1
    turn = torch.stack([mirror * tilt.cos(), -tilt.sin(), mirror * tilt.sin(), tilt.cos()], 1).view(-1, 2, 2)
    inside = (1 - zoom)[:, None]
    middle = torch.stack([_spot(shown.who) for shown in batch]).clamp(-inside, inside)
    return _disturbed(_cut_out(batch, torch.cat([zoom.view(-1, 1, 1) * turn, middle[..., None]], 2), CLOSE_SIDE))


def _spot(who: np.ndarray[Any, np.dtype[np.int8]]) -> Tensor:
    """A point (x, y) of somebody by chance, or of anything where nobody is; from -1 to 1, as `grid_sample` counts."""
    spots = np.argwhere(who != NOBODY)
    if not len(spots):
        return torch.rand(2) * 2 - 1
    row, column = spots[int(torch.randint(len(spots), ()))]
    return torch.tensor([(2 * column + 1) / who.shape[1] - 1, (2 * row + 1) / who.shape[0] - 1], dtype=torch.float32)


def _cut_out(batch: Sequence[Shown], window: Tensor, side: int) -> Augmented:
    """What the affine maps `window` [B, 2, 3] show of the pictures, at `side`; values from 0 to 1."""
    values = torch.from_numpy(np.stack([shown.picture for shown in batch])).permute(0, 3, 1, 2).float() / 255
    who = torch.from_numpy(np.stack([shown.who for shown in batch]))[:, None].float()
    grid = F.affine_grid(window, [len(batch), 3, side, side], align_corners=False)
    cut = F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    who = F.grid_sample(who, grid, mode="nearest", padding_mode="border", align_corners=False)[:, 0]
    return Augmented(cut, who.to(torch.int8))


def _disturbed(shown: Augmented) -> Augmented:
    """Half of the pictures softened, all grained a little, as a video decoder softens and grains them; light and
    contrast changed a little; normalised."""
    cut = shown.images
    each = (len(cut), 1, 1, 1)
    small = F.interpolate(cut, scale_factor=float(torch.empty(1).uniform_(0.35, 0.8)), mode="area")
    soft = F.interpolate(small, size=cut.shape[-2:], mode="bilinear")
    cut = torch.where(torch.rand(each) < 0.5, soft, cut)
    cut = cut * (1 + 0.12 * (torch.rand(each) - 0.5)) + 0.08 * (torch.rand(len(cut), 3, 1, 1) - 0.5)
    cut = cut + 0.07 * torch.rand(each) * (torch.rand(cut.shape[1:]) * 2 - 1)
    images = (cut.clamp(0, 1) - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    return Augmented(images, shown.who)
