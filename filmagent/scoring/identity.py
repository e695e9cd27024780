"""Whether a subject looks as it is remembered. Knows what was remembered, not how.

Whole-picture similarity confounds the subject with the place around it. So take and memory are each asked, by CLIP,
what colour the subject has (`a white cat`, `a black cat`, ...) and what its scarf or coat has, and the two answers are
compared as distributions. Only a subject that CLIP has no word for is compared picture with picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from filmagent.schemas.story import Shot
from filmagent.schemas.take import Symptom
from filmagent.scoring.anchors import attribute_anchors, nouns_in_shot
from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.scoring.glance import Glance
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video
from filmagent.scoring.zero_shot import agreement, probabilities


@dataclass(frozen=True)
class IdentityLimits(Glance):
    """What counts as drift."""

    sure: float = 0.5
    """A remembered picture counts when the subject is in it at least this surely."""
    agreement: float = 0.5
    """Symptom below this agreement of colours (Bhattacharyya's coefficient, 0 to 1)."""
    similarity: float = 0.5
    """Symptom below this cosine, where only whole pictures can be compared."""
    pictures: int = 6
    """Remembered pictures of a subject that are looked at, the surest first."""


@dataclass(frozen=True)
class Identity:
    """Measures every subject in frame that has been seen before."""

    features: ImageFeatures
    limits: IdentityLimits = field(default_factory=IdentityLimits)

    @property
    def name(self) -> str:
        """Stable key."""
        return "identity"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give `identity/<subject>`, 0 to 1, for every subject that memory shows; `identity_drift` below the limit."""
        now = self.limits.look(frames, self.features)
        nouns = nouns_in_shot(context.story, shot, context.prompt, self.features)
        values: dict[str, float] = {}
        drifted = False
        for key in shot.subjects:
            before = self._remembered(key, context)
            if len(before) == 0:
                continue
            if key in nouns:
                values[f"identity/{key}"] = self._same_colours(key, nouns[key], now, before, context)
                drifted |= values[f"identity/{key}"] < self.limits.agreement
            else:
                values[f"identity/{key}"] = float((now @ before.T).max(axis=1).mean())
                drifted |= values[f"identity/{key}"] < self.limits.similarity
        symptoms: tuple[Symptom, ...] = ("identity_drift",) if drifted else ()
        return ScoreSheet(values, symptoms)

    def _remembered(self, key: str, context: ScoringContext) -> Embeddings:
        shown = [seen for seen in context.memory if seen.subjects.get(key, 0.0) >= self.limits.sure]
        shown.sort(key=lambda seen: -seen.subjects[key])
        return self.features.embed([seen.image for seen in shown[:self.limits.pictures]])

    def _same_colours(self, key: str, noun: str, now: Embeddings, before: Embeddings, context: ScoringContext) -> float:
        """The least agreement among the subject's attributes: one wrong colour is enough to be somebody else."""
        asked = attribute_anchors(context.story.subject(key), noun, self.features)
        if not asked:
            return float((now @ before.T).max(axis=1).mean())
        return min(agreement(probabilities(self.features, now, each.sentences).mean(axis=0),
                             probabilities(self.features, before, each.sentences).mean(axis=0)) for each in asked)
