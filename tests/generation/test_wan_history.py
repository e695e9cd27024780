"""Guidance by memory: what is guided away from knows neither words nor memory, and nothing stays behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.wan.cached.expert import ShotMemory as CachedShot
from filmagent.generation.wan.cached.expert import install_cached_memory
from filmagent.generation.wan.denoising.history import history_guidance
from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, SpeedOptions
from filmagent.generation.wan.memento.expert import MementoTransformer
from filmagent.generation.wan.memento.expert import Pool as MementoPool
from filmagent.generation.wan.memento.expert import ShotMemory as MementoShot
from filmagent.generation.wan.memento.quota import Quota
from filmagent.generation.wan.onestory.expert import Pool as OneStoryPool
from filmagent.generation.wan.onestory.expert import ShotMemory as OneStoryShot
from tests.generation.test_wan_speed import STEPS, Counted, error, expert, pipeline, shoot
from tests.support.tiny_onestory import tiny_onestory_expert
from tests.support.tiny_wan import tiny_expert

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


def noise(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def cached():
    return install_cached_memory(tiny_expert()), CachedShot(noise(1, 16, 3, 8, 8, seed=4), STRIDE)


def onestory():
    pool = OneStoryPool(noise(1, 16, 20, 8, 8, seed=4), tuple(range(-20, 0)), noise(1, 6, 16, seed=5), 11)
    return tiny_onestory_expert(), OneStoryShot(pool)


def memento():
    torch.manual_seed(3)
    expert = MementoTransformer(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16,
        text_dim=16, freq_dim=16, ffn_dim=32, num_layers=2,
    ).eval()
    latents = noise(1, 16, 4, 8, 8, seed=4)
    pool = MementoPool(latents, noise(1, 16, 4, 8, 8, seed=6), (-8, -6, -4, -2), noise(1, 6, 16, seed=5),
                       noise(1, 6, 16, seed=7), Quota.of(2))
    return expert, MementoShot(pool, lambda: 0.5)


@torch.no_grad()
@pytest.mark.parametrize("kind", [cached, onestory, memento])
def test_experts_with_a_memory_of_their_own_forget_it_for_one_branch(kind):
    model, shot = kind()
    negative = noise(1, 6, 16, seed=2)
    given = {"hidden_states": noise(1, 36, 3, 8, 8, seed=1), "timestep": torch.tensor([500]),
             "encoder_hidden_states": noise(1, 6, 16, seed=3), "return_dict": False}
    with remembering({model: shot.without_memory()}):
        (unwanted,) = model(**{**given, "encoder_hidden_states": negative})
    with remembering({model: shot}):
        (wanted,) = model(**given)
        (remembers,) = model(**{**given, "encoder_hidden_states": negative})
        with history_guidance([(model, lambda: SCALE)], negative, 0, lambda: True):
            (made,) = model(**given)
        assert model.shot is shot
        assert torch.equal(model(**given)[0], wanted)
    assert not torch.allclose(remembers, unwanted, atol=1e-4), "memory was there to be forgotten"
    assert torch.allclose(made, unwanted + SCALE * (wanted - unwanted), atol=1e-5)


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
