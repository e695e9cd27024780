"""Whether a take shows the place and the subjects of its prompt, against other places and kinds that it might show.

Sentences that differ from the true one in a single word are the distractors; CLIP says how surely the true one wins.
A plain text-image cosine would have no zero point. Knows nothing of memory: see `identity`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from filmagent.schemas.story import Shot
from filmagent.schemas.take import Symptom
from filmagent.scoring.anchors import attribute_anchors, kind_anchors, nouns_in_shot
from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.scoring.glance import Glance
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video
from filmagent.scoring.words import PLACES, among
from filmagent.scoring.zero_shot import probabilities


@dataclass(frozen=True)
class CaptionLimits(Glance):
    """What counts as missing the prompt."""

    place: float = 0.4
    """`off_caption` when the prompt's place wins less surely than this."""
    kind: float = 0.3
    """`wrong_subject` when a subject's kind wins less surely than this."""


@dataclass(frozen=True)
class CaptionFit:
    """Measures place and kinds, and reports stated colours."""

    features: ImageFeatures
    limits: CaptionLimits = field(default_factory=CaptionLimits)

    @property
    def name(self) -> str:
        """Stable key."""
        return "caption_fit"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        """Give `caption_fit/place`, `caption_fit/<subject>` (its kind) and `caption_fit/<subject>/<attribute>`, 0 to 1.

        What the prompt does not say in words that the model knows is left out. Stated colours raise no symptom: how a
        subject looks is judged against memory.
        """
        now = self.limits.look(frames, self.features)
        symptoms: list[Symptom] = []
        values = self._place(now, context.prompt)
        if values and values["caption_fit/place"] < self.limits.place:
            symptoms.append("off_caption")
        nouns = nouns_in_shot(context.story, shot, context.prompt, self.features)
        for key, noun in nouns.items():
            others = tuple(other for other in nouns.values() if other != noun)
            asked = kind_anchors(noun, others, self.features)
            values[f"caption_fit/{key}"] = self._wins(now, asked.sentences, asked.stated or 0)
            if values[f"caption_fit/{key}"] < self.limits.kind and "wrong_subject" not in symptoms:
                symptoms.append("wrong_subject")
            for each in attribute_anchors(context.story.subject(key), noun, self.features):
                if each.stated is not None:
                    values[f"caption_fit/{key}/{each.about}"] = self._wins(now, each.sentences, each.stated)
        return ScoreSheet(values, tuple(symptoms))

    def _place(self, now: Embeddings, prompt: str) -> dict[str, float]:
        known = [place for place in PLACES if self.features.knows(place)]
        said = among(prompt, tuple(known))
        if len(said) != 1:
            return {}
        return {"caption_fit/place": self._wins(now, tuple(f"the {place}" for place in known), known.index(said[0]))}

    def _wins(self, now: Embeddings, sentences: tuple[str, ...], stated: int) -> float:
        return float(np.mean(probabilities(self.features, now, sentences)[:, stated]))
