"""Requests with candidates in, frames and choices out, on whole toy folders in every form that the weights come in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import Candidate, FrameSize, GenerationRequest, Recollection
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.memento.checkpoints import memento_expert
from filmagent.generation.wan.memento.generator import CUT_GUIDANCE, WanMementoGenerator
from tests.support.original_wan import build_original, lay_out_alike, with_wans_vae
from tests.support.tiny_memento import WEIGHTS, as_released, build_tiny_memento, in_original_names, tiny_memento
from tests.support.tiny_wan import build_tiny_wan, tiny_generator

SIZE = FrameSize(32, 32)
PROMPT = "global caption: [Animal A]: red cat; shot caption: [Animal A] walks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_memento(tmp_path_factory.mktemp("memento"))


@pytest.fixture(scope="module")
def generator(folder):
    return tiny_memento(folder)


def pictures(count, seed=0, size=32):
    return tuple(np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def told(count, show=8, identity="", **changes):
    return Recollection(tuple(Candidate(8 * index, **changes) for index in range(count)), start=8 * count, show=show,
                        identity=identity)


def request(candidates=0, **changes):
    given = {"memory": pictures(candidates), "recollection": told(candidates)} if candidates else {}
    return GenerationRequest(**{"prompt": PROMPT, "link": "scene_cut", "seed": 1, "size": SIZE, "frames": 9}
                             | given | changes)


@pytest.mark.parametrize(("link", "seam", "kept"), [("scene_cut", 0, 9), ("MI2V", 1, 8), ("MM2V", 5, 4)])
def test_every_link_is_filmed_with_memory(generator, link, seam, kept):
    shot = generator.generate(request(10, link=link, seam=np.stack(pictures(seam, 9)) if seam else None))
    assert shot.frames.shape == (kept, 32, 32, 3)
    assert shot.identity is None
    for chosen in (shot.chosen["high_noise"], shot.chosen["low_noise"]):
        assert len(set(chosen)) == 8 and list(chosen) == sorted(chosen)


def test_a_small_pool_is_shown_whole_and_no_memory_chooses_nothing(generator):
    assert generator.generate(request(3)).chosen == {"high_noise": (0, 1, 2), "low_noise": (0, 1, 2)}
    assert generator.generate(request()).chosen == {}


def test_a_subject_is_drawn_beside_the_shot(generator):
    plain = request(9)
    shot = generator.generate(replace(plain, recollection=told(9, identity="[Animal A] red cat")))
    other = generator.generate(replace(plain, recollection=told(9, identity="blue dog")))
    assert shot.identity.shape == (32, 32, 3) and shot.identity.dtype == np.uint8
    assert shot.frames.shape == (9, 32, 32, 3)
    assert not np.array_equal(shot.identity, other.identity), "it reads a text of its own"
    assert not np.array_equal(shot.frames, generator.generate(plain).frames), "memory looks at it, the shot at memory"


def test_equal_requests_give_equal_frames_whatever_was_filmed_between(generator, folder):
    asked = request(10)
    first = generator.generate(asked)
    generator.generate(request(4, prompt="a dog runs", link="MI2V", seam=np.stack(pictures(1))))
    again = generator.generate(asked)
    assert np.array_equal(first.frames, again.frames) and first.chosen == again.chosen
    assert np.array_equal(first.frames, tiny_memento(folder).generate(asked).frames)
    later = replace(asked.recollection, start=400)
    for change in ({"seed": 2}, {"prompt": "a dog runs"}, {"memory": pictures(10, 5)}, {"recollection": later},
                   {"recollection": replace(asked.recollection, show=2)}):
        assert not np.array_equal(first.frames, generator.generate(replace(asked, **change)).frames), change


def test_experts_choose_only_from_what_they_are_offered(generator):
    candidates = tuple(Candidate(8 * index, experts=("high_noise",) if index < 10 else ()) for index in range(12))
    shot = generator.generate(request(12, recollection=Recollection(candidates, start=96, show=8)))
    assert shot.chosen["low_noise"] == (10, 11)
    assert len(shot.chosen["high_noise"]) == 8


@pytest.mark.parametrize("pin", [0, 5, 9])
def test_fewer_are_shown_when_asked_and_pinned_ones_always(generator, pin):
    candidates = tuple(Candidate(8 * index, pinned=index == pin) for index in range(10))
    shot = generator.generate(request(10, recollection=Recollection(candidates, start=80, show=2), frames=5))
    assert all(len(chosen) == 2 and pin in chosen for chosen in shot.chosen.values())


def test_one_kind_of_queries_chooses_all_when_told_so(folder):
    generator = tiny_memento(folder)
    asked, by, models = request(20), {"both": generator}, generator._load()
    with torch.no_grad():  # weak ones all ask for the same
        for expert in (models.pipeline.transformer, models.pipeline.transformer_2):
            expert.keyframe_query.queries.mul_(20)
            expert.keyframe_query.queries_global.mul_(20)
    for queries in ("local", "global"):
        by[queries] = WanMementoGenerator(generator.config, generator.cut_guidance, queries)
        by[queries]._models = models
    chosen = {queries: each.generate(asked).chosen for queries, each in by.items()}
    assert all(len(frames) == 8 for experts in chosen.values() for frames in experts.values())
    # Six of both's are the local queries' best six, so that local ones alone add two.
    both, local, overall = (set(chosen[queries]["high_noise"]) for queries in by)
    assert len(both & local) >= 6 and len({frozenset(both), frozenset(local), frozenset(overall)}) == 3
    assert len({frozenset(each.fingerprint.items()) for each in by.values()}) == 3
    assert len({each.capabilities for each in by.values()}) == 1
    few = replace(asked, recollection=replace(asked.recollection, show=2))
    assert {len(each.generate(few).chosen["low_noise"]) for each in by.values()} == {2}


def test_guidance_is_stronger_at_cuts(folder, monkeypatch):
    generator, used = tiny_memento(folder), []
    generator.generate(request(frames=5))
    make_shot = generator._models.pipeline.make_shot
    monkeypatch.setattr(generator._models.pipeline, "make_shot",
                        lambda *given, **how: used.append(how["guidance"]) or make_shot(*given, **how))
    generator.generate(request(frames=5))
    generator.generate(request(frames=5, link="MI2V", seam=np.stack(pictures(1))))
    assert used == [CUT_GUIDANCE, 2.0]
    assert create_generator(f"wan-memento:{folder}", guidance=1.5).cut_guidance == 1.5


@pytest.mark.parametrize(("change", "message"), [
    ({"recollection": None}, "give a recollection"),
    ({"recollection": told(2)}, "tells of 2 candidates"),
    ({"recollection": told(3, show=9)}, "1 to 8"),
    ({"memory": pictures(41), "recollection": told(41)}, "chooses from 0 to 40"),
])
def test_memory_that_it_cannot_place_is_refused_before_anything_is_loaded(folder, change, message):
    fresh = tiny_memento(folder)
    with pytest.raises(UsageError, match=message):
        fresh.generate(request(3, **change))
    assert fresh._models is None


def test_a_generator_that_does_not_choose_refuses_a_recollection(tmp_path):
    with pytest.raises(UsageError, match="does not choose"):
        tiny_generator(build_tiny_wan(tmp_path)).generate(request(2, prompt="the cat walks"))


def test_original_names_load_to_the_same_frames(generator, tmp_path):
    folder = build_tiny_memento(tmp_path)
    in_original_names(folder)
    assert "blocks.0.self_attn.q.weight" in load_file(folder / "transformer" / WEIGHTS)
    assert np.array_equal(tiny_memento(folder).generate(request(9)).frames, generator.generate(request(9)).frames)


def test_the_released_adapters_load_with_their_selectors_onto_stock_experts(generator, tmp_path):
    folder = build_tiny_memento(tmp_path)
    as_released(folder)
    adapted = tiny_memento(folder)
    assert adapted.generate(request(9)).chosen, "it has its selector"
    assert adapted._models.pipeline.transformer.active_adapters() == ["memento"]
    assert not np.array_equal(adapted.generate(request(3)).frames, generator.generate(request(3)).frames)
    (folder / "memento/backbone_low_noise.safetensors").unlink()
    with pytest.raises(ModelFilesError, match=r"backbone_low_noise"):
        tiny_memento(folder).generate(request(3))


def as_pickles(folder, change=lambda weights, expert: weights):
    """Write the released files as `.pth`, as their publisher's page lists them."""
    for expert in ("high_noise", "low_noise"):
        file = folder / f"memento/backbone_{expert}.safetensors"
        torch.save(change(load_file(file), expert), file.with_suffix(".pth"))
        file.unlink()


