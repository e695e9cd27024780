"""Speed options of the sampling loop: each is really on, errs within a bound, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.fast.calibration import measure_magnitudes
from filmagent.generation.wan.fast.compiling import compile_blocks
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, MagnitudeCache, SpeedOptions
from filmagent.generation.wan.library import WanTransformer3DModel
from tests.support.counting_compiler import CountingCompiler
from tests.support.tiny_wan import tiny_vae

BLOCKS, STEPS = 4, 8
JOINT = SpeedOptions(joint_guidance=True)


def expert(seed):
    torch.manual_seed(seed)
    made = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16,
        text_dim=16, freq_dim=16, ffn_dim=32, num_layers=BLOCKS,
    )
    return made.eval()


@pytest.fixture
def pipeline():
    made = WanMemoryPipeline(
        tokenizer=None, text_encoder=None, vae=tiny_vae(), scheduler=make_scheduler("wan", 3.0),
        transformer=expert(1), transformer_2=expert(2), boundary_ratio=0.9,
    )
    made.set_progress_bar_config(disable=True)
    return made


def condition(pipeline, memory=2):
    pictures = np.random.default_rng(0).integers(0, 256, (memory, 32, 32, 3), dtype=np.uint8)
    return ConditionEncoder(pipeline.vae).condition(list(pictures), None, 9, FrameSize(32, 32))


def words():
    noise = torch.Generator().manual_seed(5)
    return {name: torch.randn(1, 6, 16, generator=noise) for name in ("prompt_embeds", "negative_prompt_embeds")}


def shoot(pipeline, speed=PLAIN, memory=2, **changes):
    pipeline.speed = speed
    arguments = {"steps": STEPS, "guidance": 3.0, "guidance_2": 2.0, "output_type": "latent",
                 "generator": torch.Generator().manual_seed(1)} | words() | changes
    return pipeline.make_shot(condition(pipeline, memory), **arguments)


class Counted:
    """Counts the forwards of experts and of their blocks, and the sequences in them."""

    def __init__(self, pipeline):
        self.forwards, self.blocks = [], [0, 0]
        for number, model in enumerate((pipeline.transformer, pipeline.transformer_2)):
            model.patch_embedding.register_forward_pre_hook(
                lambda _, args, number=number: self.forwards.append((number, args[0].shape[0])))
            for block in model.blocks:
                block.attn1.register_forward_pre_hook(self._count(number))

    def _count(self, number):
        def count(*_):
            self.blocks[number] += 1

        return count


def error(made, plain):
    return float((made - plain).pow(2).mean().sqrt() / plain.std())


def test_the_plain_loop_is_two_forwards_a_step_and_all_blocks(pipeline):
    counted = Counted(pipeline)
    shoot(pipeline)
    high, low = pipeline.steps_of_experts(STEPS)
    assert counted.forwards == [(0, 1)] * 2 * high + [(1, 1)] * 2 * low
    assert counted.blocks == [2 * high * BLOCKS, 2 * low * BLOCKS]


def test_joint_guidance_is_one_forward_of_two_and_the_same_shot(pipeline):
    plain, counted = shoot(pipeline), Counted(pipeline)
    made = shoot(pipeline, JOINT)
    high, low = pipeline.steps_of_experts(STEPS)
    assert counted.forwards == [(0, 2)] * high + [(1, 2)] * low
    assert error(made, plain) < 1e-5


def test_joint_guidance_of_a_shot_without_guidance_is_one_forward_of_one(pipeline):
    plain, counted = shoot(pipeline, guidance=1.0, guidance_2=1.0), Counted(pipeline)
    assert torch.equal(shoot(pipeline, JOINT, guidance=1.0, guidance_2=1.0), plain)
    assert {batch for _, batch in counted.forwards} == {1}


def test_joint_guidance_needs_texts_of_one_length(pipeline):
    with pytest.raises(GenerationError, match="as long as"):
        shoot(pipeline, JOINT, negative_prompt_embeds=torch.zeros(1, 5, 16))


@pytest.mark.parametrize("joint", [False, True])
def test_guidance_is_skipped_outside_of_its_interval_only(pipeline, joint):
    plain, counted = shoot(pipeline), Counted(pipeline)
    made = shoot(pipeline, SpeedOptions(joint_guidance=joint, guidance_interval=(0.3, 0.9)))
    guided = int(((pipeline.scheduler.timesteps >= 300) & (pipeline.scheduler.timesteps <= 900)).sum())
    assert 0 < guided < STEPS
    assert sum(batch for _, batch in counted.forwards) == STEPS + guided
    assert len(counted.forwards) == (STEPS if joint else STEPS + guided)
    assert 1e-4 < error(made, plain) < 0.5
    assert torch.equal(shoot(pipeline, SpeedOptions(guidance_interval=(0.0, 1.0))), plain)


@pytest.mark.parametrize("joint", [False, True])
def test_the_first_block_cache_skips_blocks_and_stays_near(pipeline, joint):
    plain, counted = shoot(pipeline), Counted(pipeline)
    made = shoot(pipeline, SpeedOptions(joint_guidance=joint, cache=FirstBlockCache(0.3)))
    calls = STEPS if joint else 2 * STEPS
    assert len(counted.forwards) == calls
    assert calls < sum(counted.blocks) < 0.8 * calls * BLOCKS
    assert all(count % (BLOCKS - 1) == (high * (1 if joint else 2)) % (BLOCKS - 1) for count, high in
               zip(counted.blocks, pipeline.steps_of_experts(STEPS), strict=True))
    assert 0 < error(made, plain) < 0.2


def test_each_expert_and_each_branch_computes_its_first_step_in_full(pipeline):
    """Whatever may be skipped later: nothing is taken from another expert, another branch or the shot before."""
    counted = Counted(pipeline)
    for _ in range(2):
        shoot(pipeline, SpeedOptions(cache=FirstBlockCache(1e9)))
    high, low = pipeline.steps_of_experts(STEPS)
    assert counted.blocks == [2 * 2 * (high + BLOCKS - 1), 2 * 2 * (low + BLOCKS - 1)]


def test_a_magnitude_cache_is_measured_for_each_expert_and_skips_steps(pipeline, capsys):
    plain, counted = shoot(pipeline), Counted(pipeline)
    arguments = {"steps": STEPS, "guidance": 3.0, "guidance_2": 2.0, "generator": torch.Generator().manual_seed(2)}
    cache = measure_magnitudes(pipeline, condition(pipeline), **arguments, **words())
    assert sum(counted.blocks) == 2 * STEPS * BLOCKS  # measuring skips nothing
    assert [len(cache.high_noise), len(cache.low_noise)] == pipeline.steps_of_experts(STEPS)
    assert cache.low_noise[0] == 1.0 and len({*cache.low_noise}) > 2
    counted.blocks[:] = [0, 0]
    made = shoot(pipeline, SpeedOptions(cache=cache))
    assert 2 * STEPS < sum(counted.blocks) < 0.8 * 2 * STEPS * BLOCKS
    assert sum(counted.blocks) % BLOCKS == 0
    assert 0 < error(made, plain) < 0.2
    assert capsys.readouterr().out == ""


def test_a_magnitude_cache_for_other_steps_is_refused_before_a_forward(pipeline):
    counted = Counted(pipeline)
    with pytest.raises(UsageError, match="measured for 2 \\+ 3 steps of the experts, this shot makes"):
        shoot(pipeline, SpeedOptions(cache=MagnitudeCache((1.0, 1.0), (1.0, 1.0, 1.0))))
    assert not counted.forwards


def test_a_broken_shot_leaves_nothing_for_the_next(pipeline):
    """Neither a cache's state nor a hook of guidance."""
    plain = shoot(pipeline)
    cached = shoot(pipeline, SpeedOptions(cache=FirstBlockCache(0.3)))

    def broken(step, steps):
        raise KeyboardInterrupt

    for speed in (JOINT, SpeedOptions(cache=FirstBlockCache(0.3))):
        with pytest.raises(KeyboardInterrupt):
            shoot(pipeline, speed, memory=1, on_step=broken)
    assert torch.equal(shoot(pipeline, SpeedOptions(cache=FirstBlockCache(0.3))), cached)
    assert torch.equal(shoot(pipeline), plain)
    assert not pipeline.transformer.is_cache_enabled


