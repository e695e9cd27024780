"""The memory policy `memento`: eight frames of every take are kept, and the generator chooses among them by itself.

For shot t each expert may choose from what it chose for shot t-1 and from the eight frames of shot t-1; the experts
choose apart, so each has a pool of its own. What neither chose is forgotten. Photographs are offered to both with every
shot. A policy only offers: it goes with generators that choose. Source: Wei et al., "Memento" (arXiv 2606.14667),
equation 2, and its released programme. Knows no files, graphs or selectors. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from filmagent.generation.memory.policies import who_is_seen
from filmagent.generation.memory.port import BankView, Kept, Keyframe, Recall, Remembered
from filmagent.generation.port import Frames
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story
from filmagent.scoring.clip import ImageFeatures

KEPT = 8
"""Frames of a take that are kept."""


@dataclass(frozen=True)
class Memento:
    """Keeps evenly spread frames, and offers each expert its last choice and what is new."""

    features: Callable[[], ImageFeatures]
    """Gives the CLIP model, which names who is in a frame; called when a take is remembered, not before."""
    kept: int = KEPT

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        return "memento"

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """How many frames are kept, and the revision of the CLIP model that names who is in them."""
        return {"kept": self.kept, "features": self.features().revision}

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Keep frames evenly spread over the take, its first and last among them, whatever their quality.

        Raises:
            ModelFilesError: the CLIP model cannot be loaded.
            ScoringError: a frame cannot be measured.
        """
        chosen = spread(len(frames), self.kept)
        features = self.features()
        embeddings = features.embed([frames[index] for index in chosen])
        return Remembered(tuple(
            Kept(frame=index, quality=0.0, reason=f"one of {len(chosen)} frames spread over the take",
                 subjects=who_is_seen(story, shot, embedding[None], features))
            for index, embedding in zip(chosen, embeddings, strict=True)
        ))

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Offer photographs, every expert's last choice, and what was kept since, oldest first.

        When that is more than `limit`, the oldest frames that are no photographs are left out.
        """
        offered = [recall for keyframe in bank.keyframes if (recall := _offer(bank, story, keyframe)) is not None]
        photographs = [recall for recall in offered if recall.keyframe.shot is None][: max(0, limit)]
        filmed = [recall for recall in offered if recall.keyframe.shot is not None]
        room = limit - len(photographs)
        return (*photographs, *(filmed[-room:] if room > 0 else ()))


def spread(frames: int, count: int) -> tuple[int, ...]:
    """Return at most `count` indices spread evenly over `frames` frames, ends included, each once."""
    return tuple(dict.fromkeys(np.linspace(0, frames - 1, min(count, frames)).round().astype(int).tolist()))


def _offer(bank: BankView, story: Story, keyframe: Keyframe) -> Recall | None:
    """Return to whom a keyframe is offered, and why; None: everybody has forgotten it."""
    if keyframe.shot is None:
        return Recall(keyframe, "reference photograph")
    shots = [shot.id for shot in story.shots]
    if bank.pool_shot is None or shots.index(keyframe.shot) >= shots.index(bank.pool_shot):
        return Recall(keyframe, f"new from {keyframe.shot}")
    experts = tuple(expert for expert, pool in bank.pools.items() if keyframe.sha256 in pool)
    return Recall(keyframe, f"chosen last by {' and '.join(experts)}", experts) if experts else None
