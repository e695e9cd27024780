"""The built-in model's generator; with toy weights of its architecture where frames are needed."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
import torch

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.card import CARD, read_card, write_card
from filmagent.generation.papercut.generator import papercut, papercut_config, weights_folder
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.library import AutoencoderKLWan
from filmagent.generation.wan.weights.checkpoints import load_part
from filmagent.training.papercut.world import HEIGHT, WIDTH, render_shot, sample_shot, sample_story
from tests.support.tiny_wan import build_tiny_wan


def request(**changes):
    return GenerationRequest(**{"prompt": "wide shot the cat", "link": "scene_cut", "seed": 0,
                                "size": FrameSize(160, 96), "frames": 17} | changes)


def test_what_it_can_do():
    capabilities = papercut().capabilities
    assert (capabilities.native_size, capabilities.frames, capabilities.fps) == (FrameSize(224, 128), 17, 8)
    assert (capabilities.max_memory, capabilities.delivery_scale) == (5, 4)
    assert capabilities.links == {"scene_cut", "MI2V", "MM2V"}
    assert capabilities.models[0].licence == "Apache-2.0"


def test_missing_weights_say_how_to_train_them(tmp_path):
    with pytest.raises(ModelFilesError, match="train papercut"):
        papercut(tmp_path / "weights")
    shutil.copy(weights_folder() / CARD, tmp_path)
    with pytest.raises(ModelFilesError, match="train papercut"):
        papercut(tmp_path).generate(request())


def test_other_weights_film_as_their_card_says(tmp_path):
    card = {**json.loads((weights_folder() / CARD).read_text(encoding="utf-8")), "width": 64, "height": 32, "frames": 5,
            "steps": 6, "guidance": 1.5, "shift": 7.0}
    (tmp_path / CARD).write_text(json.dumps(card), encoding="utf-8")
    capabilities = create_generator(f"papercut:{tmp_path}").capabilities
    assert (capabilities.native_size, capabilities.frames) == (FrameSize(64, 32), 5)
    sampling = papercut_config(tmp_path).sampling
    assert (sampling.steps, sampling.guidance, sampling.shift) == (6, 1.5, 7.0)
    assert papercut_config(tmp_path, steps=2, guidance=1.0).sampling.steps == 2


def test_it_films_with_one_expert_at_its_native_size(tmp_path):
    folder = build_tiny_wan(tmp_path, experts=1)
    write_card(read_card(weights_folder()).model_copy(update={"filming_adapter": None}), folder)
    generator = PapercutGenerator(papercut_config(folder, steps=1))
    assert generator.generate(request()).frames.shape == (17, 96, 160, 3)


def decibels(made, true):
    return 10 * np.log10(255**2 / np.mean((made.astype(float) - true.astype(float)) ** 2))


@pytest.mark.skipif(not (weights_folder() / "vae").is_dir(), reason="papercut's weights are not in this checkout")
@pytest.mark.parametrize("count", [1, 5])
def test_a_seam_can_be_read_back_from_the_condition(count):
    """StoryMem's first release lost the first frame of MI2V: the condition must decode to what was handed over."""
    rng = random.Random(5)
    story = sample_story(rng)
    before, other = (render_shot(sample_shot(rng, story)).frames for _ in range(2))
    vae = load_part(AutoencoderKLWan, weights_folder(), "vae", torch.float32)
    condition = ConditionEncoder(vae).condition([other[3]], before[-count:], 17, FrameSize(WIDTH, HEIGHT)).latents
    seam = condition[:, 4:, 1 : 2 + (count - 1) // 4]
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    std = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    with torch.no_grad():
        decoded = vae.decode(seam * std + mean).sample[0].permute(1, 2, 3, 0).add(1).mul(127.5).numpy()
    assert len(decoded) == count
    for made, true in zip(decoded, before[-count:], strict=True):
        assert decibels(made, true) > 20
        assert decibels(made, true) > decibels(made, other[3]) + 3
