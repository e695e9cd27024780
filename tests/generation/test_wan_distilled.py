"""Few-step adapters beside the memory's, and speed options on a whole generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.config import NOT_INSTALLED, DistilledAdapter, LinkAdapters, ModelCard, distil
from filmagent.generation.wan.denoising.schedule import make_fixed_scheduler
from filmagent.generation.wan.fast.distilled import check_distilled_fits, fold_alphas
from filmagent.generation.wan.fast.options import FirstBlockCache, SpeedOptions
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.memento.generator import WanMementoGenerator
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert

LINKS = frozenset({"scene_cut", "MI2V", "MM2V"})
RANK = 4
SHAPES = {
    **{f"{attention}.{name}": (24, 24) for attention in ("self_attn", "cross_attn") for name in "qkvo"},
    "ffn.0": (24, 32), "ffn.2": (32, 24),
}


def adapter_weights(seed, down="lora_down", up="lora_up", alpha=None, size=0.1):
    noise = torch.Generator().manual_seed(seed)
    weights = {}
    for block in range(2):
        for layer, (wide_in, wide_out) in SHAPES.items():
            key = f"diffusion_model.blocks.{block}.{layer}"
            weights[f"{key}.{down}.weight"] = torch.randn(RANK, wide_in, generator=noise)
            weights[f"{key}.{up}.weight"] = torch.randn(wide_out, RANK, generator=noise) * size
            if alpha is not None:
                weights[f"{key}.alpha"] = torch.tensor(float(alpha))
    return weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = build_tiny_wan(tmp_path_factory.mktemp("wan"))
    for seed, expert in enumerate(("high", "low")):
        save_file(adapter_weights(10 + seed, "lora_A", "lora_B"), home / f"memory-{expert}.safetensors")
        save_file(adapter_weights(20 + seed, alpha=2), home / f"fast-{expert}.safetensors")
    return home


def fast_adapter(folder, **changes):
    return DistilledAdapter(ModelCard("four steps", "Apache-2.0", "few-step adapter"),
                            folder / "fast-high.safetensors", folder / "fast-low.safetensors", **changes)


def remembering(folder):
    memory = LinkAdapters("mi2v", LINKS, folder / "memory-high.safetensors", folder / "memory-low.safetensors")
    return replace(tiny_config(folder), adapters=(memory,))


def request(**changes):
    pictures = np.random.default_rng(3).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    return GenerationRequest(**{"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": FrameSize(32, 32),
                                "frames": 9, "memory": tuple(pictures)} | changes)


def film(config, **changes):
    generator = WanStoryMemGenerator(config)
    return generator, generator.generate(request(**changes))


def test_the_noise_levels_are_those_that_lightx2v_distils_for():
    scheduler = make_fixed_scheduler((1.0, 0.75, 0.5, 0.25), 5.0)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == pytest.approx([1000, 937.5, 833.33, 625], abs=0.01)
    assert scheduler.sigmas[-1] == 0


def test_the_steps_are_eulers_and_end_at_what_is_predicted():
    """With a velocity that points from one sample straight to the noise, Euler steps end at that sample exactly."""
    noise, sample = (torch.randn(1, 4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    scheduler, now = make_fixed_scheduler((1.0, 0.75, 0.5, 0.25), 5.0), noise
    scheduler.set_timesteps(4)
    for time in scheduler.timesteps:
        now = scheduler.step(noise - sample, time, now, return_dict=False)[0]
    assert torch.allclose(now, sample, atol=1e-5)


def test_a_shot_takes_four_unguided_steps_with_both_adapters_on(folder):
    steps, calls = [], []
    generator = WanStoryMemGenerator(distil(remembering(folder), fast_adapter(folder)))
    for expert in generator._load().pipeline.experts():
        expert.register_forward_pre_hook(
            lambda model, *_: calls.append((model.active_adapters(), model.blocks[0].attn1.to_q.scaling)))
    shot = generator.generate(request(on_step=lambda step, of: steps.append((step, of))))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [names for names, _ in calls] == [["mi2v", "few-step"]] * 4
    assert calls[0][1]["few-step"] == pytest.approx(1.0)
    assert calls[0][1]["mi2v"] == pytest.approx(RANK**0.5)
    assert "faster: few-step adapter four steps, 4 steps" in shot.notes


def test_the_adapter_is_alpha_over_rank_times_up_times_down(folder):
    """As if it were written into the weights by hand."""
    generator = WanStoryMemGenerator(distil(tiny_config(folder), fast_adapter(folder)))
    models = generator._ready()
    expert, given = models.pipeline.transformer, adapter_weights(20)
    layer = expert.blocks[1].attn2.to_k
    wanted = layer.base_layer.weight + 2 / RANK * (
        given["diffusion_model.blocks.1.cross_attn.k.lora_up.weight"]
        @ given["diffusion_model.blocks.1.cross_attn.k.lora_down.weight"])
    inputs = torch.randn(3, 24, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        assert torch.allclose(layer(inputs), inputs @ wanted.T + layer.base_layer.bias, atol=1e-5)


@pytest.mark.parametrize("memory", [False, True])
def test_no_strength_is_no_adapter_and_the_second_shot_is_the_first(folder, memory):
    plain = remembering(folder) if memory else tiny_config(folder)
    sampled = distil(plain, fast_adapter(folder, strength=0.0))
    without, first = film(replace(sampled, distilled=None))
    generator, off = film(sampled)
    assert np.array_equal(off.frames, first.frames)
    assert np.array_equal(generator.generate(request()).frames, off.frames)
    _, on = film(distil(plain, fast_adapter(folder)))
    assert not np.array_equal(on.frames, off.frames)
    assert without.fingerprint != generator.fingerprint


@pytest.mark.parametrize(("change", "says"), [
    (lambda weights: weights.update({"diffusion_model.blocks.0.norm3.diff": torch.zeros(24)}), "norm3.diff"),
    (lambda weights: weights.update({"diffusion_model.blocks.0.self_attn.q.diff_b": torch.zeros(24)}), "diff_b"),
    (lambda weights: weights.update({"diffusion_model.blocks.0.diff_m": torch.zeros(24)}), "diff_m"),
    (lambda weights: weights.pop("diffusion_model.blocks.0.self_attn.q.lora_up.weight"), "both halves"),
    (lambda weights: weights.clear(), "holds no LoRA layer"),
])
def test_a_file_of_which_something_would_be_left_out_is_refused(tmp_path, change, says):
    weights = adapter_weights(0, alpha=2)
    change(weights)
    with pytest.raises(ModelFilesError, match=says):
        fold_alphas(weights, tmp_path / "lora.safetensors")


@pytest.mark.parametrize("bare", [False, True])
def test_lightx2vs_names_with_and_without_their_prefix_find_their_layers(tmp_path, bare):
    file = tmp_path / "lora.safetensors"
    weights = adapter_weights(0, alpha=2)
    if bare:
        weights = {key.removeprefix("diffusion_model."): tensor for key, tensor in weights.items()}
    save_file(weights, file)
    check_distilled_fits(tiny_expert(), file, "fetch it")


@pytest.mark.parametrize(("change", "says"), [
    (lambda weights: weights.update({f"diffusion_model.blocks.0.cross_attn.k_img.lora_{half}.weight": torch.ones(4, 4)
                                     for half in ("down", "up")}), "k_img"),
    (lambda weights: weights.update({f"diffusion_model.head.head.lora_{half}.weight": torch.ones(4, 4)
                                     for half in ("down", "up")}), "head"),
    (lambda weights: weights.update({f"lora_unet_blocks_0_ffn_0.lora_{half}.weight": torch.ones(4, 4)
                                     for half in ("down", "up")}), "lora_unet"),
    (lambda weights: weights.update({"diffusion_model.blocks.1.ffn.2.alpha": torch.ones(4)}), "one number"),
    (lambda weights: [weights.pop(key) for key in list(weights) if ".ffn.2." in key], "18 layers instead of 20"),
    (lambda weights: [weights.pop(key) for key in list(weights) if ".1.ffn.2." in key], "in 1 of 2 blocks"),
])
def test_a_file_that_does_not_fit_the_expert_is_refused_by_its_key(tmp_path, change, says):
    weights, file = adapter_weights(0, alpha=2), tmp_path / "lora.safetensors"
    change(weights)
    save_file(weights, file)
    with pytest.raises(ModelFilesError, match=says):
        check_distilled_fits(tiny_expert(), file, "fetch it")


def test_files_that_are_not_there_are_found_before_an_expert_is_read(folder, tmp_path):
    config = distil(tiny_config(folder), replace(fast_adapter(folder), low_noise=tmp_path / "nothing.safetensors"))
    generator = WanStoryMemGenerator(config)
    assert [model.revision for model in generator.capabilities.models][1:] == [NOT_INSTALLED]
    with pytest.raises(ModelFilesError, match=r"nothing\.safetensors"):
        generator.generate(request())
    assert generator._models is None


def test_choices_that_cannot_be_meant_are_refused_without_a_file(folder):
    config, adapter = tiny_config(folder), fast_adapter(folder)
    with pytest.raises(UsageError, match="makes one forward a step already"):
        replace(distil(config, adapter), speed=SpeedOptions(joint_guidance=True))
    with pytest.raises(UsageError, match="by distil"):
        replace(config, distilled=adapter)
    with pytest.raises(UsageError, match="distilled for 4 noise levels"):
        replace(distil(config, adapter).sampling, steps=8)
    with pytest.raises(UsageError, match="1 expert"):
        distil(tiny_config(folder, experts=1), adapter)


def test_memento_refuses_what_its_experts_cannot_do(tmp_path):
    from tests.support.tiny_memento import build_tiny_memento

    home = build_tiny_memento(tmp_path / "memento")
    config = tiny_config(home)
    with pytest.raises(UsageError, match="MementoTransformer reads one sequence"):
        WanMementoGenerator(replace(config, speed=SpeedOptions(joint_guidance=True))).generate(request(memory=()))
    for expert in ("high", "low"):
        save_file(adapter_weights(1), home / f"fast-{expert}.safetensors")
    with pytest.raises(UsageError, match="takes no few-step adapter"):
        WanMementoGenerator(distil(config, fast_adapter(home))).generate(request(memory=()))


def test_what_is_faster_is_in_fingerprint_notes_and_machine_and_nothing_else_is(folder):
    plain, shot = film(tiny_config(folder))
    speed = SpeedOptions(joint_guidance=True, cache=FirstBlockCache(0.2))
    fast, faster = film(replace(tiny_config(folder), speed=speed))
    assert set(fast.fingerprint) - set(plain.fingerprint) == {"speed"}
    assert fast.fingerprint["speed"] == speed.name == "joint guidance; first-block cache 0.2"
    assert faster.notes == ("faster: joint guidance; first-block cache 0.2",)
    assert faster.machine == fast.machine() != plain.machine()
    assert shot.notes == ()


def test_an_attention_kernel_that_cannot_run_here_is_refused_and_another_one_can(folder):
    with pytest.raises(UsageError, match="attention 'flash' cannot run on cpu"):
        film(replace(tiny_config(folder), speed=SpeedOptions(attention="flash")))
    with pytest.raises(UsageError, match="attention 'fastest' cannot run"):
        film(replace(tiny_config(folder), speed=SpeedOptions(attention="fastest")))
    _, plain = film(tiny_config(folder))
    generator, other = film(replace(tiny_config(folder), speed=SpeedOptions(attention="_native_math")))
    processor = generator._load().pipeline.transformer.blocks[0].attn1.processor
    assert processor._attention_backend.value == "_native_math"
    assert np.abs(other.frames.astype(int) - plain.frames).max() <= 1
    film(replace(tiny_config(folder), speed=SpeedOptions(attention="native")))  # diffusers' default of the process
