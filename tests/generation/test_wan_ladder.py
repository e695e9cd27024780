"""The memory ladder: every rung is really on and bounds its error; running out of memory ends in the same shot."""

from __future__ import annotations

from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan import models
from filmagent.generation.wan.budget import ladder
from filmagent.generation.wan.budget.ladder import CARD_LADDER, RAM_LADDER
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.config import LinkAdapters
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.models import Placement, load_models
from tests.generation.test_wan_generator import adapters
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_generator

CPU = torch.device("cpu")
RUNG = {rung.name: rung for rung in CARD_LADDER}
OUT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore words")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


def pictures(count):
    return tuple(np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8))


REQUEST = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9,
                            memory=pictures(2))


LARGEST = ShotShape(FrameSize(32, 32), 9, 3)


def placed(config, rung):
    """A generator whose models lie on a rung, whatever this machine is."""
    generator = WanStoryMemGenerator(config)
    generator._placed = Placement(choose_precision("float32", CPU), rung, room=0)
    return generator


@pytest.fixture(scope="module")
def plain(folder):
    return tiny_generator(folder).generate(REQUEST).frames.astype(float)


def hooks(expert, name):
    return [key for key, module in expert.named_modules()
            if hasattr(module, "_diffusers_hook") and module._diffusers_hook.get_hook(name) is not None]


def experts_of(generator):
    return generator._models.pipeline.transformer, generator._models.pipeline.transformer_2


def test_the_first_rung_hooks_nothing(folder):
    generator = tiny_generator(folder)
    shot = generator.generate(REQUEST)
    for expert in experts_of(generator):
        assert not hooks(expert, "layerwise_casting") + hooks(expert, "group_offloading")
        assert not hasattr(expert, "_hf_hook")
    assert shot.notes == ()
    assert generator.machine().startswith("CPU with")
    assert shot.machine == generator.machine()


def test_swap_puts_a_hook_on_every_model_and_makes_the_same_frames(folder, plain):
    generator = placed(tiny_config(folder), RUNG["swap"])
    shot = generator.generate(REQUEST)
    pipeline = generator._models.pipeline
    assert all(hasattr(model, "_hf_hook") for model in (*experts_of(generator), pipeline.vae, pipeline.text_encoder))
    # Moved weights lie at other addresses, and some CPUs round sums over unaligned memory in another order.
    assert np.abs(shot.frames.astype(int) - plain).max() <= 1
    assert any("swap" in note for note in shot.notes)


def test_float8_stores_linear_weights_in_a_byte_and_stays_near(folder, plain):
    generator = placed(tiny_config(folder), RUNG["float8"])
    shot = generator.generate(REQUEST)
    for expert in experts_of(generator):
        stored = {name: weight.dtype for name, weight in expert.named_parameters()}
        assert stored["blocks.1.ffn.net.2.weight"] == stored["blocks.0.attn1.to_q.weight"] == torch.float8_e4m3fn
        assert stored["patch_embedding.weight"] == stored["blocks.0.attn1.norm_q.weight"] == torch.float32
        assert stored["condition_embedder.time_embedder.linear_1.weight"] == torch.float32
    error = np.abs(shot.frames - plain).mean()
    assert 0 < error < 2.0
    assert not RUNG["float8"].exact


def test_float8_leaves_adapters_alone(folder, tmp_path):
    config = replace(tiny_config(folder), adapters=(
        LinkAdapters("mi2v", frozenset({"scene_cut"}), **adapters(tmp_path / "mi2v", 1)),))
    generator = placed(config, RUNG["float8"])
    rough = generator.generate(REQUEST).frames.astype(float)
    exact = WanStoryMemGenerator(config).generate(REQUEST).frames.astype(float)
    stored = {name: weight.dtype for name, weight in experts_of(generator)[0].named_parameters()}
    assert stored["blocks.0.attn1.to_q.base_layer.weight"] == torch.float8_e4m3fn
    assert stored["blocks.0.attn1.to_q.lora_A.mi2v.weight"] == torch.float32
    assert np.abs(rough - exact).mean() < 4.0


def test_blocks_visit_one_after_another_and_make_the_same_frames(folder, plain):
    generator = placed(tiny_config(folder), RUNG["blocks"])
    shot = generator.generate(REQUEST)
    for expert in experts_of(generator):
        assert {"blocks.0", "blocks.1"} <= set(hooks(expert, "group_offloading"))
    assert np.array_equal(shot.frames, plain)
    assert np.array_equal(generator.generate(REQUEST).frames, plain), "and for the next shot"


def test_tiles_are_used_even_for_small_pictures_and_stay_near(folder, plain, monkeypatch):
    generator = placed(tiny_config(folder), RUNG["tiles"])
    vae = generator._load().pipeline.vae
    tiled, calls = type(vae).tiled_decode, []
    monkeypatch.setattr(vae, "tiled_decode", lambda *a, **k: (calls.append(1), tiled(vae, *a, **k))[1])
    shot = generator.generate(REQUEST)
    assert calls == [1]
    assert (vae.tile_sample_min_height, vae.tile_sample_stride_height) == (16, 8)
    error = np.abs(shot.frames - plain).mean()
    assert 0 < error < 12.0


