"""Requests in, frames out, on real classes at toy size."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import GenerationCancelledError, GenerationError, ModelFilesError, UsageError
from filmagent.generation.port import FrameSize, GenerationRequest, Generator
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.config import NOT_INSTALLED, LinkAdapters
from filmagent.generation.wan.generator import WanStoryMemGenerator
from tests.support.tiny_wan import build_tiny_wan, corrupt, tiny_config, tiny_generator

SIZE = FrameSize(32, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def generator(folder):
    return tiny_generator(folder)


def pictures(count, seed=0, size=32):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def request(**changes):
    return GenerationRequest(**{"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": SIZE, "frames": 9}
                             | changes)


def test_it_is_a_generator(generator):
    assert isinstance(generator, Generator)
    assert generator.capabilities.links == {"scene_cut", "MI2V", "MM2V"}


@pytest.mark.parametrize(("link", "seam", "kept"), [("scene_cut", 0, 9), ("MI2V", 1, 8), ("MM2V", 5, 4)])
@pytest.mark.parametrize("memory", [0, 2])
def test_every_link_with_and_without_memory_makes_its_frames(generator, link, seam, kept, memory):
    steps = []
    shot = generator.generate(request(
        link=link, seam=pictures(seam, 9) if seam else None, memory=tuple(pictures(memory, 3, 40)),
        on_step=lambda step, of: steps.append((step, of)),
    ))
    assert shot.frames.shape == (kept, 32, 32, 3)
    assert shot.frames.dtype == np.uint8
    assert steps == [(1, 2), (2, 2)]
    assert set(shot.seconds) == {"load", "text", "encode", "denoise", "decode"}


def test_equal_requests_give_equal_frames_and_another_seed_others(generator, folder):
    asked = request(memory=tuple(pictures(2)))
    first = generator.generate(asked).frames
    generator.generate(request(link="MM2V", seam=pictures(5), prompt="a dog runs"))
    assert np.array_equal(generator.generate(asked).frames, first)
    assert np.array_equal(tiny_generator(folder).generate(asked).frames, first), "also in a new process' first shot"
    assert not np.array_equal(generator.generate(replace(asked, seed=2)).frames, first)
    assert not np.array_equal(generator.generate(replace(asked, prompt="a dog runs")).frames, first)
    assert not np.array_equal(generator.generate(replace(asked, memory=asked.memory[:1])).frames, first)
    assert not np.array_equal(generator.generate(replace(asked, negative_prompt="red")).frames, first)


def test_the_fingerprint_holds_what_changes_the_frames(folder, tmp_path):
    plain = tiny_generator(folder).fingerprint
    assert tiny_generator(folder).fingerprint == plain
    for change in ({"steps": 3}, {"guidance": 1.5}, {"guidance_2": 1.5}, {"shift": 5.0}, {"grid": "stock"},
                   {"memory_stride": 1}, {"negative_prompt": "red"}):
        assert tiny_generator(folder, **change).fingerprint != plain
    other = build_tiny_wan(tmp_path / "other", seed=5)
    assert tiny_generator(other).fingerprint["weights"] != plain["weights"]


def test_frames_are_made_in_the_order_of_the_request_even_from_many_threads(generator):
    asked = [request(seed=seed, memory=tuple(pictures(seed % 3))) for seed in range(4)]
    wanted = [generator.generate(entry).frames for entry in asked]
    made = {}
    threads = [threading.Thread(target=lambda i=i: made.update({i: generator.generate(asked[i]).frames}))
               for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(made[i], wanted[i]) for i in range(4))


@pytest.mark.parametrize(("change", "message"), [
    ({"size": FrameSize(40, 32)}, "multiples of 16"),
    ({"size": FrameSize(128, 128)}, "at most"),
    ({"frames": 8}, "4 n"),
    ({"frames": 13}, "from 1 to 9"),
    ({"link": "MM2V"}, "last 5 frames"),
    ({"link": "MI2V", "seam": pictures(5)}, "the seam is"),
    ({"link": "MI2V", "seam": pictures(1, size=48)}, "the seam is"),
    ({"seam": pictures(1)}, "is a cut"),
    ({"link": "MM2V", "seam": pictures(5), "frames": 5}, "from 6"),
    ({"memory": tuple(pictures(4))}, "0 to 3"),
    ({"memory": (pictures(1)[0].astype(float),)}, "memory frame 0"),
    ({"memory": (pictures(1)[0, :, :, 0],)}, "memory frame 0"),
    ({"prompt": "  "}, "empty"),
    ({"seed": -1}, "seed"),
])
def test_requests_that_cannot_be_made_are_refused_before_anything_is_loaded(folder, change, message):
    fresh = tiny_generator(folder)
    with pytest.raises(UsageError, match=message):
        fresh.generate(request(**change))
    assert fresh._models is None


def test_a_prompt_that_is_too_long_is_not_cut_silently(generator):
    with pytest.raises(GenerationError, match="21 tokens"):
        generator.generate(request(prompt="cat " * 20))


def test_cancelling(generator):
    with pytest.raises(GenerationCancelledError):
        generator.generate(request(cancelled=lambda: True))


def test_missing_and_broken_files(folder, tmp_path):
    nowhere = tiny_generator(tmp_path / "nowhere")
    assert nowhere.capabilities.models[0].revision == NOT_INSTALLED
    with pytest.raises(ModelFilesError, match="nowhere"):
        nowhere.generate(request())
    with pytest.raises(ModelFilesError, match="nowhere"):
        dict(nowhere.fingerprint)
    broken = shutil.copytree(folder, tmp_path / "broken")
    corrupt(broken / "transformer_2/diffusion_pytorch_model.safetensors")
    with pytest.raises(ModelFilesError, match="transformer_2"):
        tiny_generator(broken).generate(request())


def test_a_decoder_that_makes_no_numbers_makes_no_film(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    weights = load_file(broken / "vae/diffusion_pytorch_model.safetensors")
    weights["decoder.conv_out.bias"][0] = float("nan")
    save_file(weights, broken / "vae/diffusion_pytorch_model.safetensors")
    with pytest.raises(GenerationError, match="decoder"):
        tiny_generator(broken).generate(request())


def adapters(folder, seed):
    noise, weights = torch.Generator().manual_seed(seed), {}
    for block in range(2):
        for layer in ("self_attn.q", "cross_attn.o"):
            weights[f"base_model.model.blocks.{block}.{layer}.lora_A.weight"] = torch.randn(4, 24, generator=noise)
            weights[f"base_model.model.blocks.{block}.{layer}.lora_B.weight"] = torch.randn(24, 4, generator=noise)
    folder.mkdir(parents=True)
    for name in ("high", "low"):
        save_file(weights, folder / f"{name}.safetensors")
    return {"high_noise": folder / "high.safetensors", "low_noise": folder / "low.safetensors"}


def test_links_choose_their_adapters_without_reloading(folder, tmp_path):
    config = replace(tiny_config(folder), adapters=(
        LinkAdapters("mi2v", frozenset({"scene_cut"}), **adapters(tmp_path / "mi2v", 1)),
        LinkAdapters("mm2v", frozenset({"MM2V"}), **adapters(tmp_path / "mm2v", 2)),
    ))
    adapted, plain = WanStoryMemGenerator(config), tiny_generator(folder)
    first = adapted.generate(request()).frames
    experts = adapted._models.pipeline.transformer, adapted._models.pipeline.transformer_2
    joined = request(link="MM2V", seam=pictures(5))
    second = adapted.generate(joined).frames
    assert all(expert.active_adapters() == ["mm2v"] for expert in experts)
    assert not np.array_equal(first, plain.generate(request()).frames)
    assert not np.array_equal(second, plain.generate(joined).frames)
    assert np.array_equal(adapted.generate(request()).frames, first)
    assert adapted._models.pipeline.transformer is experts[0]
    assert adapted.fingerprint["weights"] != plain.fingerprint["weights"]
    with pytest.raises(GenerationError, match="MI2V"):
        adapted.generate(request(link="MI2V", seam=pictures(1)))


def test_storymem_on_wan_is_two_experts_with_two_pairs_of_adapters(tmp_path):
    folder = build_tiny_wan(tmp_path / "wan")
    generator = create_generator(f"wan-storymem:{folder}", steps=2)
    small = request(size=SIZE, frames=9, memory=tuple(pictures(4)))
    with pytest.raises(ModelFilesError, match=r"backbone_high_noise.*Kevin-thu/StoryMem"):
        generator.generate(small)
    for seed, name in enumerate(("Wan2.2-MI2V-A14B", "Wan2.2-MM2V-A14B")):
        files = adapters(folder / "storymem" / name, seed)
        for noise, file in files.items():
            file.rename(file.with_name(f"backbone_{noise}.safetensors"))
    assert generator.generate(small).frames.shape == (9, 32, 32, 3)
    assert generator.generate(replace(small, link="MM2V", seam=pictures(5))).frames.shape == (4, 32, 32, 3)


def test_bfloat16_makes_nearly_the_same_picture(folder):
    exact = tiny_generator(folder).generate(request(memory=tuple(pictures(1)))).frames.astype(float)
    config = replace(tiny_config(folder), precision="bfloat16")
    rough = WanStoryMemGenerator(config).generate(request(memory=tuple(pictures(1)))).frames.astype(float)
    assert np.abs(exact - rough).mean() < 2.0
    assert not np.array_equal(exact, rough), "bfloat16 was really used"


def test_a_generator_is_made_and_asked_without_torch(folder):
    program = (
        "import sys, pathlib\n"
        "from filmagent.generation.registry import create_generator\n"
        "create_generator('papercut').capabilities\n"
        f"create_generator('wan-storymem:' + {str(folder)!r}).capabilities\n"
        "sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
