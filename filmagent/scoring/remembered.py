"""Whether a picture drawn from memory agrees with what is remembered of its subject.

Memento's premise, turned into a measure: memory that keeps a subject can give it back (Wei et al., arXiv 2606.14667,
equation 7). Two questions: does the picture show the subject at all, and in its remembered colours? Knows nothing of
how the picture was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from filmagent.schemas.story import Shot
from filmagent.scoring.anchors import kind_anchors, nouns_in_shot
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.identity import Identity, IdentityLimits
from filmagent.scoring.port import Picture, ScoringContext
from filmagent.scoring.zero_shot import probabilities


@dataclass(frozen=True)
class Resemblance:
    """How well a picture agrees with memory."""

    scores: Mapping[str, float] = field(default_factory=dict)
    """`identity`: agreement with the remembered pictures; `shown`: how surely the picture shows what the subject is.
    Both 0 to 1; what could not be measured is left out."""
    faults: tuple[str, ...] = ()
    """What is below its limit, in words; empty: it agrees, or nothing was measured."""


def resemblance(
    features: ImageFeatures, picture: Picture, shot: Shot, context: ScoringContext,
    limits: IdentityLimits | None = None,
) -> Resemblance:
    """Compare a picture of the only subject of `shot` with the pictures of it in `context.memory`.

    Features that understand no words, and a memory that surely shows the subject nowhere, measure nothing.

    Raises:
        ScoringError: this is no picture.
        ModelFilesError: the CLIP model cannot be loaded.
    """
    if isinstance(features, ColourFeatures):
        return Resemblance()
    limits = limits or IdentityLimits()
    key = shot.subjects[0]
    identity = Identity(features, limits).score(picture[None], shot, context)
    if f"identity/{key}" not in identity.values:
        return Resemblance()
    scores, faults = {"identity": identity.values[f"identity/{key}"]}, []
    noun = nouns_in_shot(context.story, shot, context.prompt, features).get(key)
    if noun is not None:
        asked = kind_anchors(noun, (), features)
        scores["shown"] = float(probabilities(features, features.embed([picture]), asked.sentences)[0, asked.stated])
        if scores["shown"] < limits.sure:
            faults.append(f"the picture hardly shows a {noun} ({scores['shown']:.2f})")
    if identity.symptoms:
        faults.append(f"the picture does not look like the remembered ones (agreement {scores['identity']:.2f})")
    return Resemblance({name: round(value, 4) for name, value in scores.items()}, tuple(faults))