@pytest.mark.parametrize("cached", [False, True])
def test_blocks_are_compiled_once_for_all_lengths_of_memory_also_beneath_a_cache(pipeline, cached):
    speed = SpeedOptions(cache=FirstBlockCache(1e-9)) if cached else PLAIN
    wanted = [shoot(pipeline, speed, memory, steps=2) for memory in (1, 2, 4, 5)]
    compiler = CountingCompiler()
    torch._dynamo.reset()
    compile_blocks(pipeline.experts(), compiler)
    made = [shoot(pipeline, speed, memory, steps=2) for memory in (1, 2, 4, 5)]
    assert compiler.programs <= 2  # a block of the first length, and one of any
    assert compiler.runs == 4 * 2 * 2 * BLOCKS
    assert max(error(one, other) for one, other in zip(made, wanted, strict=True)) < 1e-5


@pytest.mark.parametrize(("options", "says"), [
    ({"guidance_interval": (0.8, 0.2)}, "two rising noise levels"),
    ({"guidance_interval": (0.2, 0.8), "cache": MagnitudeCache((1.0,))}, "counts the steps of both"),
    ({"guidance_interval": (0.2, 0.8), "cache": FirstBlockCache(), "joint_guidance": True}, "leaves one out"),
])
def test_options_that_would_mix_up_what_is_remembered_are_refused(options, says):
    with pytest.raises(UsageError, match=says):
        SpeedOptions(**options)


@pytest.mark.parametrize("make", [lambda: FirstBlockCache(0), lambda: MagnitudeCache((), longest=0)])
def test_a_cache_that_skips_nothing_is_refused(make):
    with pytest.raises(UsageError, match="skip"):
        make()


def test_every_option_has_its_own_name():
    options = [
        PLAIN, JOINT, SpeedOptions(guidance_interval=(0.2, 0.8)), SpeedOptions(guidance_interval=(0.2, 0.9)),
        SpeedOptions(cache=FirstBlockCache()), SpeedOptions(cache=FirstBlockCache(0.1)), SpeedOptions(compiled=True),
        SpeedOptions(cache=MagnitudeCache((1.0,))), SpeedOptions(cache=MagnitudeCache((0.9,))),
        SpeedOptions(attention="sage"),
    ]
    assert len({each.name for each in options}) == len(options)
    assert PLAIN.name == ""
