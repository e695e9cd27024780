"""LoRA files: true scale, nothing silently unused, switched without reloading."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.weights.lora import attach_lora, leave_types_to_autocast, use_lora
from tests.support.tiny_wan import corrupt, tiny_expert

RANK = 128
SHAPES = {
    **{f"{attention}.{name}": (24, 24) for attention in ("self_attn", "cross_attn") for name in "qkvo"},
    "ffn.0": (24, 32), "ffn.2": (32, 24),
}


def lora(seed=0, rank=RANK, prefix="base_model.model.", suffix=""):
    noise = torch.Generator().manual_seed(seed)
    weights = {}
    for block in range(2):
        for layer, (wide_in, wide_out) in SHAPES.items():
            key = f"{prefix}blocks.{block}.{layer}.lora_"
            weights[f"{key}A{suffix}.weight"] = torch.randn(rank, wide_in, generator=noise)
            weights[f"{key}B{suffix}.weight"] = torch.randn(wide_out, rank, generator=noise) * 0.01
    return weights


def output(expert):
    noise = torch.Generator().manual_seed(7)
    with torch.no_grad():
        return expert(
            torch.randn(1, 36, 3, 4, 4, generator=noise), torch.tensor([500]), torch.randn(1, 6, 16, generator=noise),
            return_dict=False,
        )[0]


def merged(weights, scale):
    """Return the expert with W + scale B A written into its weights by hand."""
    expert = tiny_expert()
    names = {"self_attn": "attn1", "cross_attn": "attn2", "q": "to_q", "k": "to_k", "v": "to_v", "o": "to_out.0"}
    for key in [key for key in weights if "lora_A" in key]:
        block, first, second = key.split("blocks.")[1].split(".")[:3]
        inner = {"0": "net.0.proj", "2": "net.2"}[second] if first == "ffn" else names[second]
        layer = expert.get_submodule(f"blocks.{block}.{names.get(first, first)}.{inner}")
        with torch.no_grad():
            layer.weight += scale * weights[key.replace("lora_A", "lora_B")] @ weights[key]
    return expert


@pytest.mark.parametrize(("prefix", "suffix"), [
    ("base_model.model.", ""), ("", ""), ("module.", ""), ("diffusion_model.", ""),
    ("module.base_model.model.", ".default"),
])
def test_rank_128_is_applied_at_11_3_under_any_prefix(tmp_path, prefix, suffix):
    save_file(lora(prefix=prefix, suffix=suffix), tmp_path / "lora.safetensors")
    expert = tiny_expert()
    attached = attach_lora(expert, tmp_path / "lora.safetensors", "mi2v")
    assert attached.scale == pytest.approx(11.3137085)
    wanted = output(merged(lora(), 128 / 128**0.5))
    assert torch.allclose(output(expert), wanted, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(output(merged(lora(), 1.0)), wanted, atol=1e-2, rtol=1e-2)


def broken(kind):
    weights = lora(rank=4)
    key = "base_model.model.blocks.1.self_attn.q.lora_A.weight"
    if kind == "unknown layer":
        weights["base_model.model.blocks.0.self_attn.extra.lora_A.weight"] = torch.zeros(4, 24)
    elif kind == "unknown block":
        for half, shape in (("A", (4, 24)), ("B", (24, 4))):
            weights[f"base_model.model.blocks.7.self_attn.q.lora_{half}.weight"] = torch.zeros(shape)
    elif kind == "unknown key":
        weights["base_model.model.patch_embedding.diff_b"] = torch.zeros(4)
    elif kind == "lacks a partner":
        del weights[key]
    elif kind == "other shape":
        weights[key] = torch.zeros(4, 23)
    elif kind == "a block is missing":
        del weights[key], weights[key.replace("lora_A", "lora_B")]
    return weights


@pytest.mark.parametrize(("kind", "named"), [
    ("unknown layer", r"self_attn\.extra"), ("unknown block", r"blocks\.7"), ("unknown key", "patch_embedding"),
    ("lacks a partner", r"blocks\.1\.attn1"), ("other shape", r"blocks\.1\.attn1"), ("a block is missing", "1 of 2"),
])
def test_a_file_of_which_anything_has_no_place_is_refused_and_changes_nothing(tmp_path, kind, named):
    save_file(broken(kind), tmp_path / "lora.safetensors")
    expert = tiny_expert()
    before, modules = output(expert), [type(module) for module in expert.modules()]
    with pytest.raises(ModelFilesError, match=named):
        attach_lora(expert, tmp_path / "lora.safetensors", "mi2v")
    assert [type(module) for module in expert.modules()] == modules
    assert torch.equal(output(expert), before)


def test_a_cut_file_is_refused(tmp_path):
    save_file(lora(rank=4), tmp_path / "lora.safetensors")
    corrupt(tmp_path / "lora.safetensors")
    with pytest.raises(ModelFilesError, match="broken"):
        attach_lora(tiny_expert(), tmp_path / "lora.safetensors", "mi2v")


def test_adapters_are_switched_on_one_expert(tmp_path):
    expert = tiny_expert()
    plain = output(expert)
    for seed, name in ((1, "mi2v"), (2, "mm2v")):
        save_file(lora(seed, rank=4), tmp_path / f"{name}.safetensors")
        attach_lora(expert, tmp_path / f"{name}.safetensors", name)
    use_lora(expert, "mi2v")
    first = output(expert)
    use_lora(expert, "mm2v")
    second = output(expert)
    assert torch.allclose(first, output(merged(lora(1, rank=4), 2.0)), atol=1e-4)
    assert torch.allclose(second, output(merged(lora(2, rank=4), 2.0)), atol=1e-4)
    use_lora(expert, None)
    assert torch.equal(output(expert), plain)
    use_lora(expert, "mi2v")
    assert torch.equal(output(expert), first)


def test_an_adapter_that_is_not_there_is_named():
    with pytest.raises(ModelFilesError, match="'mm2v'"):
        use_lora(tiny_expert(), "mm2v")


def test_nothing_is_random_after_attaching(tmp_path):
    save_file(lora(rank=4), tmp_path / "lora.safetensors")
    expert = tiny_expert()
    attach_lora(expert, tmp_path / "lora.safetensors", "mi2v")
    assert not any(module.training for module in expert.modules())


def test_under_autocast_an_adapter_reads_what_its_layer_reads(tmp_path):
    save_file(lora(), tmp_path / "lora.safetensors")
    expert = tiny_expert()
    attach_lora(expert, tmp_path / "lora.safetensors", "mi2v")
    read = []
    expert.blocks[0].ffn.net[2].lora_A["mi2v"].register_forward_pre_hook(lambda _, seen: read.append(seen[0].dtype))

    def under_autocast():
        with torch.autocast("cpu", torch.bfloat16):
            return output(expert)

    before = under_autocast()
    leave_types_to_autocast(expert)
    assert torch.equal(before, under_autocast())
    assert read == [torch.float32, torch.bfloat16]