def test_released_pickles_film_what_safetensors_film_on_experts_of_either_format(tmp_path):
    folder = with_wans_vae(build_tiny_memento(tmp_path / "stock"))
    as_released(folder)
    own = build_original(folder, tmp_path / "own")
    shutil.copytree(folder / "memento", own / "memento")
    as_pickles(own)
    shots = []
    for home in (folder, own):
        generator = tiny_memento(home)
        lay_out_alike(generator._load().pipeline)
        shots.append(generator.generate(request(9)))
    assert np.array_equal(shots[0].frames, shots[1].frames) and shots[0].chosen == shots[1].chosen != {}


@pytest.mark.parametrize(("change", "message"), [
    (lambda weights, expert: weights | {"program": print}, r"backbone_high_noise\.pth' .* wants more than tensors"),
    (lambda weights, expert: {"epoch": 3, "trainable_state_dict": weights}, "'epoch', which is no weight"),
    (lambda weights, expert: {name.replace(f"{expert}_", "low_noise_"): tensor for name, tensor in weights.items()},
     r"the other expert \(low_noise_model\.\*\): split it"),
    (lambda weights, expert: weights | {f"module.{name}": tensor for name, tensor in weights.items()}, "twice"),
    (lambda weights, expert: {name: tensor for name, tensor in weights.items() if "query" not in name}, "no selector"),
])
def test_pickles_that_are_not_one_experts_weights_are_refused_in_one_line(tmp_path, change, message):
    folder = build_tiny_memento(tmp_path)
    as_released(folder)
    as_pickles(folder, change)
    with pytest.raises(ModelFilesError, match=message) as error:
        tiny_memento(folder).generate(request(3))
    assert "\n" not in str(error.value)


