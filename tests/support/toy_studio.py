"""A studio whose generator is the toy and whose scorers need no model, for tests of the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from filmagent.agents.llm import LLM
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import Shot
from filmagent.schemas.take import Symptom
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.port import ScoreSheet, ScoringContext, Video
from tests.support.toy_generator import ToyGenerator


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
