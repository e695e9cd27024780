"""A whole film through the real graph with OneStory's memory at toy size: every earlier shot is offered and ranked."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from filmagent.delivery.manifest import read_manifest
from filmagent.errors import UsageError
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.tiny_onestory import build_tiny_onestory, tiny_onestory
from tests.support.toy_studio import ScriptedScorer, toy_studio

SETTINGS = Settings(memory="onestory")
STORY = story(4, {2: "scene_cut", 3: "MI2V", 4: "scene_cut"})


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    weights: Path = build_tiny_onestory(tmp_path_factory.mktemp("onestory"))
    generator, run = tiny_onestory(weights), tmp_path_factory.mktemp("run") / "film"
    studio = Studio(make_generator=lambda settings: generator, make_llm=lambda settings: None,
                    make_features=lambda name: ColourFeatures(), make_scorers=lambda features: (ScriptedScorer(),))
    run_film(run, request=RunRequest(story=STORY, settings=SETTINGS), studio=studio)
    return [record.chosen for record in read_manifest(run / "film.json").shots]


def test_nothing_is_ever_forgotten(takes):
    assert [len(take.memory) for take in takes] == [0, 3, 6, 8]
    assert {use.shot for use in takes[3].memory} == {"shot-01", "shot-02", "shot-03"}
    for before, after in pairwise(takes[1:]):
        assert [use.sha256 for use in after.memory[: len(before.memory)]] == [use.sha256 for use in before.memory]


def test_the_manifest_says_who_chose_what_and_how_finely_it_was_shown(takes):
    for take in takes[1:]:
        assert all(use.reason.endswith("for the selector to rank") for use in take.memory)
        assert 0 < take.memory_at_a_time <= 4, "one latent frame of this size has four tokens"
        for use in take.memory_shown:
            for expert in ("high_noise", "low_noise"):
                sizes = [size for size in ("2x2", "4x4", "8x8") if f"{expert} {size}" in use.chosen_by]
                assert len(sizes) == (expert in use.chosen_by)


def test_a_generator_without_a_selector_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match=r"--memory onestory.*no selector"):
        run_film(tmp_path / "film", request=RunRequest(story=STORY, settings=SETTINGS), studio=toy_studio())
    assert not (tmp_path / "film").exists()
