"""One shot by several processes: the same as by one, whatever is parted; and an end when one of them ends."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationCancelledError, GenerationError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.budget.ladder import RAM_LADDER
from filmagent.generation.wan.config import LinkAdapters
from filmagent.generation.wan.fast.options import SpeedOptions
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.parallel.arrangement import Arrangement
from filmagent.generation.wan.parallel.conductor import Conductor
from filmagent.generation.wan.parallel.ensemble import Ensemble
from tests.generation.test_wan_generator import adapters
from tests.support.ensemble import conducted, sampled, together
from tests.support.tiny_wan import build_tiny_wan, tiny_config

SPAN, BRANCHES = Arrangement(1, 2), Arrangement(2, 1)
ODD, EVEN = FrameSize(48, 48), FrameSize(32, 32)
"""9 and 4 tokens a latent frame."""
CASES = {
    "sequence": (1.0, SPAN, 2, EVEN),
    "sequence, a length that does not divide": (1.0, SPAN, 2, ODD),
    "sequence, without memory": (1.0, SPAN, 0, ODD),
    "sequence, guided": (3.0, SPAN, 2, ODD),
    "guidance": (3.0, BRANCHES, 2, ODD),
}


def pictures(count, seed=0, size=32):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def denoised(generator, guidance, memory, size):
    """Latents of a shot, and memory's own."""
    models = generator._ready()
    noise = torch.Generator().manual_seed(5)
    prompt, negative = torch.randn(1, 6, 16, generator=noise), torch.randn(1, 6, 16, generator=noise)
    return models.pipeline.make_shot(
        models.encoder.condition(list(pictures(memory)), None, 9, size), prompt_embeds=prompt,
        negative_prompt_embeds=negative if guidance > 1 else None, steps=4, guidance=guidance,
        generator=torch.Generator().manual_seed(1), keep_memory=True, output_type="latent",
    ).numpy()


def lead_cases(conductor, folder, cases):
    made = {}
    for name, (guidance, arrangement, memory, size) in cases.items():
        config = sampled(tiny_config(folder), guidance=guidance)
        made[name] = (denoised(conducted(conductor, config, arrangement), guidance, memory, size),
                      denoised(WanStoryMemGenerator(config), guidance, memory, size))
    return made


def request(**changes):
    return GenerationRequest(**{"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": EVEN, "frames": 9,
                                "memory": tuple(pictures(2))} | changes)


def lead_whole_shots(conductor, config):
    several, one = conducted(conductor, config, BRANCHES), WanStoryMemGenerator(config)
    asked = [request(), request(link="MM2V", seam=pictures(5, 3)), request(prompt="a dog runs")]
    frames = [(several.generate(each).frames, one.generate(each).frames) for each in asked]
    with pytest.raises(GenerationCancelledError):
        several.generate(request(cancelled=lambda: True))
    frames.append((several.generate(asked[0]).frames, frames[0][1]))
    return frames, several.machine(), dict(several.fingerprint) == dict(one.fingerprint)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.mark.parametrize(("arrangement", "forwards", "share"), [
    (SPAN, 4, 1 / 2), (BRANCHES, 2, 1 / 2), (Arrangement(2, 2), 2, 1 / 4), (Arrangement(1, 3), 4, 1 / 3),
])
def test_the_arithmetic_is_that_of_one_of_the_gpus(folder, arrangement, forwards, share):
    alone, parted = costs(tiny_config(folder), arrangement)
    assert (alone.forwards, parted.forwards) == (4, forwards)
    assert parted.denoise_flops == pytest.approx(alone.denoise_flops * share)
    assert (parted.tokens, parted.decode_flops) == (alone.tokens, alone.decode_flops)


def test_steps_that_are_not_guided_are_not_parted_among_branches(folder):
    config = replace(sampled(tiny_config(folder), steps=6), speed=SpeedOptions(guidance_interval=(0.0, 0.8)))
    alone, parted = costs(config, BRANCHES)
    assert 6 == parted.forwards < alone.forwards < 12
    assert parted.denoise_flops / 6 == pytest.approx(alone.denoise_flops / alone.forwards)


def costs(config, arrangement):
    """What a shot costs on one GPU, and on each of several."""
    conductor = Conductor(Ensemble(0, arrangement.size, torch.device("cpu"), None, None))
    shape = ShotShape(EVEN, 9, 2)
    return WanStoryMemGenerator(config).cost(shape), conducted(conductor, config, arrangement).cost(shape)


def lead_on_float8(conductor, config):
    largest = ShotShape(config.native_size, config.frames, config.max_memory)
    generators = conducted(conductor, config, SPAN), WanStoryMemGenerator(config)
    float8, made = next(rung for rung in RAM_LADDER if rung.name == "float8"), []
    for generator in generators:
        generator.keep_within(footprint_of(config).peak_bytes(float8, largest, 4, on_card=False))
        assert generator.fingerprint["memory_rung"] == "float8"
        made.append(denoised(generator, 2.0, 1, ODD))
    return tuple(made)


