"""The critic never says more than was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.agents.critic import AttemptBudget, Critic, best_attempt, merit, severity, situation_of
from filmagent.errors import FilmAgentError, LLMUnavailableError, ModelFilesError, ScoringError
from filmagent.generation.papercut.casting import cast_shot
from filmagent.generation.port import ShotPrompt
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.schemas.take import MemoryUse, Outcome, Review, Symptom, Take
from filmagent.scoring.port import ScoreSheet, ScoringContext, SeenBefore, Video
from filmagent.scoring.stillness import Stillness
from tests.support.toy_generator import ToyGenerator

STORY = Story(
    title="Home", scenes=(Scene(number=1, place="market"),),
    subjects=(Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat"),
              Subject(id="robin", name="Robin the robot", kind="object", appearance="a red robot with one wheel"),
              Subject(id="market", name="the market", kind="place")),
    shots=(Shot(id="shot-1", scene=1, caption="Marlow the cat wakes.", subjects=("marlow",)),
           Shot(id="shot-2", scene=1, caption="Marlow the cat meets Robin the robot.", subjects=("marlow", "robin"))),
)
SHOT = STORY.shots[1]
PLAN = ShotPlan(shot="shot-2", link=Link(kind="MI2V"))
CONTEXT = ScoringContext(story=STORY, plan=PLAN, prompt="an orange cat, a red robot")
GENERATOR = ToyGenerator()
PICTURE = np.zeros((8, 8, 3), np.uint8)
LEFT = AttemptBudget(shot=3, film=3)
MEMORY = 5


def moving(seed: int = 0) -> Video:
    return np.random.default_rng(seed).integers(0, 255, (5, 32, 32, 3), np.uint8)


def take(key: str = "0" * 16, memory: Sequence[MemoryUse] = ()) -> Take:
    return Take(key=key, shot="shot-2", attempt=1, path=f"takes/{key}.mp4", sha256="0", frames=5, fps=8, width=32,
                height=32, link="MI2V", prompt=CONTEXT.prompt, seed=1, generator="toy", memory=tuple(memory))


@dataclass(frozen=True)
class Fixed:
    """A scorer whose measurement is known beforehand."""

    sheet: ScoreSheet = field(default_factory=ScoreSheet)
    error: FilmAgentError | None = None
    name: str = "fixed"

    def score(self, frames: Video, shot: Shot, context: ScoringContext) -> ScoreSheet:
        if self.error is not None:
            raise self.error
        return self.sheet


def review(*scorers: Fixed | Stillness, history: Sequence[Review] = (), budget: AttemptBudget = LEFT,
           vision: Fixed | None = None, frames: Video | None = None) -> Review:
    return Critic(scorers, vision).review(take(), moving() if frames is None else frames, SHOT, CONTEXT,
                                          history=history, budget=budget, memory_limit=MEMORY, generator=GENERATOR)


def showing(*symptoms: Symptom, **scores: float) -> Fixed:
    return Fixed(ScoreSheet(scores, symptoms))


def test_no_symptom_is_a_pass_with_its_numbers() -> None:
    verdict = review(showing(a=0.5), showing(b=0.25))
    assert (verdict.outcome, verdict.scores, verdict.lever) == ("pass", {"a": 0.5, "b": 0.25}, None)


def test_a_real_scorer_finds_a_real_fault() -> None:
    assert review(Stillness()).outcome == "pass"
    frozen = review(Stillness(), frames=np.repeat(moving()[:1], 5, axis=0))
    assert (frozen.outcome, frozen.symptoms) == ("retake", ("frozen",))
    assert frozen.lever is not None and frozen.lever.kind == "new_seed"
    assert "blank" in review(Stillness(), frames=np.zeros((5, 32, 32, 3), np.uint8)).symptoms


def test_symptoms_of_all_scorers_come_together() -> None:
    verdict = review(showing("flicker"), showing("off_caption", "flicker"), vision=showing("wrong_subject"))
    assert verdict.symptoms == ("flicker", "off_caption", "wrong_subject")
    assert verdict.reason == "wrong subject, off caption, flicker"


@pytest.mark.parametrize(("budget", "whose"), [(AttemptBudget(0, 5), "shot"), (AttemptBudget(5, 0), "film"),
                                               (AttemptBudget(5, -1), "film")])
def test_a_spent_budget_is_no_pass(budget: AttemptBudget, whose: str) -> None:
    verdict = review(showing("flicker"), budget=budget)
    assert (verdict.outcome, verdict.lever) == ("attempts_exhausted", None)
    assert f"the {whose} has no attempts left" in verdict.reason
    assert review(showing(), budget=budget).outcome == "pass"


@pytest.mark.parametrize("error", [ScoringError("CLIP gave nothing"), LLMUnavailableError("CLIP gave nothing")])
def test_a_broken_critic_gives_no_verdict_but_keeps_what_it_measured(error: FilmAgentError) -> None:
    verdict = review(Fixed(error=error, name="identity"), showing("flicker", a=0.5))
    assert (verdict.outcome, verdict.lever, verdict.scores) == ("critic_error", None, {"a": 0.5})
    assert verdict.reason == "identity could not measure: CLIP gave nothing"
    assert review(showing(), vision=Fixed(error=error)).outcome == "critic_error"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_measurement_that_is_no_number_is_an_error(value: float) -> None:
    verdict = review(showing(a=value, b=1.0))
    assert (verdict.outcome, verdict.scores) == ("critic_error", {"b": 1.0})


def test_missing_model_files_stop_the_film() -> None:
    with pytest.raises(ModelFilesError):
        review(Fixed(error=ModelFilesError("no weights")))


def test_retakes_differ_until_the_budget_ends() -> None:
    history: list[Review] = []
    for left in range(4, -1, -1):
        history.append(review(showing("off_caption"), history=history, budget=AttemptBudget(left, 9)))
    assert [entry.outcome for entry in history] == ["retake"] * 4 + ["attempts_exhausted"]
    assert [entry.lever.kind for entry in history[:4] if entry.lever] == ["rewrite_attributes", "new_seed", "new_seed",
                                                                          "new_seed"]
    assert [entry.lever.seed_offset for entry in history[:4] if entry.lever] == [0, 2, 3, 4]


def test_only_what_the_prompt_lacks_is_spelled_out() -> None:
    situation = situation_of(take(), SHOT, CONTEXT, GENERATOR, MEMORY)
    assert situation.attributes == "Robin the robot: a red robot with one wheel."


class OfFewWords(ToyGenerator):
    """Words every shot alike, whatever its caption says."""

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        return ShotPrompt("somebody somewhere")


class Papercut(ToyGenerator):
    """Words shots as papercut does."""

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        return cast_shot(story, shot)


def test_spelling_out_is_no_lever_where_it_changes_no_word() -> None:
    assert situation_of(take(), SHOT, CONTEXT, OfFewWords(), MEMORY).attributes == ""


def test_spelling_out_gives_papercut_the_colours() -> None:
    """In papercut's words a subject's colour is left to memory after its first shot; the lever says it again."""
    plain = cast_shot(STORY, SHOT).text
    context = ScoringContext(story=STORY, plan=PLAN, prompt=plain)
    attributes = situation_of(take(), SHOT, context, Papercut(), MEMORY).attributes
    spelled_out = cast_shot(STORY, SHOT.model_copy(update={"caption": f"{SHOT.caption} {attributes}"})).text
    assert "orange cat" not in plain and "orange cat" in spelled_out


def test_subjects_that_memory_knows_and_the_take_was_not_shown() -> None:
    context = ScoringContext(story=STORY, plan=PLAN, prompt="x", memory=(
        SeenBefore(PICTURE, {"marlow": 0.9}), SeenBefore(PICTURE, {"robin": 1.0}, photograph=True),
        SeenBefore(PICTURE, {"robin": 0.8})))
    situation = situation_of(take(), SHOT, context, GENERATOR, MEMORY)
    assert (situation.unseen_in_film, situation.unseen_in_photographs) == (("marlow",), ("robin",))
    shown = take(memory=[MemoryUse(sha256="0", path="p", shot=None, subjects=("robin",))])
    situation = situation_of(shown, SHOT, context, GENERATOR, MEMORY)
    assert (situation.unseen_in_film, situation.unseen_in_photographs, situation.memory_shown) == (("marlow",), (), 1)
    unsure = ScoringContext(story=STORY, plan=PLAN, prompt="x", memory=(SeenBefore(PICTURE, {"marlow": 0.2}),))
    assert situation_of(take(), SHOT, unsure, GENERATOR, MEMORY).unseen_in_film == ()
    nobody = situation_of(take(), SHOT, context, GENERATOR, memory_limit=0)
    assert (nobody.unseen_in_film, nobody.unseen_in_photographs) == ((), ())


def reviewed(outcome: Outcome = "retake", *symptoms: Symptom, **scores: float) -> Review:
    return Review(take="0" * 16, outcome=outcome, symptoms=symptoms,
                  scores={name.replace("__", "/"): value for name, value in scores.items()})


@pytest.mark.parametrize(("attempts", "best"), [
    ([reviewed("retake", "blank"), reviewed("retake", "flicker"), reviewed("attempts_exhausted", "seam_jump")], 1),
    ([reviewed("retake", "flicker", "low_quality"), reviewed("attempts_exhausted", "seam_jump")], 1),
    ([reviewed("retake", "blank", "wrong_subject"), reviewed("critic_error")], 0),
    ([reviewed("retake", "flicker", identity__a=0.2), reviewed("retake", "flicker", identity__a=0.7)], 1),
    ([reviewed("retake", "seam_jump", seam__difference=0.1), reviewed("retake", "seam_jump", seam__difference=0.3)], 0),
    ([reviewed("retake", "flicker"), reviewed("retake", "flicker")], 0),
    ([reviewed("retake", "flicker", quality__x=1.0), reviewed("pass")], 1),
])
def test_the_best_attempt(attempts: list[Review], best: int) -> None:
    assert best_attempt(attempts) == best


REVIEWS = st.lists(st.builds(
    lambda outcome, symptoms, scores: reviewed(outcome, *symptoms, **scores),
    st.sampled_from(["retake", "critic_error", "attempts_exhausted"]),
    st.lists(st.sampled_from(["blank", "flicker", "seam_jump"]), max_size=2),
    st.fixed_dictionaries({"identity__a": st.floats(0, 1), "flicker__worst": st.floats(0, 1)}),
), min_size=1, max_size=6)


@given(REVIEWS)
def test_the_best_attempt_is_measured_if_any_is(attempts: list[Review]) -> None:
    best = attempts[best_attempt(attempts)]
    measured = [entry for entry in attempts if entry.outcome != "critic_error"]
    assert (best in measured) == bool(measured)
    assert all((severity(best.symptoms), -merit(best.scores)) <= (severity(other.symptoms), -merit(other.scores))
               for other in measured)


def test_no_attempt_no_best() -> None:
    with pytest.raises(ValueError, match="no attempt"):
        best_attempt([])
