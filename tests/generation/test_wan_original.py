"""Folders in Wan2.2's own format: the same numbers as diffusers' format, and each kind of damage in one line."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from filmagent.errors import ModelFilesError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.budget.ladder import ladder_on
from filmagent.generation.wan.compute.precision import choose_precision
from filmagent.generation.wan.config import ALL_LINKS, LinkAdapters
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.library import (
    AutoencoderKLWan,
    UMT5EncoderModel,
    WanTransformer3DModel,
    convert_wan_transformer_to_diffusers,
)
from filmagent.generation.wan.models import Placement, load_models
from filmagent.generation.wan.weights.checkpoints import load_part, needed_files, part_config, part_shapes, revision_of
from filmagent.generation.wan.weights.original.layout import is_original
from filmagent.generation.wan.weights.original.loading import (
    STOCK_CLASSES,
    OriginalPart,
    check_original_fits,
    describe,
    empty_original,
    load_original,
)
from filmagent.generation.wan.weights.original.names import expert_names, text_encoder_names, vae_names
from filmagent.generation.wan.weights.original.shapes import names_of
from tests.support import parity
from tests.support.original_wan import INDEX, SHARDS, T5, VAE, build_original, build_stock, edit, lay_out_alike
from tests.support.tiny_wan import corrupt, tiny_config
from tests.support.toy_repositories import toy_adapter

PARTS = {"vae": AutoencoderKLWan, "transformer": WanTransformer3DModel, "transformer_2": WanTransformer3DModel,
         "text_encoder": UMT5EncoderModel}
SHARD = f"high_noise_model/{SHARDS[0]}"
TRUE_EXPERT = {
    "patch_size": (1, 2, 2), "num_attention_heads": 40, "attention_head_dim": 128, "in_channels": 36,
    "out_channels": 16, "text_dim": 4096, "freq_dim": 256, "ffn_dim": 13824, "num_layers": 40, "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads", "eps": 1e-6,
}
TRUE_TEXT = {"vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64}
TRUE_VAE = {"base_dim": 96, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
            "temperal_downsample": [False, True, True]}


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return build_stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def own(stock, tmp_path_factory):
    return build_original(stock, tmp_path_factory.mktemp("own") / "wan")


@pytest.fixture
def folder(own, tmp_path):
    return shutil.copytree(own, tmp_path / "wan")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("part", PARTS)
def test_both_formats_give_the_same_model_to_the_last_bit(stock, own, part, dtype):
    from_stock, from_own = (load_part(PARTS[part], folder, part, dtype) for folder in (stock, own))
    expected, found = from_stock.state_dict(), from_own.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) and expected[name].dtype == found[name].dtype for name in found)
    assert {name: value.dtype for name, value in from_stock.named_buffers()} == {
        name: value.dtype for name, value in from_own.named_buffers()}
    assert not from_own.training
    assert part_shapes(own, part, "").items() <= {name: tuple(value.shape) for name, value in expected.items()}.items()
    config = from_stock.config.to_dict() if part == "text_encoder" else dict(from_stock.config)
    for name, value in part_config(own, part, "").items():
        assert (list(config[name]) if isinstance(value, (list, tuple)) else config[name]) == (
            list(value) if isinstance(value, (list, tuple)) else value), name


def shot(folder, link="scene_cut", adapters=()):
    """Make a whole shot: text, memory, seam, both experts, decoder."""
    config = replace(tiny_config(folder), adapters=adapters)
    generator = WanStoryMemGenerator(config)
    lay_out_alike(generator._load().pipeline)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    seam = {"scene_cut": None, "MI2V": pictures[:1], "MM2V": pictures[:5]}[link]
    return generator.generate(GenerationRequest(
        prompt="the cat walks", link=link, seed=1, size=FrameSize(32, 32), frames=9, memory=tuple(pictures[6:]),
        seam=seam,
    )).frames


@pytest.mark.parametrize("link", ["scene_cut", "MM2V"])
def test_both_formats_film_the_same_shot_to_the_last_bit(stock, own, link):
    assert np.array_equal(shot(stock, link), shot(own, link))


def test_adapters_of_either_kind_go_on_experts_of_either_format(stock, own, tmp_path):
    from safetensors.torch import save_file

    both = []
    for suffix, save in ((".safetensors", save_file), (".pth", torch.save)):
        for seed, noise in enumerate(("high", "low")):
            (tmp_path / suffix).mkdir(exist_ok=True)
            save(toy_adapter(seed), tmp_path / suffix / f"{noise}{suffix}")
        named = (tmp_path / suffix / f"{noise}.safetensors" for noise in ("high", "low"))
        both.append((LinkAdapters("memory", ALL_LINKS, *named),))
    adapted = shot(stock, adapters=both[0])
    assert np.array_equal(shot(own, adapters=both[1]), adapted)
    assert not np.array_equal(shot(own), adapted)


def test_models_load_where_a_placement_says(own):
    precision = choose_precision("float32", torch.device("cpu"))
    models = load_models(tiny_config(own), Placement(precision, ladder_on(precision.device)[0], 2**40))
    assert models.pipeline.transformer_2.config.num_layers == 2
    assert models.pipeline.tokenizer("the cat").input_ids


def test_the_footprint_is_the_same_in_both_formats(stock, own):
    shape = ShotShape(FrameSize(32, 32), 9, 2)
    first, second = (WanStoryMemGenerator(tiny_config(folder)) for folder in (stock, own))
    assert first.cost(shape) == second.cost(shape)
    assert first.fit(shape).peak_bytes == second.fit(shape).peak_bytes


def test_the_revision_names_every_file(own, folder):
    before = revision_of(tiny_config(folder))
    assert before == revision_of(tiny_config(own))
    for file in [*needed_files(tiny_config(folder)), folder / "low_noise_model/config.json",
                 folder / "google/umt5-xxl/tokenizer.json"]:
        content = file.read_bytes()
        if file.suffix == ".json":
            file.write_bytes(content + b" ")
        else:
            edit(file, lambda weights: next(iter(weights.values())).add_(1))
        assert revision_of(tiny_config(folder)) != before
        file.write_bytes(content)


def test_a_folder_with_both_formats_is_refused(stock, folder):
    assert is_original(folder) and not is_original(stock) and not is_original(folder / "nowhere")
    shutil.copytree(stock / "vae", folder / "vae")
    with pytest.raises(ModelFilesError, match=r"'high_noise_model' of Wan's own format and 'vae' of diffusers'"):
        needed_files(tiny_config(folder))


@pytest.mark.parametrize("gone", [
    f"low_noise_model/{SHARDS[1]}", "high_noise_model/config.json", T5, VAE, "google/umt5-xxl/tokenizer.json",
])
def test_a_missing_file_is_named_with_what_to_do(folder, gone):
    (folder / gone).unlink()
    with pytest.raises(ModelFilesError, match=Path(gone).name if "umt5-xxl/" not in gone else "umt5-xxl") as error:
        needed_files(tiny_config(folder))
    assert tiny_config(folder).how_to_get in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("cut", [SHARD, T5, VAE])
def test_a_cut_file_is_refused_before_anything_is_loaded(folder, cut):
    corrupt(folder / cut)
    with pytest.raises(ModelFilesError, match=f"{Path(cut).name}.*broken"):
        needed_files(tiny_config(folder))


class Program:
    """What a pickle can hold besides tensors: here a call that leaves a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("file", [T5, VAE])
