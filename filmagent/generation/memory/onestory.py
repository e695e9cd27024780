"""The memory policy `onestory`: every earlier shot stays in memory, and the generator's selector ranks all its frames.

One frame is kept for each latent frame of a take, as the paper remembers latent frames, but at most eight: neighbours
differ little, and every frame that is offered is written down in the manifest. Nothing is forgotten; where the film
has more frames than the selector ranks at once, they are thinned evenly. A policy only offers: it goes with generators
that choose, and those share out their budget by rank. Source: An et al., "OneStory" (arXiv 2512.07802), equation 2.
Knows no files, graphs or selectors. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from filmagent.generation.limits import TEMPORAL_STRIDE
from filmagent.generation.memory.memento import KEPT, Memento, spread
from filmagent.generation.memory.port import BankView, Recall, Remembered
from filmagent.generation.port import Frames
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story
from filmagent.scoring.clip import ImageFeatures


@dataclass(frozen=True)
class OneStory:
    """Keeps evenly spread frames, and offers those of all earlier shots."""

    features: Callable[[], ImageFeatures]
    """Gives the CLIP model, which names who is in a frame; called when a take is remembered, not before."""
    kept: int = KEPT

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        return "onestory"

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """How many frames are kept, and the revision of the CLIP model that names who is in them."""
        return {**Memento(self.features, self.kept).fingerprint, "a_frame_in": TEMPORAL_STRIDE}

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Keep frames evenly spread over the take, one for each latent frame, whatever their quality.

        Raises:
            ModelFilesError: the CLIP model cannot be loaded.
            ScoringError: a frame cannot be measured.
        """
        return Memento(self.features, kept_count(len(frames), self.kept)).remember(bank, story, shot, frames)

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Offer photographs, and what is kept of all earlier shots, oldest first.

        When that is more than `limit`, frames that are no photographs are left out, evenly over the film.
        """
        photographs = [keyframe for keyframe in bank.keyframes if keyframe.shot is None][: max(0, limit)]
        filmed = [keyframe for keyframe in bank.keyframes if keyframe.shot is not None]
        room = limit - len(photographs)
        offered = [filmed[index] for index in spread(len(filmed), room)] if filmed and room > 0 else []
        return (*(Recall(keyframe, "reference photograph, for the selector to rank") for keyframe in photographs),
                *(Recall(keyframe, f"frame {keyframe.frame} of {keyframe.shot}, for the selector to rank")
                  for keyframe in offered))


def kept_count(frames: int, most: int = KEPT) -> int:
    """Return how many frames of a take of so many are kept: one for each latent frame, at most `most`."""
    return min(most, -(-frames // TEMPORAL_STRIDE))
