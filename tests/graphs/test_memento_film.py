"""A whole film through the real graph with Memento's experts at toy size: what is offered, chosen, drawn and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filmagent.delivery.manifest import read_manifest
from filmagent.errors import UsageError
from filmagent.generation.port import GenerationRequest
from filmagent.generation.wan.memento.generator import WanMementoGenerator
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.tiny_memento import build_tiny_memento, tiny_memento
from tests.support.toy_studio import ScriptedScorer, toy_studio

SETTINGS = Settings(memory="memento", identity=True)
STORY = story(4, {2: "scene_cut", 3: "MI2V", 4: "scene_cut"})


@dataclass
class Witness:
    """Remembers what the generator was asked for."""

    generator: WanMementoGenerator
    requests: list[GenerationRequest] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.generator, name)

    def generate(self, request: GenerationRequest) -> object:
        self.requests.append(request)
        return self.generator.generate(request)


def studio(witness: Witness) -> Studio:
    return Studio(make_generator=lambda settings: witness, make_llm=lambda settings: None,
                  make_features=lambda name: ColourFeatures(), make_scorers=lambda features: (ScriptedScorer(),))


@pytest.fixture(scope="module")
def filmed(tmp_path_factory) -> tuple[Path, Witness]:
    weights, run = build_tiny_memento(tmp_path_factory.mktemp("memento")), tmp_path_factory.mktemp("run") / "film"
    witness = Witness(tiny_memento(weights))
    run_film(run, request=RunRequest(story=STORY, settings=SETTINGS), studio=studio(witness))
    return run, witness


def test_experts_are_offered_their_last_choice_and_the_take_before(filmed):
    run, witness = filmed
    assert [len(request.memory) for request in witness.requests[:3]] == [0, 8, 16]
    assert witness.requests[0].recollection is None
    chosen = [record.chosen for record in read_manifest(run / "film.json").shots]
    for before, take in pairwise(chosen[1:]):
        for expert in ("high_noise", "low_noise"):
            kept = {use.sha256 for use in before.memory if expert in use.chosen_by}
            offered = {use.sha256 for use in take.memory if not use.offered_to or expert in use.offered_to}
            assert len(kept) == 8
            assert kept | {use.sha256 for use in take.memory if use.shot == before.shot} == offered
    assert chosen[2].memory_at_a_time == 8 < len(chosen[2].memory)


def test_the_times_are_the_film_s(filmed):
    run, witness = filmed
    lengths = [record.chosen.frames for record in read_manifest(run / "film.json").shots]
    assert lengths == [9, 9, 8, 9]
    starts = [request.recollection.start for request in witness.requests[1:]]
    assert starts == [9, 17, 26], "a join generates the last frame of the take before once more"
    assert [candidate.frame for candidate in witness.requests[1].recollection.candidates][::7] == [0, 8]
    assert max(each.frame for each in witness.requests[3].recollection.candidates) == 25


def test_the_subject_is_drawn_beside_every_shot_that_remembers(filmed):
    run, witness = filmed
    takes = [record.chosen for record in read_manifest(run / "film.json").shots]
    assert takes[0].identity is None
    for take, request in zip(takes[1:], witness.requests[1:], strict=True):
        assert (take.identity.subject, take.identity.text) == ("marlow", "[Animal A] an orange cat with a blue scarf")
        assert request.recollection.identity == take.identity.text
        assert np.asarray(Image.open(run / take.identity.path)).shape == (32, 32, 3)


def test_the_same_film_costs_nothing_twice_and_a_redo_only_what_rests_on_it(filmed):
    run, witness = filmed
    made = len(witness.requests)
    run_film(run, request=RunRequest(story=STORY, settings=SETTINGS), studio=studio(witness))
    assert len(witness.requests) == made
    before = read_manifest(run / "film.json").shots[3].chosen
    run_film(run, studio=studio(witness), redo=("shot-04",))
    after = read_manifest(run / "film.json").shots[3].chosen
    assert len(witness.requests) == made + 1
    assert after.key != before.key
    assert [use.sha256 for use in after.memory] == [use.sha256 for use in before.memory]


@pytest.mark.parametrize(("settings", "message"), [
    (Settings(memory="memento"), r"--memory memento.*no selector"),
    (Settings(identity=True), "--identity"),
])
def test_a_generator_without_a_selector_is_refused_before_anything_is_written(tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        run_film(tmp_path / "film", request=RunRequest(story=STORY, settings=settings), studio=toy_studio())
    assert not (tmp_path / "film").exists()
