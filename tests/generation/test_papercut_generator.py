"""The built-in model's generator; with toy weights of its architecture where frames are needed."""

from __future__ import annotations

import pytest

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.generator import papercut, papercut_config
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.generator import WanStoryMemGenerator
from tests.support.tiny_wan import build_tiny_wan


def request(**changes):
    return GenerationRequest(**{"prompt": "wide shot the cat", "link": "scene_cut", "seed": 0,
                                "size": FrameSize(160, 96), "frames": 17} | changes)


def test_what_it_can_do():
    capabilities = papercut().capabilities
    assert (capabilities.native_size, capabilities.frames, capabilities.fps) == (FrameSize(160, 96), 17, 8)
    assert (capabilities.max_memory, capabilities.delivery_scale) == (5, 4)
    assert capabilities.links == {"scene_cut", "MI2V", "MM2V"}
    assert capabilities.models[0].licence == "Apache-2.0"


def test_missing_weights_say_how_to_train_them(tmp_path):
    generator = WanStoryMemGenerator(papercut_config(tmp_path / "weights"))
    with pytest.raises(ModelFilesError, match="train papercut"):
        generator.generate(request())


def test_it_films_with_one_expert_at_its_native_size(tmp_path):
    folder = build_tiny_wan(tmp_path, experts=1)
    generator = WanStoryMemGenerator(papercut_config(folder, steps=1))
    assert generator.generate(request()).frames.shape == (17, 96, 160, 3)
