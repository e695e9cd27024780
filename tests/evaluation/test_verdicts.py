"""The critic's scorers as the benchmark asks them: real scorers, on features whose words are colours."""

from __future__ import annotations

import numpy as np
import pytest

from filmagent.evaluation.papercut.verdicts import IDENTITY_DRIFT, verdict
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.port import ScoringContext, SeenBefore

SHOWN = {"green": (30, 200, 60), "blue": (40, 60, 220), "orange": (240, 130, 20)}
STORY = Story(
    title="colours",
    subjects=(Subject(id="figure-0", name="the cat", kind="animal", appearance="a green cat"),),
    scenes=(Scene(number=1),),
    shots=(Shot(id="shot-00", scene=1, caption="the cat sits", subjects=("figure-0",)),),
)


class ColourWords:
    """A picture is its mean colour, a sentence the colour that it names."""

    revision = "colour words"
    logit_scale = 30.0

    def uses(self):
        return ()

    def knows(self, text):
        return set(text.split()) <= {*SHOWN, "cat", "a", "an"}

    def load(self):
        pass

    def embed(self, images):
        return _unit([image.reshape(-1, 3).mean(axis=0) for image in images])

    def embed_text(self, texts):
        named = [next((SHOWN[word] for word in text.split() if word in SHOWN), (1, 1, 1)) for text in texts]
        return _unit(named)


def _unit(rows) -> np.ndarray:
    found = np.array(rows, np.float32).reshape(-1, 3)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def video(colour: str) -> np.ndarray:
    return np.full((6, 8, 8, 3), SHOWN[colour], np.uint8)


def asked(now: str, before: str | None):
    memory = () if before is None else (SeenBefore(video(before)[0], {"figure-0": 1.0}),)
    plan = ShotPlan(shot="shot-00", link=Link(kind="scene_cut"))
    context = ScoringContext(story=STORY, plan=plan, prompt="the cat sits", memory=memory)
    return verdict(ColourWords(), video(now), STORY.shots[0], context)


@pytest.mark.parametrize(("now", "drifts"), [("green", False), ("blue", True), ("orange", True)])
def test_the_critic_is_asked_about_who_was_seen_before(now, drifts):
    judged, symptoms = asked(now, "green")
    assert IDENTITY_DRIFT in judged
    assert (IDENTITY_DRIFT in symptoms) == drifts


def test_of_the_new_no_drift_is_asked():
    judged, symptoms = asked("blue", None)
    assert IDENTITY_DRIFT not in judged and IDENTITY_DRIFT not in symptoms


def test_without_words_nothing_is_asked():
    plan = ShotPlan(shot="shot-00", link=Link(kind="scene_cut"))
    context = ScoringContext(story=STORY, plan=plan, prompt="the cat sits")
    assert verdict(ColourFeatures(), video("green"), STORY.shots[0], context) == ((), ())
