"""The CLIP that ships with papercut, on shots that it has never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmagent.schemas import Link, Scene, Shot, ShotPlan, Story, Subject
from filmagent.scoring.caption_fit import CaptionFit
from filmagent.scoring.clip import features_for
from filmagent.scoring.identity import Identity
from filmagent.scoring.port import ScoringContext, SeenBefore
from filmagent.training.papercut.clip_measure import accuracy, cosines
from filmagent.training.papercut.world import Figure, Performance, ShotScript, render_frames

MARLOW = Figure("cat", "orange", "blue")
SHOT = Shot(id="one", scene=1, caption="Marlow sits.", subjects=("marlow",))
STORY = Story(title="Home", scenes=(Scene(number=1),), shots=(SHOT,), subjects=(
    Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat with a blue scarf"),))


@pytest.fixture(scope="module")
def features():
    return features_for("papercut")


def frames(place: str = "forest", **figure: str) -> np.ndarray:
    script = ShotScript((replace(MARLOW, **figure),), place, "day", "medium", (Performance(0, "sits", 1, 0.5, 0.0),))
    return render_frames(script, [0, 8, 16]).frames


def context() -> ScoringContext:
    return ScoringContext(
        story=STORY, plan=ShotPlan(shot="one", link=Link(kind="scene_cut")),
        prompt="medium shot of the forest at day where the cat sits",
        memory=(SeenBefore(frames("beach")[0], {"marlow": 1.0}),))


def test_it_names_places_times_and_kinds(features):
    right = accuracy(features, shots=30)
    assert min(right["place"], right["time"]) > 0.9
    assert right["kind"] > 0.7


def test_storymems_limit_parts_a_shot_from_other_places(features):
    found = cosines(features, shots=8)
    assert found["next frame"].low > 0.9 > found["other place"].high


def test_a_rendered_take_is_judged_as_it_deserves(features):
    caption, identity = CaptionFit(features), Identity(features)
    assert caption.score(frames(), SHOT, context()).symptoms == ()
    assert identity.score(frames(), SHOT, context()).symptoms == ()
    assert caption.score(frames("city"), SHOT, context()).symptoms == ("off_caption",)
    assert caption.score(frames(kind="robot"), SHOT, context()).symptoms == ("wrong_subject",)
    assert identity.score(frames(colour="blue"), SHOT, context()).symptoms == ("identity_drift",)