def test_rungs_that_round_are_part_of_the_fingerprint(folder):
    exact = tiny_generator(folder).fingerprint
    for name in ("swap", "blocks"):
        assert placed(tiny_config(folder), RUNG[name]).fingerprint == exact
    for name in ("float8", "tiles"):
        assert placed(tiny_config(folder), RUNG[name]).fingerprint != exact


def test_a_budget_chooses_the_rung_in_advance(folder):
    config = tiny_config(folder)
    generator = WanStoryMemGenerator(config)
    assert generator.fit(LARGEST).rung == "resident"
    generator.keep_within(1)
    assert generator.fit(LARGEST).rung == "tiles"
    assert generator.fit(LARGEST).room_bytes == 1


def test_a_budget_that_no_rung_fits_is_refused_before_anything_is_loaded(folder):
    generator = WanStoryMemGenerator(tiny_config(folder))
    generator.keep_within(1)
    with pytest.raises(UsageError, match=r"memory budget of .* is too small"):
        generator.generate(REQUEST)
    assert generator._models is None
    generator.keep_within(64 * 2**30)
    assert generator.generate(REQUEST).frames.shape[0] == 9
    pipeline = ref(generator._models.pipeline)
    generator.keep_within(32 * 2**30)
    assert pipeline() is None, "a budget is not kept beside the models of the one before"


def sabotage(monkeypatch, where, failing):
    """Let memory run out on these rungs: at load, in the fifth forward (step 3 with guidance), or in the decoder."""
    real, forwards = models.place, []

    def placing(pipeline, rung, device, dtype):
        if where == "load" and rung.name in failing:
            raise OUT
        real(pipeline, rung, device, dtype)
        seen = []

        def forward(module, arguments):
            seen.append(rung.name)
            forwards.append(rung.name)
            if where == "step 3" and rung.name in failing and len(seen) == 5:
                raise OUT

        for expert in (pipeline.transformer, pipeline.transformer_2):
            expert.register_forward_pre_hook(forward)
        if where == "decode" and rung.name in failing:
            monkeypatch.setattr(pipeline.vae, "decode", _refuse)

    monkeypatch.setattr(models, "place", placing)
    return forwards


def _refuse(*_, **__):
    raise OUT


def use_ladder(monkeypatch, rungs):
    monkeypatch.setattr(ladder, "ladder_on", lambda device: rungs)
    monkeypatch.setattr(models, "ladder_on", lambda device: rungs)


@pytest.mark.parametrize(("where", "stage"), [("load", "load"), ("step 3", "denoise"), ("decode", "decode")])
def test_out_of_memory_goes_on_with_the_same_shot_on_the_next_rung(folder, monkeypatch, caplog, where, stage):
    whole = tiny_generator(folder, steps=4).generate(REQUEST).frames
    use_ladder(monkeypatch, (RUNG["resident"], RUNG["blocks"]))
    forwards = sabotage(monkeypatch, where, {"resident"})
    generator, steps = tiny_generator(folder, steps=4), []
    shot = generator.generate(replace(REQUEST, on_step=lambda step, of: steps.append(step)))
    assert np.array_equal(shot.frames, whole)
    assert shot.notes[0].startswith(f"out of memory ({stage}: CUDA out of memory. Tried to allocate 2.00 GiB.)")
    assert "resident -> blocks" in shot.notes[0]
    assert shot.notes[0] in caplog.text
    assert shot.seconds["lost"] > 0
    assert forwards == {"load": ["blocks"] * 8, "step 3": ["resident"] * 5 + ["blocks"] * 8,
                        "decode": ["resident"] * 8}[where], "a denoised shot is not denoised again"
    assert steps[-1] == 4
    later = generator.generate(replace(REQUEST, seed=2))
    assert len(later.notes) == 1
    assert later.notes[0].startswith("memory rung blocks")


@pytest.mark.parametrize(("last", "exact"), [("blocks", True), ("tiles", False)])
def test_a_denoised_shot_is_never_named_by_weights_that_it_was_not_denoised_with(folder, monkeypatch, last, exact):
    whole = tiny_generator(folder, steps=4)
    frames, fingerprint = whole.generate(REQUEST).frames, whole.fingerprint
    use_ladder(monkeypatch, CARD_LADDER)
    rungs = [rung.name for rung in CARD_LADDER]
    forwards = sabotage(monkeypatch, "decode", set(rungs[: rungs.index(last)]))
    generator = tiny_generator(folder, steps=4)
    shot = generator.generate(REQUEST)
    assert forwards == ["resident"] * 8
    assert "swap -> blocks" in shot.notes[1], "float8 would say that the latents were rounded"
    assert (generator.fingerprint == fingerprint) is np.array_equal(shot.frames, frames) is exact


