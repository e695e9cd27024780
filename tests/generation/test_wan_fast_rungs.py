"""Caches and compiled blocks on every rung of the memory ladder: on, equal to the first rung's, or not offered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan import models
from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.budget.ladder import CARD_LADDER, RAM_LADDER, next_rung, rungs_for
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.fast import compiling
from filmagent.generation.wan.fast.caches import _PREFETCH_HOOK
from filmagent.generation.wan.fast.options import FirstBlockCache, MagnitudeCache, SpeedOptions
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.library import HookRegistry, WanTransformer3DModel
from filmagent.generation.wan.models import Placement, choose_placement
from tests.support.counting_compiler import CountingCompiler
from tests.support.tiny_wan import build_tiny_wan, tiny_config

RUNG = {rung.name: rung for rung in CARD_LADDER}
BLOCKS, STEPS = 3, 6
CACHES = {
    "first block": FirstBlockCache(0.3),
    "magnitude": MagnitudeCache((1.0, 1.0), (1.0,) * 4, threshold=0.5, retained=0.3),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = build_tiny_wan(tmp_path_factory.mktemp("wan"))
    for seed, part in enumerate(("transformer", "transformer_2")):
        torch.manual_seed(seed)
        WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16,
            text_dim=16, freq_dim=16, ffn_dim=32, num_layers=BLOCKS,
        ).save_pretrained(home / part)
    return home


PICTURES = tuple(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8))
REQUEST = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9,
                            memory=PICTURES)


def on_rung(folder, speed, rung):
    config = tiny_config(folder)
    config = replace(config, speed=speed, sampling=replace(config.sampling, steps=STEPS))
    generator = WanStoryMemGenerator(config)
    generator._placed = Placement(choose_precision("float32", torch.device("cpu")), RUNG[rung], room=0)
    return generator


def film_counting(generator):
    """Film a shot; returns its frames and how many blocks were computed."""
    computed = []
    handles = [block.attn1.register_forward_pre_hook(lambda *_: computed.append(1))
               for expert in generator._ready().pipeline.experts() for block in expert.blocks]
    frames = generator.generate(REQUEST).frames.astype(int)
    for handle in handles:
        handle.remove()
    return frames, len(computed)


@pytest.fixture(scope="module")
def first_rung(folder):
    return {name: film_counting(on_rung(folder, SpeedOptions(cache=cache), "resident"))
            for name, cache in CACHES.items()}


@pytest.mark.parametrize("rung", ["swap", "float8", "blocks"])
@pytest.mark.parametrize("cache", list(CACHES))
def test_a_cache_skips_as_much_and_makes_the_same_shot_on_every_rung(folder, first_rung, cache, rung):
    wanted, computed = first_rung[cache]
    assert computed < 0.8 * 2 * STEPS * BLOCKS
    generator = on_rung(folder, SpeedOptions(cache=CACHES[cache]), rung)
    assert generator._ready().rung == RUNG[rung]
    frames, here = film_counting(generator)
    assert here == computed
    error = np.abs(frames - wanted)
    assert error.mean() < 1.0 if rung == "float8" else error.max() <= 1
    if rung == "blocks":
        assert np.array_equal(generator.generate(REQUEST).frames, frames), "and the second shot is the first"


@pytest.mark.parametrize("cache", list(CACHES))
def test_blocks_that_are_fetched_ahead_keep_their_cache_in_the_first_shot(folder, first_rung, monkeypatch, cache):
    """With CUDA streams diffusers traces the order of blocks in the first forward, by hooks that it takes away."""
    from diffusers.hooks.group_offloading import LazyPrefetchGroupOffloadingHook

    place = models.place

    def placing(pipeline, *where):
        place(pipeline, *where)
        for expert in pipeline.experts():  # as diffusers does, where there are streams
            registry = HookRegistry.check_if_exists_or_initialize(expert)
            registry.register_hook(LazyPrefetchGroupOffloadingHook(), _PREFETCH_HOOK)

    monkeypatch.setattr(models, "place", placing)
    frames, computed = film_counting(on_rung(folder, SpeedOptions(cache=CACHES[cache]), "blocks"))
    assert computed == first_rung[cache][1]
    assert np.array_equal(frames, first_rung[cache][0])


def test_compiled_blocks_are_one_program_beneath_offloading_and_a_cache(folder, first_rung, monkeypatch):
    compiler = CountingCompiler()
    torch._dynamo.reset()
    monkeypatch.setattr(compiling, "COMPILER", compiler)
    generator = on_rung(folder, SpeedOptions(cache=CACHES["first block"], compiled=True), "blocks")
    frames = generator.generate(REQUEST).frames.astype(int)
    assert compiler.programs == 1
    assert compiler.runs == first_rung["first block"][1], "every block that is not skipped runs compiled"
    assert np.abs(frames - first_rung["first block"][0]).max() <= 1


def test_compiled_blocks_leave_out_the_rungs_that_store_float8(folder):
    ladder = rungs_for(CARD_LADDER, compiled=True)
    assert [rung.name for rung in ladder] == ["resident", "swap", "blocks", "tiles"]
    assert next_rung(ladder, RUNG["swap"]) == RUNG["blocks"]
    assert rungs_for(CARD_LADDER, compiled=False) == CARD_LADDER
    assert [rung.name for rung in rungs_for(RAM_LADDER, compiled=True)] == ["resident"]


def test_too_little_memory_for_compiled_blocks_is_found_before_anything_is_loaded(folder):
    config = tiny_config(folder)
    assert choose_placement(footprint_of(config), budget=1).rung.float8
    compiled = replace(config, speed=SpeedOptions(compiled=True))
    assert choose_placement(footprint_of(compiled), budget=1).rung.name == "resident"
    generator = WanStoryMemGenerator(compiled)
    generator.keep_within(1)
    with pytest.raises(Exception, match="memory budget"):
        generator.generate(REQUEST)
    assert generator._models is None
