"""StoryMem with a text-to-video model for shots that are shown nothing: who makes what, and what is in memory then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmagent.errors import UsageError
from filmagent.generation.costs import KnowsCosts, ShotShape
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.config import ModelCard
from filmagent.generation.wan.first_shot import FirstShotFromText
from filmagent.generation.wan.generator import WanStoryMemGenerator
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert

SIZE = FrameSize(32, 32)
CUT = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=SIZE, frames=9)


def pictures(count):
    return np.random.default_rng(4).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    ours = tiny_config(build_tiny_wan(tmp_path_factory.mktemp("image")))
    folder = build_tiny_wan(tmp_path_factory.mktemp("text"), seed=5)
    for seed, part in enumerate(("transformer", "transformer_2")):
        tiny_expert(seed + 7, in_channels=16).save_pretrained(folder / part)
    theirs = replace(
        tiny_config(folder), name="text", card=ModelCard("T2V", "Apache-2.0", "experts"), max_memory=0,
        links=frozenset({"scene_cut"}),
    )
    return ours, theirs


def test_a_shot_that_is_shown_nothing_is_made_from_text_and_all_others_with_memory(configs):
    generator = FirstShotFromText(*configs)
    first = generator.generate(CUT)
    assert first.notes[-1] == "nothing to remember: made from its words by T2V"
    alone = WanStoryMemGenerator(configs[1]).generate(CUT)
    assert np.array_equal(first.frames, alone.frames)
    memory = WanStoryMemGenerator(configs[0])
    for shot in (replace(CUT, memory=tuple(pictures(2))), replace(CUT, link="MI2V", seam=pictures(1))):
        made = generator.generate(shot)
        assert np.array_equal(made.frames, memory.generate(shot).frames)
        assert not any("made from its words" in note for note in made.notes)


def test_only_one_of_the_models_is_in_memory(configs):
    generator = FirstShotFromText(*configs)
    generator.generate(CUT)
    assert generator._models is None and generator.from_text._models is not None
    generator.generate(replace(CUT, memory=tuple(pictures(1))))
    assert generator._models is not None and generator.from_text._models is None


@pytest.mark.parametrize("shot", [CUT, replace(CUT, memory=tuple(pictures(1)))])
def test_a_request_that_cannot_be_made_costs_nobody_the_loaded_models(configs, shot):
    generator = FirstShotFromText(*configs)
    for good in (CUT, replace(CUT, memory=tuple(pictures(1)))):
        generator.generate(good)
        loaded = generator._models, generator.from_text._models
        with pytest.raises(UsageError, match="4 n"):
            generator.generate(replace(shot, frames=8))
        assert (generator._models, generator.from_text._models) == loaded


def test_files_budget_and_costs_of_both_count(configs):
    generator, text, memory = FirstShotFromText(*configs), *(WanStoryMemGenerator(each) for each in reversed(configs))
    assert isinstance(generator, KnowsCosts)
    assert [model.name for model in generator.capabilities.models] == [
        *(model.name for model in memory.capabilities.models), "T2V",
    ]
    assert generator.model_bytes() == memory.model_bytes() + text.model_bytes()
    shown, alone = ShotShape(SIZE, 9, 2), ShotShape(SIZE, 9, 0)
    assert generator.cost(shown) == memory.cost(shown) and generator.cost(alone) == text.cost(alone)
    assert generator.cost(alone) != memory.cost(alone)
    assert set(memory.fingerprint.items()) < set(generator.fingerprint.items())
    assert generator.fingerprint["first_shot.weights"] == text.fingerprint["weights"]
    generator.keep_within(1 << 30)
    assert generator.fit(alone).room_bytes == generator.fit(shown).room_bytes == 1 << 30


def test_films_that_do_not_fit_together_are_refused(configs):
    ours, theirs = configs
    with pytest.raises(UsageError, match="differ in fps: 8 and 24"):
        FirstShotFromText(ours, replace(theirs, fps=24))


def test_it_is_made_by_its_name_and_says_what_to_pull(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    generator = create_generator("wan2.2-storymem-t2v", guidance=2.5)
    assert isinstance(generator, FirstShotFromText)
    assert generator.config.sampling.guidance == generator.from_text.config.sampling.guidance == 2.5
    assert generator.from_text.config.sampling.shift == 12.0 and generator.from_text.config.max_memory == 0
    assert create_generator("wan2.2-storymem-t2v").from_text.config.sampling.guidance == 3.5
    assert "wan2.2-storymem-t2v" in generator.from_text.config.how_to_get