def test_where_no_rung_below_denoises_alike_the_shot_is_denoised_again(folder, monkeypatch):
    exact = tiny_generator(folder, steps=4)
    frames, fingerprint = exact.generate(REQUEST).frames, exact.fingerprint
    use_ladder(monkeypatch, (RUNG["float8"], RUNG["blocks"]))
    forwards = sabotage(monkeypatch, "decode", {"float8"})
    generator = tiny_generator(folder, steps=4)
    shot = generator.generate(REQUEST)
    assert forwards == ["float8"] * 8 + ["blocks"] * 8
    assert generator.fingerprint == fingerprint
    assert np.array_equal(shot.frames, frames), "a rounded take never stands for the exact one"


def test_every_rung_of_the_card_is_tried_in_its_order(folder, monkeypatch, plain):
    use_ladder(monkeypatch, CARD_LADDER)
    sabotage(monkeypatch, "step 3", {"resident", "swap", "float8"})
    shot = tiny_generator(folder, steps=4).generate(REQUEST)
    steps = [note.split("memory rung ")[1].split(",")[0] for note in shot.notes[:3]]
    assert steps == ["resident -> swap", "swap -> float8", "float8 -> blocks"]
    exact = tiny_generator(folder, steps=4)
    monkeypatch.undo()
    assert np.array_equal(shot.frames, exact.generate(REQUEST).frames), "float8 weights were not kept"


@pytest.mark.parametrize("where", ["load", "step 3", "decode"])
def test_below_the_last_rung_is_one_clear_error_and_a_later_shot_may_work(folder, monkeypatch, where):
    sabotage(monkeypatch, where, {rung.name for rung in RAM_LADDER})
    generator = tiny_generator(folder, steps=4)
    with pytest.raises(GenerationError, match=r"last rung.*tiles.*lower the size, the length or the memory"):
        generator.generate(REQUEST)
    monkeypatch.undo()
    assert generator.generate(REQUEST).frames.shape == (9, 32, 32, 3)


def test_other_errors_are_not_taken_for_missing_memory(folder, monkeypatch):
    monkeypatch.setattr(models, "place", lambda *_: (_ for _ in ()).throw(RuntimeError("shapes do not match")))
    with pytest.raises(RuntimeError, match="shapes"):
        tiny_generator(folder).generate(REQUEST)


def test_the_cpus_own_words_for_missing_memory_are_known():
    assert ladder.is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert ladder.is_out_of_memory(MemoryError())
    wrapped = ValueError("cannot be loaded")
    wrapped.__cause__ = OUT
    assert ladder.is_out_of_memory(wrapped)
    assert not ladder.is_out_of_memory(ValueError("no"))


def test_the_text_encoder_visits_the_card_once_and_never_for_remembered_prompts(folder):
    generator = tiny_generator(folder)
    encoder, visits = generator._load().pipeline.text_encoder, []
    real = type(encoder).to
    encoder.to = lambda *where: (visits.append(str(where[0])), real(encoder, *where))[1]
    encoded = []
    encoder.register_forward_pre_hook(lambda *_: encoded.append(1))
    generator.generate(REQUEST)
    assert visits == ["cpu", "cpu"], "there and back, once for both prompts"
    assert len(encoded) == 2
    generator.generate(replace(REQUEST, seed=3))
    assert (len(visits), len(encoded)) == (2, 2)
    generator.generate(replace(REQUEST, prompt="a dog runs"))
    assert (len(visits), len(encoded)) == (4, 3)


def test_without_guidance_no_negative_prompt_is_encoded(folder):
    generator, encoded = tiny_generator(folder, guidance=1.0), []
    generator._load().pipeline.text_encoder.register_forward_pre_hook(lambda *_: encoded.append(1))
    generator.generate(REQUEST)
    assert len(encoded) == 1


def test_the_grey_clip_and_every_memory_frame_are_encoded_once_a_film(folder):
    generator = tiny_generator(folder)
    encoder, clips = generator._load().pipeline.vae.encoder, []
    encoder.register_forward_pre_hook(lambda module, arguments: clips.append(1))
    generator.generate(REQUEST)
    first = len(clips)
    generator.generate(replace(REQUEST, seed=9, prompt="a dog runs"))
    generator.generate(replace(REQUEST, memory=REQUEST.memory[:1]))
    assert len(clips) == first > 0


def test_decoding_apart_equals_the_stock_pipelines_bit_for_bit(folder):
    loaded = load_models(tiny_config(folder), Placement(choose_precision("float32", CPU), RUNG["resident"], 0))
    condition = loaded.encoder.condition(REQUEST.memory, None, 9, REQUEST.size)
    how = {"prompt_embeds": torch.ones(1, 4, 16), "negative_prompt_embeds": torch.zeros(1, 4, 16), "steps": 2,
           "guidance": 2.0}
    stock = loaded.pipeline.make_shot(condition, generator=torch.Generator().manual_seed(1), **how)
    latents = loaded.pipeline.make_shot(
        condition, generator=torch.Generator().manual_seed(1), output_type="latent", **how
    )
    assert np.array_equal(loaded.pipeline.decode_shot(latents), stock)
