"""What the critic's scorers say of a take, and what the probe says of the same: two witnesses of the same faults.

The critic compares colours with those of a remembered picture; so the probe is asked whether the colours that it read
in that picture are still there. Knows no tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from filmagent.evaluation.papercut.records import ShotRecord
from filmagent.schemas.story import Shot
from filmagent.scoring.caption_fit import CaptionFit
from filmagent.scoring.clip import ImageFeatures
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.identity import Identity
from filmagent.scoring.port import ScoringContext, Video
from filmagent.training.papercut.probe.questions import Reading

IDENTITY_DRIFT, WRONG_SUBJECT, OFF_CAPTION = "identity_drift", "wrong_subject", "off_caption"
FAULTS: Mapping[str, str] = {
    IDENTITY_DRIFT: "a figure lost its colours (identity)",
    WRONG_SUBJECT: "somebody of the caption is missing (zero-shot kind)",
    OFF_CAPTION: "the place is another (zero-shot place)",
}
"""Symptom -> what it means, and which scorer finds it."""
COLOURS_ASKED = ("colour", "pattern_colour", "garment_colour")


def verdict(
    features: ImageFeatures, frames: Video, shot: Shot, context: ScoringContext
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(symptoms that could have been found, symptoms found) by the critic's CLIP scorers; none without words.

    Raises:
        ModelFilesError, ScoringError: the CLIP model cannot be loaded or asked.
    """
    if isinstance(features, ColourFeatures):
        return (), ()
    fit, identity = CaptionFit(features).score(frames, shot, context), Identity(features).score(frames, shot, context)
    judged = []
    if identity.values:
        judged.append(IDENTITY_DRIFT)
    if any(name != "caption_fit/place" for name in fit.values):
        judged.append(WRONG_SUBJECT)
    if "caption_fit/place" in fit.values:
        judged.append(OFF_CAPTION)
    found = {*fit.symptoms, *identity.symptoms}
    return tuple(judged), tuple(symptom for symptom in FAULTS if symptom in found)


def faults(record: ShotRecord, first: Mapping[str, Reading]) -> dict[str, bool]:
    """What the probe says of every fault that the critic was asked about.

    Args:
        record: one shot.
        first: by kind, what was read in the first shot with it.
    """
    truth, read = record.truth, record.reading
    ways: dict[str, Callable[[], bool]] = {
        IDENTITY_DRIFT: lambda: any(
            not same(read, first[kind], kind, _colours_of(truth, kind))
            for kind, since in record.since.items()
            if since is not None and kind in first
        ),
        WRONG_SUBJECT: lambda: not set(truth.kinds) <= set(read.kinds),
        OFF_CAPTION: lambda: read.picture["place"] != truth.picture["place"],
    }
    return {symptom: ways[symptom]() for symptom in record.judged if symptom in ways}


def same(now: Reading, before: Reading, kind: str, questions: Sequence[str]) -> bool:
    """Whether a figure is there and everything asked is read as it was before."""
    return kind in now.kinds and all(now.figures[kind][name] == before.figures[kind][name] for name in questions)


def _colours_of(truth: Reading, kind: str) -> tuple[str, ...]:
    return tuple(name for name in COLOURS_ASKED if name in truth.figures[kind])
