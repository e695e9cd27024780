"""A few frames of a take as CLIP sees them: what every scorer looks at that asks CLIP. Knows no subjects."""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.scoring.pixels import check_video, sample_indices
from filmagent.scoring.port import Video


@dataclass(frozen=True)
class Glance:
    """How much of a take is looked at. The limits of a scorer that asks CLIP say the rest."""

    frames: int = 5
    """Frames of the take that are looked at, spread evenly."""

    def look(self, video: Video, features: ImageFeatures) -> Embeddings:
        """Return the embeddings of those frames, shape (frames, dimensions).

        Raises:
            ScoringError: this is no video.
            ModelFilesError: the CLIP model cannot be loaded.
        """
        check_video(video)
        return features.embed([video[index] for index in sample_indices(len(video), self.frames)])