def test_experts_without_a_selector_and_with_two_are_explained(tmp_path):
    folder = build_tiny_memento(tmp_path)
    (folder / "memento").mkdir()
    for expert in ("high_noise", "low_noise"):
        weights = load_file(folder / "transformer" / WEIGHTS)
        selector = {name: tensor for name, tensor in weights.items() if name.startswith("keyframe_query.")}
        save_file(selector, folder / f"memento/backbone_{expert}.safetensors")
    with pytest.raises(ModelFilesError, match="another selector"):
        tiny_memento(folder).generate(request(3))
    stock = build_tiny_wan(tmp_path / "stock")
    with pytest.raises(ModelFilesError, match="keyframe_query"):
        tiny_memento(stock).generate(request(3))


def test_half_precision_keeps_what_must_stay_whole(folder):
    config = {"patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 36,
              "out_channels": 16, "text_dim": 16, "freq_dim": 16, "ffn_dim": 32, "num_layers": 2}
    expert = memento_expert(load_file(folder / "transformer" / WEIGHTS), config, torch.bfloat16)
    kinds = {name: tensor.dtype for name, tensor in expert.state_dict().items()}
    assert kinds["blocks.0.attn1.to_q.weight"] == torch.bfloat16
    assert kinds["keyframe_query.queries"] == kinds["blocks.0.scale_shift_table"] == torch.float32


def test_the_fingerprint_holds_the_guidance_at_cuts(folder):
    generator = tiny_memento(folder)
    plain = dict(generator.fingerprint)
    generator.cut_guidance = 4.0
    assert generator.fingerprint != plain
    assert generator.capabilities.max_memory == 8 and generator.capabilities.draws_identity


def test_it_is_made_and_asked_without_torch(folder):
    program = (
        "import sys\n"
        "from filmagent.generation.registry import create_generator\n"
        f"create_generator('wan-memento:' + {str(folder)!r}).capabilities\n"
        "sys.exit('torch' in sys.modules or 'diffusers' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
