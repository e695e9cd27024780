"""The critic: measures a take, gives a verdict, and chooses what a retake changes.

Scorers measure, this file judges: any symptom means a retake while attempts are left. A critic that broke says so
(`critic_error`), and a budget that ran out says so (`attempts_exhausted`): neither is ever a pass. Knows no torch, no
run folder and no graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filmagent.agents.levers import SEVERITY, Situation, choose_lever
from filmagent.errors import LLMError, ScoringError
from filmagent.generation.port import Frames, Generator
from filmagent.schemas.story import Shot
from filmagent.schemas.take import Lever, Outcome, Review, Symptom, Take
from filmagent.scoring.port import Scorer, ScoringContext

MERITS: Mapping[str, float] = {
    "identity/": 3.0, "caption_fit/": 2.0, "vision/": 2.0, "quality/": 1.0, "seam/difference": -2.0,
    "flicker/worst": -1.0,
}
"""Beginning of a score's name -> its weight in `merit`; all these scores lie between 0 and 1. The others (decibels,
contrast, moving area) say nothing about better and worse between two takes without symptoms."""
SURELY_SHOWN = 0.5
"""A remembered picture shows a subject when it is in it at least this surely."""


@dataclass(frozen=True)
class AttemptBudget:
    """Retakes that are left, the take under review already paid for."""

    shot: int
    film: int


@dataclass(frozen=True)
class _Measured:
    """What all scorers together found."""

    scores: Mapping[str, float]
    symptoms: tuple[Symptom, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Critic:
    """Judges takes with the scorers it is given."""

    scorers: Sequence[Scorer]
    vision: Scorer | None = None
    """Asked after the scorers; a `VisionCritic`, for example."""

    def review(
        self,
        take: Take,
        frames: Frames,
        shot: Shot,
        context: ScoringContext,
        *,
        history: Sequence[Review],
        budget: AttemptBudget,
        memory_limit: int,
        generator: Generator,
    ) -> Review:
        """Measure one take and judge it.

        Args:
            take: the take under review.
            frames: its frames, uint8 RGB of shape (frames, height, width, 3).
            shot: what it was made from.
            context: what it is measured against.
            history: reviews of the earlier attempts at this shot, in order.
            budget: retakes that are left.
            memory_limit: memory frames that a retake may be shown; 0: the film has no memory.
            generator: the one that would make the retake; it only says what it can do and how it words a shot.

        Returns:
            `pass` without symptoms; `retake` with a lever; `attempts_exhausted` when no retake is left;
            `critic_error` when a measurement or the vision LLM broke.
        """
        measured = self._measure(frames, shot, context)
        if measured.failures:
            return _review(take, "critic_error", measured, "; ".join(measured.failures))
        if not measured.symptoms:
            return _review(take, "pass", measured, "no symptoms")
        found = _in_words(measured.symptoms)
        if budget.shot <= 0 or budget.film <= 0:
            whose = "shot" if budget.shot <= 0 else "film"
            return _review(take, "attempts_exhausted", measured, f"{found}; the {whose} has no attempts left")
        tried = [entry.lever for entry in history if entry.lever is not None]
        situation = situation_of(take, shot, context, generator, memory_limit)
        lever = choose_lever(measured.symptoms, tried, len(history) + 1, situation)
        return _review(take, "retake", measured, found, lever)

    def _measure(self, frames: Frames, shot: Shot, context: ScoringContext) -> _Measured:
        """Run every scorer; one that breaks does not keep the others from measuring."""
        scores: dict[str, float] = {}
        symptoms: list[Symptom] = []
        failures: list[str] = []
        for scorer in (*self.scorers, *((self.vision,) if self.vision is not None else ())):
            try:
                sheet = scorer.score(frames, shot, context)
            except (ScoringError, LLMError) as error:
                failures.append(f"{scorer.name} could not measure: {error}")
                continue
            broken = [name for name, value in sheet.values.items() if not math.isfinite(value)]
            failures.extend(f"{scorer.name} measured no number for {name}" for name in broken)
            scores.update({name: float(value) for name, value in sheet.values.items() if name not in broken})
            symptoms.extend(symptom for symptom in sheet.symptoms if symptom not in symptoms)
        return _Measured(scores, tuple(symptoms), tuple(failures))


def best_attempt(reviews: Sequence[Review]) -> int:
    """Return the index of the attempt to keep: measured before unmeasured, lightest symptoms, then most merit.

    Of equal attempts the earliest is kept: it is the one nearest to the baseline.

    Raises:
        ValueError: there are no reviews.
    """
    if not reviews:
        raise ValueError("no attempt was reviewed")
    return min(range(len(reviews)), key=lambda index: _rank(reviews[index]))


def severity(symptoms: Sequence[Symptom]) -> float:
    """Return how much these symptoms together spoil a film (see `levers.SEVERITY`)."""
    return sum(SEVERITY[symptom] for symptom in dict.fromkeys(symptoms))


def merit(scores: Mapping[str, float]) -> float:
    """Return the weighted sum of a take's comparable scores, each family (`MERITS`) counted by its mean."""
    total = 0.0
    for beginning, weight in MERITS.items():
        family = [value for name, value in scores.items() if name.startswith(beginning)]
        if family:
            total += weight * sum(family) / len(family)
    return total


