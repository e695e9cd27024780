"""How many GPUs do what, and what is refused before a weight is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.captions import caption_for_wan
from filmagent.generation.wan.fast.options import FirstBlockCache, SpeedOptions
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.parallel.arrangement import Arrangement, arrange
from filmagent.generation.wan.parallel.generator import on_several_gpus
from tests.support.tiny_wan import tiny_config

sizes, heads = st.integers(1, 64), st.integers(1, 64)


@given(sizes, heads, st.booleans())
def test_every_gpu_has_its_place_and_every_head_its_gpu(size, heads, guided):
    try:
        found = arrange(size, heads, guided)
    except UsageError as error:
        branches = 2 if guided and size % 2 == 0 else 1
        assert heads % (size // branches)
        offered = [int(word) for word in str(error).split("use ")[1].split(" or ")]
        assert all(arrange(count, heads, guided).size == count for count in offered)
        return
    assert found.size == size
    assert heads % found.span == 0
    assert found.branches == (2 if guided and size % 2 == 0 else 1)
    assert [found.branch_of(rank) for rank in range(size)] == [0] * found.span + [1] * (size - found.span)


@pytest.mark.parametrize(("size", "guided", "wanted"), [
    (1, True, Arrangement(1, 1)), (2, True, Arrangement(2, 1)), (4, True, Arrangement(2, 2)),
    (8, True, Arrangement(2, 4)), (5, True, Arrangement(1, 5)), (2, False, Arrangement(1, 2)),
    (8, False, Arrangement(1, 8)),
])
def test_wans_forty_heads(size, guided, wanted):
    assert arrange(size, 40, guided) == wanted


@pytest.mark.parametrize(("size", "guided", "offer"), [
    (3, True, "use 2 or 4"), (6, True, "use 5 or 8"), (7, True, "use 5 or 8"), (3, False, "use 2 or 4"),
    (6, False, "use 5 or 8"),
])
def test_heads_that_cannot_be_dealt_out_are_refused_with_what_works(size, guided, offer):
    with pytest.raises(UsageError, match=f"--gpus {size}: 40 attention heads .*; {offer}$"):
        arrange(size, 40, guided)


def led(size):
    """As much of a conductor as is asked before anything is loaded."""
    return SimpleNamespace(ensemble=SimpleNamespace(size=size))


@pytest.fixture
def config(tmp_path):
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer/config.json").write_text(json.dumps({"num_attention_heads": 40}))
    return tiny_config(tmp_path)


def test_the_experts_heads_decide(config):
    assert on_several_gpus(WanStoryMemGenerator(config), led(4))._arrangement == Arrangement(2, 2)
    unguided = replace(config, sampling=replace(config.sampling, guidance=1.0))
    assert on_several_gpus(WanStoryMemGenerator(unguided), led(4))._arrangement == Arrangement(1, 4)
    with pytest.raises(UsageError, match="--gpus 3: 40 attention heads"):
        on_several_gpus(WanStoryMemGenerator(config), led(3))


@pytest.mark.parametrize("name", ["papercut", "wan-memento:{folder}", "wan-onestory:{folder}"])
def test_what_cannot_be_parted_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=r"films on one GPU: only .*Memento and OneStory"):
        on_several_gpus(create_generator(name.format(folder=tmp_path)), led(2))


@pytest.mark.parametrize(("speed", "message"), [
    (SpeedOptions(cache=FirstBlockCache()), "first-block cache"),
    (SpeedOptions(joint_guidance=True), "leave joint guidance out"),
    (SpeedOptions(compiled=True), "compiled blocks"),
    (SpeedOptions(attention="_native_math"), "_native_math.*choose from"),
])
def test_speed_options_that_cannot_be_parted_are_refused(config, speed, message):
    with pytest.raises(UsageError, match=message):
        on_several_gpus(WanStoryMemGenerator(replace(config, speed=speed), caption_for_wan), led(4))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ModelFilesError, match="nowhere"):
        on_several_gpus(WanStoryMemGenerator(tiny_config(tmp_path / "nowhere")), led(2))


def test_it_is_decided_without_torch():
    program = ("import sys, filmagent.generation.wan.parallel.generator, filmagent.cli.several\n"
               "sys.exit('torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