def test_a_pickle_that_wants_more_than_tensors_is_refused_and_does_not_run(folder, tmp_path, file, zipped):
    torch.save({"a": Program(tmp_path / "it ran")}, folder / file, _use_new_zipfile_serialization=zipped)
    precision = choose_precision("float32", torch.device("cpu"))
    with pytest.raises(ModelFilesError, match=f"{file}' is a pickle that wants more than tensors .*mkdir") as error:
        load_models(tiny_config(folder), Placement(precision, ladder_on(precision.device)[0], 2**40))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("content", [{"epoch": 3, "state": {}}, [torch.zeros(1)], {}])
def test_a_pickle_that_holds_no_weights_by_name_is_refused(folder, content):
    torch.save(content, folder / VAE)
    with pytest.raises(ModelFilesError, match=r"holds no weights by name|'epoch', which is no weight"):
        load_part(AutoencoderKLWan, folder, "vae", torch.float32)


def test_weights_in_the_form_before_torch_1_6_load_too(own, folder):
    weights = torch.load(folder / VAE, weights_only=True)
    torch.save(weights, folder / VAE, _use_new_zipfile_serialization=False)
    first, second = (load_part(AutoencoderKLWan, home, "vae", torch.float32).state_dict() for home in (own, folder))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("part", "file", "key"), [
    ("transformer", SHARD, "blocks.0.cross_attn.k.bias"),
    ("text_encoder", T5, "blocks.0.ffn.gate.0.weight"),
    ("vae", VAE, "decoder.upsamples.4.shortcut.weight"),
])
@pytest.mark.parametrize("damage", ["renamed", "missing", "unexpected", "misshapen"])
def test_tensors_that_do_not_fit_are_named_as_the_file_names_them(folder, part, file, key, damage):
    def change(weights):
        if damage in ("renamed", "missing"):
            tensor = weights.pop(key)
        if damage == "renamed":
            weights[f"{key}_"] = tensor
        elif damage == "unexpected":
            weights["blocks.7.extra"] = torch.zeros(1)
        elif damage == "misshapen":
            weights[key] = torch.zeros(*weights[key].shape, 1)

    edit(folder / file, change)
    said = {"renamed": f"holds '{key}_', which .* and lacks '{key}'", "missing": f"lacks '{key}'",
            "unexpected": r"holds 'blocks\.7\.extra', which", "misshapen": f"'{key}' in shape"}[damage]
    with pytest.raises(ModelFilesError, match=said) as error:
        load_part(PARTS[part], folder, part, torch.float32)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("file", "key", "part"), [
    (f"high_noise_model/{SHARDS[1]}", "patch_embedding.weight", "transformer"),
    (T5, "token_embedding.weight", "text_encoder"),
    (VAE, "conv2.weight", "vae"),
])
def test_a_file_that_does_not_even_tell_its_size_is_no_such_model(folder, file, key, part):
    edit(folder / file, lambda weights: weights.pop(key, None))
    edit(folder / SHARD, lambda weights: weights.pop(key, None))
    with pytest.raises(ModelFilesError, match=rf"is no {part} in Wan's own format: it lacks '{key}'"):
        load_part(PARTS[part], folder, part, torch.float32)