def situation_of(
    take: Take, shot: Shot, context: ScoringContext, generator: Generator, memory_limit: int
) -> Situation:
    """Return what a retake of this take could change; nobody is missed who could not be shown (`memory_limit` 0)."""
    shown = {subject for use in take.memory_shown for subject in use.subjects}
    capabilities = generator.capabilities
    unseen = [] if memory_limit == 0 else [key for key in shot.subjects if key not in shown]
    photographed = {key for key in unseen for seen in context.memory
                    if seen.photograph and seen.subjects.get(key, 0.0) >= SURELY_SHOWN}
    filmed = {key for key in unseen for seen in context.memory
              if not seen.photograph and seen.subjects.get(key, 0.0) >= SURELY_SHOWN}
    return Situation(
        plan=context.plan,
        links=capabilities.links,
        memory_shown=take.memory_at_a_time,
        attributes=_unsaid_attributes(shot, context, generator),
        unseen_in_photographs=tuple(key for key in unseen if key in photographed),
        unseen_in_film=tuple(key for key in unseen if key in filmed and key not in photographed),
    )


def _unsaid_attributes(shot: Shot, context: ScoringContext, generator: Generator) -> str:
    """Return a sentence for every subject whose appearance the prompt does not say; empty when the generator would
    word the shot as before.
    """
    subjects = [context.story.subject(key) for key in shot.subjects]
    place = context.story.place_of(shot)
    sentences = [f"{subject.name}: {subject.appearance.rstrip('.')}."
                 for subject in (*subjects, *((place,) if place is not None else ()))
                 if _without_article(subject.appearance) not in context.prompt.lower()]
    spelled_out = " ".join(sentences)
    longer = shot.model_copy(update={"caption": f"{shot.caption} {spelled_out}"})
    changes = generator.translate(context.story, longer).text != generator.translate(context.story, shot).text
    return spelled_out if changes else ""


def _without_article(appearance: str) -> str:
    """Return an appearance as it may stand inside a prompt: `An orange cat.` as `orange cat`."""
    words = appearance.lower().rstrip(".").split()
    return " ".join(words[1:] if words and words[0] in {"a", "an", "the"} else words)


def _rank(review: Review) -> tuple[bool, float, float]:
    """Return what makes an attempt worse: smaller is better."""
    return review.outcome == "critic_error", severity(review.symptoms), -merit(review.scores)


def _in_words(symptoms: Sequence[Symptom]) -> str:
    """Say symptoms in words, the worst first."""
    return ", ".join(name.replace("_", " ") for name in sorted(symptoms, key=lambda name: -SEVERITY[name]))


def _review(take: Take, outcome: Outcome, measured: _Measured, reason: str, lever: Lever | None = None) -> Review:
    """Write a review down."""
    return Review(take=take.key, outcome=outcome, scores=dict(measured.scores), symptoms=measured.symptoms,
                  reason=reason, lever=lever)
