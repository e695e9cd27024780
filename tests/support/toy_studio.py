"""A studio whose generator is the toy and whose scorers need no model, for tests of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from filmagent.agents.llm import LLM
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import Shot
from filmagent.schemas.take import Symptom
from filmagent.scoring.port import Picture, ScoreSheet, ScoringContext, Video
from tests.support.toy_generator import ToyGenerator


class ColourFeatures:
    """Embeds a picture as its mean colours on a coarse grid: near pictures are near, and no weights are needed."""

    revision = "colours-1"

    def knows(self, word: str) -> bool:
        """It sees colours and understands no word."""
        return False

    def embed(self, images: Sequence[Picture]) -> np.ndarray:
        rows = [np.asarray([[cell.mean(axis=(0, 1)) for cell in np.array_split(band, 4, axis=1)]
                            for band in np.array_split(image.astype(np.float32), 3, axis=0)]).ravel() - 128
                for image in images]
        unit = [row / max(float(np.linalg.norm(row)), 1e-6) for row in rows]
        return np.asarray(unit, np.float32).reshape(len(unit), 36)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng(len(text)).normal(size=36) for text in texts]
        return np.asarray([row / np.linalg.norm(row) for row in rows], np.float32).reshape(len(rows), 36)


@dataclass
class ScriptedScorer:
    """Gives the symptoms of its script, one entry a take, then none. Remembers what it was shown."""

    script: list[tuple[Symptom, ...]] = field(default_factory=list)
    seen: list[tuple[str, ScoringContext]] = field(default_factory=list)
    name: str = "scripted"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        self.seen.append((shot.id, context))
        symptoms = self.script.pop(0) if self.script else ()
        return ScoreSheet({"goodness": 0.0 if symptoms else 1.0}, symptoms)


def toy_studio(generator: ToyGenerator | None = None, *, llm: LLM | None = None,
               scorer: ScriptedScorer | None = None) -> Studio:
    """Return a studio of toys."""
    made, judge = generator or ToyGenerator(), scorer or ScriptedScorer()
    return Studio(
        make_generator=lambda settings: made, make_llm=lambda settings: llm,
        make_features=lambda name: ColourFeatures(), make_scorers=lambda features: (judge,),
    )
