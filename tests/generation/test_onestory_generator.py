"""Requests with earlier frames in, frames and choices out, on whole toy folders; and memory files on disk."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import Candidate, FrameSize, GenerationRequest, Recollection
from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.onestory.checkpoints import base_revision, load_onestory_expert, read_header
from filmagent.generation.wan.onestory.expert import Pool, ShotMemory
from filmagent.generation.wan.onestory.generator import WanOneStoryGenerator, wan_onestory
from filmagent.generation.wan.onestory.shape import MemoryShape
from tests.support.tiny_onestory import SHAPE, build_tiny_onestory, save_memory, tiny_onestory, tiny_onestory_config
from tests.support.tiny_wan import build_tiny_wan

SIZE = FrameSize(64, 64)
MEMORY = "onestory/transformer.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_onestory(tmp_path_factory.mktemp("onestory"))


@pytest.fixture(scope="module")
def generator(folder):
    return tiny_onestory(folder)


def pictures(count, seed=0, size=64):
    return tuple(np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def told(count, show=9, **changes):
    return Recollection(tuple(Candidate(8 * index, **changes) for index in range(count)), start=8 * count, show=show)


def request(candidates=0, **changes):
    given = {"memory": pictures(candidates), "recollection": told(candidates)} if candidates else {}
    return GenerationRequest(**{"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": SIZE, "frames": 5}
                             | given | changes)


@pytest.mark.parametrize(("link", "seam", "kept"), [("scene_cut", 0, 9), ("MI2V", 1, 8), ("MM2V", 5, 4)])
def test_every_link_is_filmed_with_memory(generator, link, seam, kept):
    shot = generator.generate(request(12, link=link, frames=9, seam=np.stack(pictures(seam, 9)) if seam else None))
    assert shot.frames.shape == (kept, 64, 64, 3)
    for expert in ("high_noise", "low_noise"):
        fine, coarse = shot.chosen[f"{expert} 4x4"], shot.chosen.get(f"{expert} 8x8", ())
        assert shot.chosen[expert] == tuple(sorted((*fine, *coarse)))
        assert len(set(shot.chosen[expert])) == len(fine) + len(coarse) == 9


def test_without_memory_nothing_is_chosen(generator):
    assert generator.generate(request()).chosen == {}


def test_equal_requests_give_equal_frames_whatever_was_filmed_between(generator, folder):
    asked = request(10)
    first = generator.generate(asked)
    generator.generate(request(4, prompt="a dog runs", link="MI2V", seam=np.stack(pictures(1))))
    again = generator.generate(asked)
    assert np.array_equal(first.frames, again.frames) and first.chosen == again.chosen
    assert np.array_equal(first.frames, tiny_onestory(folder).generate(asked).frames)
    later = replace(asked.recollection, start=400)
    for change in ({"seed": 2}, {"prompt": "a dog runs"}, {"memory": pictures(10, 5)}, {"recollection": later},
                   {"recollection": replace(asked.recollection, show=2)}, {"memory": (), "recollection": None}):
        assert not np.array_equal(first.frames, generator.generate(replace(asked, **change)).frames), change


def test_fewer_are_shown_when_asked_and_pinned_ones_always(generator):
    for pin in (0, 5, 9):
        candidates = tuple(Candidate(8 * index, pinned=index == pin) for index in range(10))
        shot = generator.generate(request(10, recollection=Recollection(candidates, start=80, show=2)))
        chosen = shot.chosen["high_noise"], shot.chosen["low_noise"]
        assert all(len(frames) == 2 and pin in frames for frames in chosen)


def test_experts_choose_only_from_what_they_are_offered(generator):
    candidates = tuple(Candidate(8 * index, experts=("high_noise",) if index < 10 else ()) for index in range(12))
    shot = generator.generate(request(12, recollection=Recollection(candidates, start=96, show=9)))
    assert shot.chosen["low_noise"] == (10, 11) and len(shot.chosen["high_noise"]) == 9


def test_a_thousand_frames_are_more_than_it_is_offered(generator):
    assert generator.capabilities.memory_candidates == 256
    with pytest.raises(UsageError, match="chooses from 0 to 256"):
        generator.generate(request(1000))


@pytest.mark.parametrize(("change", "message"), [
    ({"recollection": None}, "give a recollection"),
    ({"recollection": told(2)}, "tells of 2 candidates"),
    ({"recollection": told(3, show=10)}, "1 to 9"),
])
def test_memory_that_it_cannot_place_is_refused_before_anything_is_loaded(folder, change, message):
    fresh = tiny_onestory(folder)
    with pytest.raises(UsageError, match=message):
        fresh.generate(request(3, **change))
    assert fresh._models is None


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_the_budget_is_the_weights_own(tmp_path, budget):
    folder = build_tiny_onestory(tmp_path, experts=1, memory=MemoryShape(3, 4, budget=budget))
    generator = tiny_onestory(folder, experts=1)
    assert generator.capabilities.max_memory == 8 + budget
    plain = generator.cost(ShotShape(SIZE, 9, 0)).tokens
    assert generator.cost(ShotShape(SIZE, 9, 8 + budget)).tokens == plain + budget * 16
    shot = generator.generate(request(12, recollection=told(12, show=8 + budget)))
    assert len(shot.chosen["denoiser"]) == 8 + budget


def test_a_saved_memory_loads_to_the_same_predictions(tmp_path):
    folder = build_tiny_onestory(tmp_path, experts=1)
    config = tiny_onestory(folder, experts=1)._with_memory
    trained = load_onestory_expert(config, "transformer", torch.float32)
    for number, weight in enumerate((*trained.frame_selector.parameters(), *trained.context_patchifiers.parameters())):
        weight.data += 0.01 * (1 + number)
    save_memory(folder / MEMORY, trained, base_revision(folder, "transformer"))
    loaded = load_onestory_expert(config, "transformer", torch.float32)
    assert read_header(folder / MEMORY, "").shape == SHAPE == loaded.memory
    assert not loaded.training
    noise = torch.Generator().manual_seed(0)
    text, pool = torch.randn(1, 5, 16, generator=noise), torch.randn(1, 16, 12, 8, 8, generator=noise)
    shot, seen = torch.randn(1, 36, 2, 8, 8, generator=noise), []
    for expert in (trained, loaded):
        memory = ShotMemory(Pool(pool, tuple(range(-12, 0)), text, show=9))
        with torch.no_grad(), remembering({expert: memory}):
            seen.append((expert(shot, torch.tensor([300]), text).sample, memory.chosen))
    assert torch.equal(seen[0][0], seen[1][0]) and seen[0][1] == seen[1][1]


def test_half_precision_leaves_the_memory_whole(folder):
    expert = load_onestory_expert(tiny_onestory(folder)._with_memory, "transformer", torch.bfloat16)
    kinds = {name: tensor.dtype for name, tensor in expert.state_dict().items()}
    assert kinds["blocks.0.attn1.to_q.weight"] == torch.bfloat16
    assert kinds["frame_selector.queries"] == kinds["blocks.0.scale_shift_table"] == torch.float32


def test_a_lora_beside_the_memory_adapts_the_base(folder, tmp_path, generator):
    adapted = build_tiny_onestory(tmp_path)
    noise, lora = torch.Generator().manual_seed(7), {}
    for block in range(2):
        for half, shape in (("A", (4, 24)), ("B", (24, 4))):
            lora[f"blocks.{block}.self_attn.q.lora_{half}.weight"] = 0.1 * torch.randn(shape, generator=noise)
    for part in ("transformer", "transformer_2"):
        expert = load_onestory_expert(tiny_onestory(adapted)._with_memory, part, torch.float32)
        save_memory(adapted / f"onestory/{part}.safetensors", expert, base_revision(adapted, part), lora)
    made = tiny_onestory(adapted)
    frames = made.generate(request(3)).frames
    assert made._models.pipeline.transformer.active_adapters() == ["onestory"]
    assert not np.array_equal(frames, generator.generate(request(3)).frames)


def metadata(file):
    with safe_open(file, framework="numpy") as opened:
        return opened.metadata()


def rewritten(folder, weights=None, **told):
    file = folder / MEMORY
    save_file(weights if weights is not None else load_file(file), file, metadata={**metadata(file), **told})


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda folder: (folder / MEMORY).unlink(), "transformer.safetensors' is missing.*mend the test"),
    (lambda folder: rewritten(folder, base="0" * 16), "belongs to tiny-wan of revision 0000000000000000"),
    (lambda folder: rewritten(folder, format="other"), "no OneStory memory of this release"),
    (lambda folder: rewritten(folder, shape='{"budget": 4, "kernels": [2]}'), "budget 4"),
    (lambda folder: rewritten(folder, {"frame_selector.queries": torch.zeros(3, 24)}), "does not fit its base"),
    (lambda folder: rewritten(folder, load_file(folder / MEMORY) | {"frame_selector.queries": torch.zeros(2, 24)}),
     "frame_selector.queries"),
    (lambda folder: rewritten(folder, load_file(folder / MEMORY) | {"stray": torch.zeros(1)}), "'stray' is no LoRA"),
])
def test_memory_files_that_do_not_fit_are_explained_in_one_line(tmp_path, spoil, message):
    folder = build_tiny_onestory(tmp_path, experts=1)
    spoil(folder)
    with pytest.raises(ModelFilesError, match=message) as found:
        tiny_onestory(folder, experts=1).generate(request(3))
    assert "\n" not in str(found.value)


def test_two_experts_share_one_shape(tmp_path):
    folder = build_tiny_onestory(tmp_path)
    rewritten(folder, shape='{"queries": 3, "projection": 4, "kernels": [2, 4, 8], "budget": 2}')
    with pytest.raises(ModelFilesError, match="different sizes"):
        tiny_onestory(folder).generate(request(3))


def test_a_folder_without_memory_can_be_asked_but_not_filmed_with(tmp_path):
    generator = tiny_onestory(build_tiny_wan(tmp_path))
    assert generator.capabilities.models[0].revision == "not installed"
    with pytest.raises(ModelFilesError, match="onestory"):
        dict(generator.fingerprint)


def test_the_fingerprint_follows_the_memory_file(tmp_path):
    folder = build_tiny_onestory(tmp_path, experts=1)
    plain = dict(tiny_onestory(folder, experts=1).fingerprint)
    rewritten(folder, name="another")
    assert dict(tiny_onestory(folder, experts=1).fingerprint) != plain


class Both(PapercutGenerator, WanOneStoryGenerator):
    """papercut's way of filming cuts, with OneStory's memory."""


def test_the_small_models_way_of_filming_goes_with_this_memory(tmp_path):
    folder = build_tiny_onestory(tmp_path, experts=1)
    generator = Both(tiny_onestory_config(folder, experts=1))
    shot = generator.generate(request(3, frames=9, link="MI2V", seam=np.stack(pictures(1))))
    assert shot.frames.shape == (8, 64, 64, 3)
    assert shot.chosen["denoiser"] == (0, 1, 2)
    assert generator.capabilities.memory_candidates and generator.fingerprint["cut"] == "opening picture"


def test_it_is_made_and_asked_without_torch(folder):
    program = (
        "import sys\n"
        "from filmagent.generation.wan.onestory.generator import wan_onestory\n"
        f"wan_onestory({str(folder)!r}, steps=3, guidance=2.0).capabilities\n"
        "sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert wan_onestory(str(folder)).config.sampling.steps == 40