def lead_two(conductor, folder):
    made = lead_cases(conductor, folder, CASES)
    interval = replace(sampled(tiny_config(folder), guidance=3.0), speed=SpeedOptions(guidance_interval=(0.0, 0.8)))
    made["guided in some steps"] = (denoised(conducted(conductor, interval, BRANCHES), 3.0, 1, ODD),
                                    denoised(WanStoryMemGenerator(interval), 3.0, 1, ODD))
    made["a lower rung"] = lead_on_float8(conductor, tiny_config(folder))
    return made, lead_whole_shots(conductor, with_adapters(folder))


def with_adapters(folder):
    return replace(tiny_config(folder), adapters=tuple(
        LinkAdapters(name, frozenset({link}), folder / name / "high.safetensors", folder / name / "low.safetensors")
        for name, link in (("mi2v", "scene_cut"), ("mm2v", "MM2V"))
    ))


@pytest.fixture(scope="module")
def by_two(folder, tmp_path_factory):
    adapters(folder / "mi2v", 1)
    adapters(folder / "mm2v", 2)
    made, codes = together(2, tmp_path_factory.mktemp("two"), lead_two, folder)
    if isinstance(made, Exception):
        raise made
    assert codes == [0, 0]
    return made


@pytest.mark.parametrize("case", [*CASES, "guided in some steps", "a lower rung"])
def test_two_processes_make_the_shot_of_one(by_two, case):
    several, one = by_two[0][case]
    assert several.shape == one.shape
    np.testing.assert_allclose(several, one, rtol=0, atol=1e-5)


def test_a_whole_shot_with_its_adapters_is_that_of_one_process(by_two):
    frames, machine, same_fingerprint = by_two[1]
    for several, one in frames:
        assert several.shape == one.shape
        assert np.abs(several.astype(int) - one.astype(int)).max() <= 1
    assert not np.array_equal(frames[0][1], frames[2][1]), "another prompt, another shot"
    assert "2 GPUs" in machine
    assert same_fingerprint, "takes are the same, so they are found again with another number of GPUs"


def lead_four(conductor, folder):
    return lead_cases(conductor, folder, {"both": (3.0, Arrangement(2, 2), 2, ODD)})["both"]


def test_guidance_and_sequence_are_parted_at_once(folder, tmp_path):
    made, codes = together(4, tmp_path, lead_four, folder)
    if isinstance(made, Exception):
        raise made
    np.testing.assert_allclose(*made, rtol=0, atol=1e-5)
    assert codes == [0] * 4


def lead_and_kill(conductor, folder, other):
    def kill(step, steps):
        os.kill(int(other.read_text()), signal.SIGKILL)

    started = time.monotonic()
    try:
        conducted(conductor, tiny_config(folder), SPAN).generate(request(on_step=kill))
    except GenerationError as error:
        return str(error), time.monotonic() - started
    return "", 0.0


def test_a_follower_that_is_killed_ends_the_shot_with_one_clear_error(folder, tmp_path):
    (message, seconds), codes = together(2, tmp_path, lead_and_kill, folder, tmp_path / "process-1")
    assert "another GPU ended" in message
    assert seconds < 30
    assert codes == [0, -signal.SIGKILL]


def lead_and_stop(conductor, folder, other):
    follower = int(other.read_text())
    try:
        conducted(conductor, tiny_config(folder), SPAN).generate(
            request(on_step=lambda step, steps: os.kill(follower, signal.SIGSTOP)))
    except GenerationError as error:
        return str(error)
    finally:
        os.kill(follower, signal.SIGCONT)
    return ""


def test_a_follower_that_hangs_ends_the_shot_after_the_time_limit(folder, tmp_path):
    message, codes = together(2, tmp_path, lead_and_stop, folder, tmp_path / "process-1", limit=timedelta(seconds=8))
    assert "did not answer in time" in message
    assert codes == [0, 0]


def lead_two_generators(conductor, folder):
    first, second = (conducted(conductor, tiny_config(folder), SPAN) for _ in range(2))
    first.generate(request())
    second.generate(request())
    return first.generate(request())


def lead_out_of_memory(conductor, folder, where):
    generator = conducted(conductor, tiny_config(folder), SPAN)
    if where == "within a forward":
        def full(*_):
            raise torch.OutOfMemoryError("the card is full")

        generator._ready().pipeline.transformer.blocks[1].register_forward_pre_hook(full)
        return generator.generate(request())

    def full_between(step, steps):
        raise torch.OutOfMemoryError("the card is full")

    return generator.generate(request(on_step=full_between))


@pytest.mark.parametrize("where", ["within a forward", "between two"])
def test_memory_that_runs_out_ends_the_film_and_no_process_hangs(folder, tmp_path, where):
    error, codes = together(2, tmp_path, lead_out_of_memory, folder, where)
    assert isinstance(error, GenerationError)
    assert "chosen before the first shot" in str(error)
    assert codes == [0, 0]


def lead_broken_files(conductor, folder):
    return conducted(conductor, tiny_config(folder), SPAN).generate(request())


def test_experts_that_the_others_have_given_up_are_refused(folder, tmp_path):
    error, codes = together(2, tmp_path, lead_two_generators, folder)
    assert isinstance(error, GenerationError)
    assert "another generator" in str(error)
    assert codes == [0, 0]


def test_files_that_are_missing_are_an_error_and_no_process_hangs(tmp_path):
    error, codes = together(2, tmp_path, lead_broken_files, tmp_path / "nowhere")
    assert "nowhere" in str(error)
    assert codes == [0, 0]
