"""The scorers that the critic uses. A new one is one line here. Importing this loads no torch."""

from __future__ import annotations

from filmagent.scoring.caption_fit import CaptionFit
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.flicker import Flicker
from filmagent.scoring.identity import Identity
from filmagent.scoring.port import Scorer
from filmagent.scoring.quality import QualityScorer
from filmagent.scoring.seam import Seam
from filmagent.scoring.stillness import Stillness


def standard_scorers(features: ImageFeatures) -> tuple[Scorer, ...]:
    """Return every scorer with its usual limits. Cheap: `features` loads its model when the first take is measured.

    Who is in a picture and whether it fits its caption is measured only with features that understand words.
    """
    measured = (Stillness(), Flicker(), Seam(), QualityScorer())
    if isinstance(features, ColourFeatures):
        return measured
    return (*measured, CaptionFit(features), Identity(features))
