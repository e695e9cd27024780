"""Generators by the names that people type."""

from __future__ import annotations

from importlib import import_module

import pytest

from filmagent.errors import UsageError
from filmagent.generation.registry import GENERATORS, create_generator, generator_names
from tests.support.tiny_wan import tiny_generator


def test_the_built_in_model_is_there():
    assert "papercut" in generator_names()
    assert create_generator("papercut").capabilities.name == "papercut"


def test_steps_and_guidance_reach_the_generator():
    config = create_generator("papercut", steps=3, guidance=1.5).config
    assert (config.sampling.steps, config.sampling.guidance) == (3, 1.5)
    config = create_generator("wan-storymem:/nowhere", steps=3, guidance=1.5).config
    assert (config.sampling.steps, config.sampling.guidance) == (3, 1.5)


def test_wan_is_made_from_a_folder(tmp_path):
    generator = create_generator(f"wan-storymem:{tmp_path}")
    assert generator.config.folder == tmp_path
    assert generator.capabilities.max_memory == 10
    licences = {model.name: model.licence for model in generator.capabilities.models}
    assert licences == {"Wan2.2-I2V-A14B": "Apache-2.0", "StoryMem LoRA (MI2V, MM2V)": "CC-BY-NC-4.0"}


def test_wan_from_text_is_made_from_a_folder_and_films_cuts_alone(tmp_path):
    generator = create_generator(f"wan-text:{tmp_path}", steps=3)
    assert (generator.config.folder, generator.config.sampling.steps) == (tmp_path, 3)
    capabilities = generator.capabilities
    assert (capabilities.max_memory, capabilities.links) == (0, {"scene_cut"})
    assert {model.name: model.licence for model in capabilities.models} == {"Wan2.2-T2V-A14B": "Apache-2.0"}


@pytest.mark.parametrize("name", [name for name, entry in GENERATORS.items()])
def test_every_generators_module_is_there_and_in_this_room_or_below(name):
    entry = GENERATORS[name]
    assert entry.module.startswith("filmagent.generation.")
    assert callable(getattr(import_module(entry.module), entry.factory))


@pytest.mark.parametrize(("name", "message"), [
    ("papercat", "papercut"), ("", "unknown"), ("wan-storymem", "wan-storymem:FOLDER"), ("wan-text", "wan-text:FOLDER"),
    ("wan2.2:x", "nothing behind a colon"),
    ("no.such.module:make", "cannot be imported"), ("tests.support.tiny_wan:nothing", "has no 'nothing'"),
    ("tests.support.tiny_wan:TEXT_WIDTH", "no function"), ("not a module:make", "unknown"),
    ("tests.generation.test_registry:no_generator", "lacks capabilities, fingerprint"),
])
def test_names_that_name_nothing_are_explained(name, message):
    with pytest.raises(UsageError, match=message):
        create_generator(name)


def my_generator(*, steps, guidance):
    return tiny_generator("/nowhere", steps=steps or 7)


def no_generator(*, steps, guidance):
    return "a string"


def test_a_person_can_bring_a_generator():
    made = create_generator("tests.generation.test_registry:my_generator", steps=5)
    assert made.config.sampling.steps == 5
