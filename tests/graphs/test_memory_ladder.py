"""Memory that runs out in the middle of a film ends in a finished film, and the manifest says what was done."""

from __future__ import annotations

import pytest
import torch

from filmagent.delivery.manifest import read_manifest
from filmagent.errors import UsageError
from filmagent.generation.port import ShotPrompt
from filmagent.generation.wan import models
from filmagent.generation.wan.budget import ladder
from filmagent.generation.wan.budget.ladder import CARD_LADDER
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.tiny_wan import build_tiny_wan, tiny_config
from tests.support.toy_studio import ScriptedScorer, toy_studio


def test_a_film_is_finished_on_a_lower_rung_and_the_manifest_names_it(tmp_path, monkeypatch):
    rungs = (CARD_LADDER[0], CARD_LADDER[3])
    monkeypatch.setattr(ladder, "ladder_on", lambda device: rungs)
    monkeypatch.setattr(models, "ladder_on", lambda device: rungs)
    generator = WanStoryMemGenerator(tiny_config(build_tiny_wan(tmp_path / "wan")),
                                     translate=lambda *_: ShotPrompt("the cat walks"))
    real, forwards = models.place, []

    def placing(pipeline, rung, device, dtype):
        real(pipeline, rung, device, dtype)

        def forward(*_):
            forwards.append(rung.name)
            if len(forwards) == 6:  # in the second shot
                raise torch.OutOfMemoryError("CUDA out of memory")

        pipeline.transformer.register_forward_pre_hook(forward)
        pipeline.transformer_2.register_forward_pre_hook(forward)

    monkeypatch.setattr(models, "place", placing)
    studio = Studio(make_generator=lambda settings: generator, make_features=lambda name: ColourFeatures(),
                    make_scorers=lambda features: (ScriptedScorer(),))
    events = []
    result = run_film(tmp_path / "film", request=RunRequest(story=story(3), settings=Settings(memory="none")),
                      studio=studio, on_event=events.append)
    assert result.film.status == "done"
    manifest = read_manifest(result.folder / "film.json")
    notes = [record.chosen.notes for record in manifest.shots]
    assert notes[0] == ()
    assert "out of memory (denoise" in notes[1][0]
    assert notes[1][1] == notes[2][0] == f"memory rung blocks: {rungs[1].says}"
    assert [line for line in manifest.decisions if "rung" in line] == list(notes[1]), "each said once"
    machines = [record.chosen.machine for record in manifest.shots]
    assert machines[0].endswith("resident")
    assert machines[1] == machines[2] != machines[0]
    assert [event["text"] for event in events if event["event"] == "note"][:1] == [notes[1][0]]


def test_a_budget_for_a_generator_without_a_ladder_is_refused():
    with pytest.raises(UsageError, match="no memory ladder"):
        toy_studio().generator(Settings(memory_budget=2**30))
