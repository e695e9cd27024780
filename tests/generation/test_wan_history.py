"""Guidance by memory: what is guided away from knows neither words nor memory, and nothing stays behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, SpeedOptions
from filmagent.generation.wan.history import history_guidance
from filmagent.generation.wan.rope import install_memory_rope, memory_positions
from tests.generation.test_wan_speed import STEPS, Counted, error, expert, pipeline, shoot

__all__ = ["pipeline"]
MEMORY, STRIDE, SCALE = 2, 5, 3.0


def inputs(frames=5):
    noise = torch.Generator().manual_seed(3)
    shot = torch.randn(1, 36, frames, 4, 4, generator=noise)
    wanted, negative = (torch.randn(1, 6, 16, generator=noise) for _ in range(2))
    return {"hidden_states": shot, "timestep": torch.tensor([700]), "encoder_hidden_states": wanted,
            "return_dict": False}, negative


@torch.no_grad()
def test_a_shot_is_guided_away_from_one_without_words_and_memory():
    model = expert(1)
    rope = install_memory_rope(model)
    given, negative = inputs()
    (unwanted,) = model(**{**given, "hidden_states": given["hidden_states"][:, :, MEMORY:],
                           "encoder_hidden_states": negative})
    with memory_positions([rope], MEMORY, STRIDE):
        (wanted,) = model(**given)
        with history_guidance([(model, lambda: SCALE)], negative, MEMORY, lambda: True):
            (made,) = model(**given)
        (after,) = model(**given)
    assert torch.equal(made[:, :, :MEMORY], wanted[:, :, :MEMORY]), "memory has one branch only"
    guided = unwanted + SCALE * (wanted[:, :, MEMORY:] - unwanted)
    assert torch.allclose(made[:, :, MEMORY:], guided, atol=1e-5)
    assert torch.equal(after, wanted), "guidance ends with the block"


def test_positions_come_back_when_the_shorter_forward_breaks():
    model = expert(1)
    rope = install_memory_rope(model)
    given, negative = inputs()
    with (
        memory_positions([rope], MEMORY, STRIDE),
        history_guidance([(model, lambda: SCALE)], negative[..., :3], MEMORY, lambda: True),
    ):
        with pytest.raises(RuntimeError):
            model(**given)
        assert rope.memory == MEMORY


def test_the_second_branch_is_shorter_by_memory(pipeline):
    lengths = []
    for model in pipeline.experts():
        model.blocks[0].register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    shoot(pipeline, guided_by_memory=True)
    frames = 3
    assert lengths == [(MEMORY + frames) * 4, frames * 4] * STEPS


def test_it_is_another_shot_and_leaves_nothing_behind(pipeline):
    plain = shoot(pipeline)
    guided = shoot(pipeline, guided_by_memory=True)
    assert error(guided, plain) > 1e-3
    assert torch.equal(shoot(pipeline), plain)
    assert torch.equal(shoot(pipeline, guided_by_memory=True), guided)


@pytest.mark.parametrize("how", [{"memory": 0}, {"guidance": 1.0, "guidance_2": 1.0}])
def test_without_memory_or_guidance_it_changes_nothing(pipeline, how):
    assert torch.equal(shoot(pipeline, guided_by_memory=True, **how), shoot(pipeline, **how))


def test_a_cache_remembers_each_branch_for_itself(pipeline):
    exact, counted = shoot(pipeline, guided_by_memory=True), Counted(pipeline)
    cached = shoot(pipeline, SpeedOptions(cache=FirstBlockCache(0.3)), guided_by_memory=True)
    assert sum(counted.blocks) < 2 * STEPS * len(pipeline.transformer.blocks), "something was skipped"
    assert error(cached, exact) < 0.3
    assert torch.equal(shoot(pipeline, PLAIN, guided_by_memory=True), exact)


def test_it_needs_words_to_guide_away_from(pipeline):
    with pytest.raises(GenerationError, match="negative text features"):
        shoot(pipeline, guided_by_memory=True, negative_prompt_embeds=None)


def test_joint_guidance_is_refused_where_the_branches_differ(pipeline):
    with pytest.raises(GenerationError, match="leave joint guidance out"):
        shoot(pipeline, SpeedOptions(joint_guidance=True), guided_by_memory=True)
    config = papercut_config()
    assert config.sampling.guided_by_memory
    with pytest.raises(UsageError, match="leave joint guidance out"):
        replace(config, speed=SpeedOptions(joint_guidance=True))
