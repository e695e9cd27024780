"""The cost model against what torch counts, and against the published arithmetic of the true size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from filmagent.errors import ModelFilesError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.budget.cost import (
    ExpertShape,
    activation_bytes,
    decoder_bytes,
    decoder_flops,
    forward_flops,
    shot_tokens,
    tile_side,
)
from filmagent.generation.wan.budget.footprint import expert_weights, footprint_of
from filmagent.generation.wan.budget.ladder import CARD_LADDER, RAM_LADDER, choose_rung
from tests.support.tiny_wan import TEXT_WIDTH, build_tiny_wan, tiny_config, tiny_expert, tiny_vae

A14B = ExpertShape(width=5120, ffn=13824, layers=40, in_channels=36, out_channels=16, patch=(1, 2, 2))
SHOT = ShotShape(FrameSize(832, 480), 81, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


def test_the_true_size_comes_to_the_published_tokens_and_operations():
    """The reference pages: 32,760 and 48,360 tokens, about 1.8 and 3.3 PFLOP, so ten memory frames cost 1.8 times."""
    plain, remembering = shot_tokens(SHOT, A14B), shot_tokens(replace(SHOT, memory=10), A14B)
    assert (plain, remembering) == (32_760, 48_360)
    first, second = forward_flops(A14B, plain, 512), forward_flops(A14B, remembering, 512)
    assert first == pytest.approx(1.8e15, rel=0.08)
    assert second == pytest.approx(3.3e15, rel=0.08)
    assert second / first == pytest.approx(1.8, rel=0.03)


def test_a_forward_costs_what_torch_counts():
    expert = tiny_expert()
    latents = torch.zeros(1, 36, 5, 8, 6)
    # The plain kernel, since torch counts no operations of its fused one on a CPU.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        expert(latents, torch.tensor([500]), torch.zeros(1, 7, TEXT_WIDTH))
    counted = counter.get_total_flops()
    assert forward_flops(ExpertShape.of(expert.config), 5 * 4 * 3, 7) == pytest.approx(counted, rel=0.05)


@pytest.mark.parametrize(("frames", "rows", "columns"), [(1, 4, 4), (3, 4, 6)])
def test_a_decode_costs_what_torch_counts(frames, rows, columns):
    vae = tiny_vae()
    shapes = {name: tuple(weight.shape) for name, weight in vae.state_dict().items()}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        vae.decode(torch.zeros(1, 16, frames, rows, columns))
    assert decoder_flops(shapes, frames, rows, columns) == pytest.approx(counter.get_total_flops(), rel=0.1)


def test_the_decoder_holds_more_for_larger_pictures_and_less_in_tiles():
    shapes = {name: tuple(weight.shape) for name, weight in tiny_vae().state_dict().items()}
    small, large = decoder_bytes(shapes, 9, 4, 4), decoder_bytes(shapes, 9, 8, 8)
    assert large == 4 * small
    assert decoder_bytes(shapes, 9, 8, 8, share=0.25) < large


@pytest.mark.parametrize(("side", "tile"), [(32, 16), (96, 48), (160, 80), (480, 240), (832, 256), (16, 16)])
def test_tiles_cut_every_picture_that_can_be_cut(side, tile):
    assert tile_side(side) == tile
    assert tile % 16 == 0


def test_the_footprint_is_read_from_headers_and_equals_the_loaded_weights(folder):
    footprint = footprint_of(tiny_config(folder))
    expert = tiny_expert()
    assert len(footprint.experts) == 2
    assert footprint.experts[0].bytes(4, False) == sum(w.numel() * 4 for w in expert.parameters())
    expert.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    stored = sum(weight.numel() * weight.element_size() for weight in expert.parameters())
    assert footprint.experts[0].bytes(4, True) == stored


def test_a_shot_counts_two_forwards_a_step_with_guidance_and_one_without(folder):
    config, shot = tiny_config(folder), ShotShape(FrameSize(32, 32), 9, 2)
    guided = footprint_of(config).cost(shot)
    plain = footprint_of(replace(config, sampling=replace(config.sampling, guidance=1.0))).cost(shot)
    assert (guided.forwards, plain.forwards, guided.tokens) == (4, 2, (3 + 2) * 4)
    assert guided.denoise_flops == 2 * plain.denoise_flops
    assert guided.decode_flops == plain.decode_flops > 0


def test_a_branch_without_memory_costs_as_much_as_a_shot_without(folder):
    config, shot = tiny_config(folder), ShotShape(FrameSize(32, 32), 9, 2)
    by_memory = replace(config, sampling=replace(config.sampling, guided_by_memory=True))
    plain = replace(config, sampling=replace(config.sampling, guidance=1.0))
    guided, remembers, forgets = (
        footprint_of(each).cost(of)
        for each, of in ((by_memory, shot), (plain, shot), (plain, replace(shot, memory=0)))
    )
    assert guided.forwards == 4
    assert guided.tokens == remembers.tokens
    assert guided.denoise_flops == remembers.denoise_flops + forgets.denoise_flops < 2 * remembers.denoise_flops


@pytest.fixture(scope="module")
def true_size(folder):
    """The footprint of Wan2.2-A14B, from models without storage."""
    from filmagent.generation.wan.library import AutoencoderKLWan, WanTransformer3DModel

    with torch.device("meta"):
        expert, vae = WanTransformer3DModel(in_channels=36), AutoencoderKLWan()
    weights = expert_weights({name: tuple(weight.shape) for name, weight in expert.named_parameters()}, {})
    return replace(
        footprint_of(tiny_config(folder)), shape=A14B, experts=(weights, weights), text=5_680_000_000,
        vae={name: tuple(weight.shape) for name, weight in vae.named_parameters()},
    )


def test_at_true_size_an_expert_holds_14_billion_numbers(true_size):
    weights = true_size.experts[0]
    assert weights.linear + weights.other == pytest.approx(14.29e9, rel=1e-3)
    assert weights.bytes(2, False) == pytest.approx(28.6e9, rel=1e-2)
    assert weights.bytes(2, True) < 14.6e9


@pytest.mark.parametrize(("ladder", "on_card"), [(CARD_LADDER, True), (RAM_LADDER, False)])
def test_at_true_size_every_rung_needs_less_than_the_one_above(true_size, ladder, on_card):
    needs = [true_size.peak_bytes(rung, SHOT, 2, on_card=on_card) for rung in ladder]
    assert needs == sorted(needs, reverse=True)
    assert needs[-1] < needs[-2] < needs[0]


def test_at_true_size_the_rungs_fit_the_cards_that_people_have(true_size):
    shot, gib = replace(SHOT, memory=10), 2**30
    needs = [(rung, true_size.peak_bytes(rung, shot, 2, on_card=True)) for rung in CARD_LADDER]
    names = [choose_rung(needs, room * gib).name for room in (139, 48, 24, 12)]
    assert names == ["resident", "swap", "float8", "blocks"]


def test_the_first_rung_that_fits_is_chosen_and_the_last_when_none_does():
    needs = list(zip(CARD_LADDER, (70, 40, 25, 12, 9), strict=True))
    names = [choose_rung(needs, room).name for room in (139, 48, 25, 12, 10, 1)]
    assert names == ["resident", "swap", "float8", "blocks", "tiles", "tiles"]


def test_activations_grow_with_the_sequence():
    assert activation_bytes(A14B, 48_360, 2) / activation_bytes(A14B, 32_760, 2) == pytest.approx(48_360 / 32_760)
    assert 3e9 < activation_bytes(A14B, 48_360, 2) < 10e9


def test_an_expert_without_sizes_is_refused(folder, tmp_path):
    broken = build_tiny_wan(tmp_path / "broken")
    (broken / "transformer" / "config.json").write_text("{}")
    with pytest.raises(ModelFilesError, match="sizes of its experts"):
        footprint_of(tiny_config(broken))
