"""The CLIP that ships with papercut, on pictures that the papercut beside it draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from filmagent.generation.papercut.generator import papercut
from filmagent.generation.port import GenerationRequest
from filmagent.schemas import Link, Scene, Shot, ShotPlan, Story, Subject
from filmagent.scoring.caption_fit import CaptionFit
from filmagent.scoring.clip import features_for
from filmagent.scoring.identity import Identity
from filmagent.scoring.port import ScoringContext, SeenBefore

SHOT = Shot(id="one", scene=1, caption="Marlow sits.", subjects=("marlow",))
STORY = Story(title="Home", scenes=(Scene(number=1),), shots=(SHOT,), subjects=(
    Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat with a blue scarf"),))


@pytest.fixture(scope="module")
def features():
    return features_for("papercut")


@cache
def generator():
    return papercut()


@cache
def frames(place: str = "forest", figure: str = "orange cat with a blue scarf") -> np.ndarray:
    """An opening picture, three times over."""
    made = generator()
    prompt = f"medium shot of the {place} at day where the {figure} sits"
    request = GenerationRequest(prompt, "scene_cut", seed=1, size=made.capabilities.native_size, frames=1)
    return np.repeat(made.generate(request).frames, 3, axis=0)


def context() -> ScoringContext:
    return ScoringContext(
        story=STORY, plan=ShotPlan(shot="one", link=Link(kind="scene_cut")),
        prompt="medium shot of the forest at day where the cat sits",
        memory=(SeenBefore(frames("beach")[0], {"marlow": 1.0}),))


def test_what_papercut_draws_passes(features):
    assert CaptionFit(features).score(frames(), SHOT, context()).symptoms == ()
    assert Identity(features).score(frames(), SHOT, context()).symptoms == ()


def test_another_place_is_off_the_caption(features):
    assert CaptionFit(features).score(frames("city"), SHOT, context()).symptoms == ("off_caption",)


def test_another_kind_is_the_wrong_subject(features):
    robot = frames("forest", "orange robot with a blue scarf")
    assert CaptionFit(features).score(robot, SHOT, context()).symptoms == ("wrong_subject",)


def test_another_colour_is_a_drift(features):
    black = frames("forest", "black cat with a blue scarf")
    assert Identity(features).score(black, SHOT, context()).symptoms == ("identity_drift",)


def test_storymems_limit_parts_a_picture_from_other_places(features):
    forest, beach = (features.embed(frames(place))[0] for place in ("forest", "beach"))
    assert float(forest @ beach) < 0.9