def test_a_config_without_sizes_and_a_name_in_two_shards_are_refused(folder):
    config = folder / "high_noise_model/config.json"
    config.write_text(config.read_text().replace("num_heads", "number_of_heads"))
    with pytest.raises(ModelFilesError, match="does not tell 'num_heads'"):
        load_part(WanTransformer3DModel, folder, "transformer", torch.float32)
    edit(folder / f"low_noise_model/{SHARDS[1]}", lambda weights: weights.update({"head.modulation": torch.zeros(1)}))
    edit(folder / f"low_noise_model/{SHARDS[0]}", lambda weights: weights.update({"head.modulation": torch.zeros(1)}))
    with pytest.raises(ModelFilesError, match=r"holds 'head\.modulation' twice"):
        load_part(WanTransformer3DModel, folder, "transformer_2", torch.float32)
    (folder / "high_noise_model" / INDEX).write_text("{}")
    with pytest.raises(ModelFilesError, match="names no shards"):
        needed_files(tiny_config(folder))


def weights_of(name):
    return {key.removeprefix("weights."): tensor for key, tensor in parity.numbers(name).items()
            if key.startswith("weights.")}


def loaded(tmp_path, part, file, name):
    torch.save(weights_of(name), tmp_path / file)
    return load_original(describe(tmp_path, part, [tmp_path / file], ""), torch.float64)


def test_the_text_encoder_computes_what_wans_own_computes(tmp_path):
    case, model = parity.numbers("wan_text_encoder"), loaded(tmp_path, "text_encoder", T5, "wan_text_encoder")
    with torch.no_grad():
        features = model(case["ids"], case["mask"]).last_hidden_state
    assert torch.allclose(features.float(), case["features"], atol=1e-5, rtol=0)


def test_the_vae_computes_what_wans_own_computes(tmp_path):
    case, vae = parity.numbers("wan_vae"), loaded(tmp_path, "vae", VAE, "wan_vae")
    means, deviations = (torch.tensor(values).double().view(1, -1, 1, 1, 1)  # Wan's own are float32
                         for values in (vae.config.latents_mean, vae.config.latents_std))
    with torch.no_grad():
        latents = (vae.encode(case["video"].double()).latent_dist.mode() - means) / deviations
        decoded = vae.decode(case["noise"].double() * deviations + means).sample
    assert torch.allclose(latents.float(), case["latents"], atol=1e-6, rtol=0)
    assert torch.allclose(decoded.float(), case["decoded"], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("part", "arguments", "tensors", "parameters", "listing"), [
    ("transformer", TRUE_EXPERT, 1095, 14_288_901_184, "9dc5a4e7268a050f"),
    ("transformer_2", TRUE_EXPERT | {"in_channels": 16}, 1095, 14_288_491_584, "7ca52b13faf083dc"),
    ("text_encoder", TRUE_TEXT, 242, 5_680_910_336, "d6379851fe159f73"),
    ("vae", TRUE_VAE, 194, 126_892_531, "6d12bd5199d9dcd5"),
])
def test_at_true_size_every_tensor_has_its_place(part, arguments, tensors, parameters, listing):
    """`listing` is the hash of names and shapes of the classes in github.com/Wan-Video/Wan2.2 at commit 42bf4cf."""
    nothing = OriginalPart(part, Path(), (), arguments, {}, {})
    empty = empty_original(nothing)
    wanted = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    names = dict(names_of(part, arguments))
    assert wanted.keys() - set(names.values()) == ({"encoder.embed_tokens.weight"} if part == "text_encoder" else set())
    shapes = {name: wanted[stock] for name, stock in names.items()}
    assert len(shapes) == len(set(names.values())) == tensors
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == parameters
    lines = "\n".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
    assert hashlib.sha256(lines.encode()).hexdigest().startswith(listing)
    check_original_fits(replace(nothing, shapes=shapes, names=names), empty)
    lacking = replace(nothing, shapes=shapes, names=names | {"blocks.40.extra": "blocks.40.extra"})
    with pytest.raises(ModelFilesError, match=r"lacks 'blocks\.40\.extra'"):
        check_original_fits(lacking, empty)
    assert STOCK_CLASSES[part] is PARTS[part]


def test_names_are_those_of_diffusers_own_converters():
    from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

    experts, vae = dict(expert_names(40)), dict(vae_names((1, 2, 4, 4), 2, (False, True, True)))
    marked = {name: torch.tensor([number]) for number, name in enumerate(experts)}
    assert convert_wan_transformer_to_diffusers(dict(marked)) == {experts[name]: mark for name, mark in marked.items()}
    assert convert_wan_vae_to_diffusers({name: name for name in vae}) == {stock: name for name, stock in vae.items()}
    assert len(dict(text_encoder_names(24))) == 242
