"""Whole films from files in full format at toy size: from a hub on loopback, and from Wan's own folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from filmagent.delivery.manifest import read_manifest
from filmagent.delivery.video import read_video
from filmagent.generation.models.catalogue import MODEL_SETS, STORYMEM
from filmagent.generation.models.pull import pull
from filmagent.generation.models.verify import verify
from filmagent.generation.port import FrameSize, Generator
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.config import DistilledAdapter, ModelCard, distil
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Reference, Settings
from tests.support.fake_hub import NEWEST, fake_hub, talk_to
from tests.support.original_wan import build_original, build_stock
from tests.support.stories import story
from tests.support.toy_repositories import toy_adapter, toy_repositories
from tests.support.toy_studio import ScriptedScorer

STORY = story(3, {2: "MI2V", 3: "MM2V"})
FRAMES = 13


def film(folder: Path, make: Callable[[Settings], Generator], **settings):
    """Film the story with a reference photograph, so that every shot is shown memory."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(f"{folder}.png")
    reference = Reference(subject="Marlow the cat", path=f"{folder}.png")
    studio = Studio(make_generator=lambda asked: shortened(make(asked)),
                    make_features=lambda name: ColourFeatures(), make_scorers=lambda features: (ScriptedScorer(),))
    asked = Settings(references=(reference,), **settings)
    run_film(folder, request=RunRequest(story=STORY, settings=asked), studio=studio)
    manifest = read_manifest(folder / "film.json")
    assert len(read_video(folder / "film.mp4").frames) == FRAMES + FRAMES - 1 + FRAMES - 5
    assert [record.chosen.link for record in manifest.shots] == ["scene_cut", "MI2V", "MM2V"]
    assert all(record.chosen.memory for record in manifest.shots)
    return manifest


def shortened(generator: Generator) -> Generator:
    """The same generator with small and short shots; everything else is the published models'."""
    assert isinstance(generator, WanStoryMemGenerator)
    generator.config = replace(generator.config, native_size=FrameSize(32, 32), frames=FRAMES)
    return generator


def test_a_set_that_was_pulled_and_verified_makes_a_whole_film(tmp_path, monkeypatch):
    chosen = MODEL_SETS["wan2.2-storymem"]
    with fake_hub(toy_repositories(tmp_path / "hub")) as hub:
        talk_to(hub, tmp_path / "cache", monkeypatch)
        pull(chosen, lambda line: None, show_bars=False)
    assert verify(chosen).problems == ()
    manifest = film(tmp_path / "run", lambda asked: create_generator(asked.generator, steps=asked.steps),
                    generator="wan2.2-storymem", steps=2)
    used = {model.name: model for model in manifest.models}
    assert used["Wan2.2-I2V-A14B"].licence == "Apache-2.0"
    assert used["StoryMem LoRA (MI2V, MM2V)"].licence == "CC-BY-NC-4.0"
    assert len(NEWEST) == len(STORYMEM.revision or "") == 40


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Wan's own folder with StoryMem's adapters in it, and a pair of few-step adapters beside it."""
    home = tmp_path_factory.mktemp("original")
    wan = build_original(build_stock(home / "stock"), home / "wan")
    for seed, name in enumerate(STORYMEM.files):
        (wan / "storymem" / name).parent.mkdir(parents=True, exist_ok=True)
        save_file(toy_adapter(seed), wan / "storymem" / name)
    for seed, noise in enumerate(("high", "low")):
        halves = {"lora_A": "lora_down", "lora_B": "lora_up", "base_model.model.": "diffusion_model."}
        weights = {}
        for key, tensor in toy_adapter(40 + seed).items():
            for old, new in halves.items():
                key = key.replace(old, new)  # noqa: PLW2901  # one name, changed three times
            weights[key] = tensor
        save_file(weights, home / f"few-{noise}.safetensors")
    return home


def test_wans_own_folder_with_memory_adapters_and_a_few_step_adapter_makes_a_whole_film(original, tmp_path):
    few = DistilledAdapter(ModelCard("few steps", "Apache-2.0", "few-step adapter"),
                           original / "few-high.safetensors", original / "few-low.safetensors")

    def four_steps(asked: Settings) -> Generator:
        made = create_generator(f"wan-storymem:{original / 'wan'}")
        assert isinstance(made, WanStoryMemGenerator)
        return WanStoryMemGenerator(distil(made.config, few))

    manifest = film(tmp_path / "run", four_steps)
    assert [record.chosen.notes[-1] for record in manifest.shots] == ["faster: few-step adapter few steps, 4 steps"] * 3
    assert "few steps" in {model.name for model in manifest.models}
