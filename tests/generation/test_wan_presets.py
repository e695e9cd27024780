"""What `--speed` means: each word switches on what it says, is foretold, and is refused where it cannot be meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from safetensors.torch import save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize
from filmagent.generation.registry import FASTER, GENERATORS, create_generator
from filmagent.generation.wan.config import DistilledAdapter, ModelCard
from filmagent.generation.wan.fast.options import PLAIN, SpeedOptions
from filmagent.generation.wan.fast.presets import EXACT, SPEEDS, at_speed
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.identity import Identity
from tests.generation.test_wan_distilled import RANK, SHAPES, adapter_weights
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert

SHOT = ShotShape(FrameSize(32, 32), 9, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = build_tiny_wan(tmp_path_factory.mktemp("wan"))
    for seed, expert in enumerate(("high", "low")):
        save_file(adapter_weights(20 + seed, alpha=2), home / f"fast-{expert}.safetensors")
    return home


def ten_steps(folder, **sampling):
    config = tiny_config(folder)
    return replace(config, sampling=replace(config.sampling, steps=10, **sampling))


def adapter_in(folder):
    return DistilledAdapter(ModelCard("four steps", "Apache-2.0", "few-step adapter"),
                            folder / "fast-high.safetensors", folder / "fast-low.safetensors")


def fast(folder, name, config=None, **asked):
    return at_speed(config or ten_steps(folder), name, lambda: adapter_in(folder), **asked)


def test_exact_is_the_configuration_itself(folder):
    assert fast(folder, EXACT) == ten_steps(folder)
    assert SPEEDS[EXACT].options == PLAIN


def test_every_speed_makes_another_take_and_names_itself(folder):
    made = {name: WanStoryMemGenerator(fast(folder, name)) for name in SPEEDS}
    prints = {name: tuple(sorted(generator.fingerprint.items())) for name, generator in made.items()}
    assert len(set(prints.values())) == len(SPEEDS)
    notes = {name: Identity(fast(folder, name)).speed_notes for name in SPEEDS}
    assert notes[EXACT] == ()
    assert notes["balanced"] == ("faster: first-block cache 0.1",)
    assert notes["draft"] == ("faster: few-step adapter four steps, 4 steps",)


def test_fewer_steps_are_foretold_and_what_a_cache_skips_is_not(folder):
    costs = [WanStoryMemGenerator(fast(folder, name)).cost(SHOT) for name in SPEEDS]
    assert [cost.forwards for cost in costs] == [20, 20, 10, 4]
    flops = [cost.denoise_flops for cost in costs]
    assert flops[0] == flops[1] == 2 * flops[2] > 4 * flops[3]


def test_the_forwards_that_are_foretold_are_those_that_are_made(folder):
    """But for those of a cache, whose first block is always computed: the expert is called all the same."""
    from tests.generation.test_wan_fast_rungs import REQUEST

    interval = replace(ten_steps(folder), speed=SpeedOptions(guidance_interval=(0.4, 0.9)))
    assert 10 < WanStoryMemGenerator(interval).cost(SHOT).forwards < 20
    for config in (interval, fast(folder, "fast"), fast(folder, "draft")):
        generator, calls = WanStoryMemGenerator(config), []
        for expert in generator._ready().pipeline.experts():
            expert.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        generator.generate(REQUEST)
        assert len(calls) == generator.cost(SHOT).forwards, config.speed.name


def test_the_adapters_weights_are_counted_in_memory_and_arithmetic(folder):
    config = fast(folder, "draft")
    with_adapter, without = WanStoryMemGenerator(config), WanStoryMemGenerator(replace(config, distilled=None))
    numbers = 2 * sum(RANK * (wide_in + wide_out) for wide_in, wide_out in SHAPES.values())
    more = with_adapter.fit(SHOT).peak_bytes - without.fit(SHOT).peak_bytes
    assert more == pytest.approx(2 * 4 * numbers, rel=0.02)  # two experts in float32, and an alpha a layer
    flops = with_adapter.cost(SHOT).denoise_flops - without.cost(SHOT).denoise_flops
    assert flops == pytest.approx(4 * 2 * with_adapter.cost(SHOT).tokens * numbers, rel=0.02)


def test_what_a_cache_keeps_between_steps_is_counted_as_it_is(folder):
    from tests.generation.test_wan_fast_rungs import REQUEST

    config = fast(folder, "balanced")
    generator, kept = WanStoryMemGenerator(config), []
    experts = generator._ready().pipeline.experts()

    def states():
        for expert in experts:
            manager = expert.blocks[0]._diffusers_hook.get_hook("fbc_leader_block_hook").state_manager
            for state in manager._state_cache.values():
                yield from (state.head_block_output, state.head_block_residual, state.tail_block_residuals[0])

    def after_step(step, steps):
        if step == steps:
            kept.append(sum(tensor.numel() * tensor.element_size() for tensor in states()))

    generator.generate(replace(REQUEST, on_step=after_step))
    plain = WanStoryMemGenerator(replace(config, speed=PLAIN))
    assert generator.fit(SHOT).peak_bytes - plain.fit(SHOT).peak_bytes == kept[0]


def test_what_a_person_asks_for_wins_over_the_speeds_own(folder):
    asked = replace(ten_steps(folder).sampling, steps=30)
    assert fast(folder, "fast").sampling.steps == 5
    assert fast(folder, "fast", replace(ten_steps(folder), sampling=asked), steps=30).sampling.steps == 30
    unguided = fast(folder, "balanced", ten_steps(folder, guidance=1.0), guidance=1.0)
    assert WanStoryMemGenerator(unguided).cost(SHOT).forwards == 10
    assert fast(folder, "draft", steps=4, guidance=1.0).sampling.steps == 4


@pytest.mark.parametrize(("name", "asked", "says"), [
    ("quick", {}, "'quick' is unknown; choose from exact, balanced, fast, draft"),
    ("draft", {"steps": 8}, "--steps 8: --speed draft makes exactly the 4 steps"),
    ("draft", {"guidance": 3.0}, "--guidance 3: --speed draft films without guidance"),
])
def test_what_cannot_be_meant_is_refused_without_a_file(folder, name, asked, says):
    with pytest.raises(UsageError, match=says):
        fast(folder, name, **asked)


@pytest.mark.parametrize("name", ["wan-storymem:/nowhere", "wan-text:/nowhere", "wan2.2", "wan2.2-storymem"])
def test_wans_generators_take_every_speed(name):
    steps = {speed: create_generator(name, speed=speed).config.sampling.steps for speed in SPEEDS}
    assert steps == {"exact": 40, "balanced": 40, "fast": 20, "draft": 4}
    draft = create_generator(name, speed="draft")
    kind = "T2V" if draft.capabilities.max_memory == 0 else "I2V"
    assert [file.parent.name.split("-")[1] for file in (draft.config.distilled.high_noise,
                                                        draft.config.distilled.low_noise)] == [kind, kind]
    assert {model.licence for model in draft.capabilities.models if "LightX2V" in model.name} == {"Apache-2.0"}


def test_a_generator_that_knows_no_shortcut_says_so_and_names_those_that_do():
    for name in ("papercut", "wan-memento:/nowhere", "wan-onestory:/nowhere", "trained-memory:/nowhere"):
        with pytest.raises(UsageError, match=r"knows no such shortcut.*wan2\.2-storymem.*wan-text:FOLDER"):
            create_generator(name, speed="fast")
    with pytest.raises(UsageError, match="is your own"):
        create_generator("tests.generation.test_registry:my_generator", speed="fast")
    with pytest.raises(UsageError, match="choose from exact"):
        create_generator("papercut", speed="quick")
    assert create_generator("papercut", speed=EXACT).capabilities.name == "papercut"
    assert {speed for entry in GENERATORS.values() for speed in entry.speeds} == set(FASTER)


def test_an_adapter_that_is_absent_says_how_to_get_it_before_a_weight_is_read(folder, tmp_path):
    gone = replace(adapter_in(folder), low_noise=tmp_path / "gone.safetensors")
    generator = WanStoryMemGenerator(at_speed(ten_steps(folder), "draft", lambda: gone))
    with pytest.raises(ModelFilesError, match=r"gone\.safetensors.*`filmagent models pull wan2\.2-4steps`"):
        _ = generator.fingerprint
    assert generator._models is None


def test_experts_of_the_other_kind_are_refused_before_a_weight_is_read(folder, tmp_path):
    blind = replace(tiny_config(folder), max_memory=0, links=frozenset({"scene_cut"}))
    with pytest.raises(ModelFilesError, match=r"image-to-video experts.*wan-storymem:FOLDER"):
        _ = WanStoryMemGenerator(blind).fingerprint
    home = build_tiny_wan(tmp_path / "text")
    for number, part in enumerate(("transformer", "transformer_2")):
        tiny_expert(number, 16).save_pretrained(home / part)
    with pytest.raises(ModelFilesError, match=r"text-to-video experts.*wan-text:FOLDER"):
        _ = WanStoryMemGenerator(tiny_config(home)).fingerprint
    assert WanStoryMemGenerator(replace(blind, folder=home)).fingerprint["generator"] == "tiny-wan"
