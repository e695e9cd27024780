"""Sets on disk: whole ones pass, each kind of damage is named in one line."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.models.catalogue import MODEL_SETS, STORYMEM, WAN_I2V
from filmagent.generation.models.pull import pull
from filmagent.generation.models.shelf import look_up
from filmagent.generation.models.verify import bytes_to_hash, verify
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.weights.fitting import check_lora_fits
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS
from tests.support.fake_hub import fake_hub, talk_to
from tests.support.toy_repositories import toy_memento, toy_repositories

SET = MODEL_SETS["wan2.2-storymem"]
ADAPTER = STORYMEM.files[0]
QUERY = "low_noise_model.base_model.model.keyframe_query."


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return toy_repositories(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def pulled(repositories, tmp_path, monkeypatch):
    with fake_hub(dict(repositories)) as hub:
        talk_to(hub, tmp_path / "cache", monkeypatch)
        pull(SET, lambda line: None, show_bars=False)
    return {"wan": look_up(WAN_I2V).folder, "adapters": look_up(STORYMEM).folder}


def shard_with(folder, tensor):
    return next(file for file in sorted((folder / "transformer").glob("*.safetensors")) if tensor in load_file(file))


def change(file, edit):
    """Write other tensors in a file's place, as one that went wrong before it reached the cache."""
    weights = load_file(file)
    edit(weights)
    file.unlink()
    save_file(weights, file)


def rename(weights, old, new):
    weights[new] = weights.pop(old)


def test_a_whole_set_has_no_problems_and_every_byte_is_hashed(pulled):
    hashed = []
    found = verify(SET, hashed.append)
    assert found.problems == ()
    assert found.hashed == found.files == sum(1 for folder in pulled.values() for f in folder.rglob("*") if f.is_file())
    assert sum(hashed) == bytes_to_hash(SET)


def test_a_missing_shard_is_named(pulled):
    shard = shard_with(pulled["wan"], "proj_out.weight")
    shard.unlink()
    assert verify(SET).problems == (
        f"{str(shard)!r} is missing: `filmagent models pull wan2.2-storymem` fetches it",
    )


def test_a_flipped_bit_is_found_by_its_hash_and_the_file_to_delete_is_named(pulled):
    shard = shard_with(pulled["wan"], "proj_out.weight")
    blob, content = shard.resolve(), bytearray(shard.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    (problem,) = verify(SET).problems
    assert "its hash differs" in problem and repr(str(blob)) in problem


@pytest.mark.parametrize(("file", "edit", "message"), [
    ("expert", lambda w: w.update({"proj_out.bias": torch.zeros(3)}), "'proj_out.bias' in shape (3,) instead of (64,)"),
    ("expert", lambda w: rename(w, "proj_out.bias", "proj_out.bia"), "holds 'proj_out.bia', which WanTransformer3D"),
    ("expert", lambda w: w.pop("proj_out.bias"), "lacks 'proj_out.bias'"),
    ("adapter", lambda w: rename(w, "base_model.model.blocks.0.ffn.0.lora_A.weight", "blocks.0.ffn.1.lora_A.weight"),
     "'blocks.0.ffn.1.lora_A.weight' is no LoRA weight"),
    ("adapter", lambda w: w.pop("base_model.model.blocks.1.self_attn.q.lora_B.weight"), "lacks its lora_B"),
    ("adapter", lambda w: w.update({"base_model.model.blocks.1.self_attn.q.lora_B.weight": torch.zeros(23, 4)}),
     "the expert's layer maps 24 to 24"),
    ("adapter", lambda w: [w.pop(key) for key in list(w) if ".cross_attn.v." in key],
     "adapts 18 layers instead of 20"),
])
def test_tensors_that_do_not_fit_are_named(pulled, file, edit, message):
    path = pulled["adapters"] / ADAPTER if file == "adapter" else shard_with(pulled["wan"], "proj_out.bias")
    change(path, edit)
    misfit, *hashes = verify(SET).problems
    assert message in misfit and "\n" not in misfit
    assert len(hashes) == 1 and path.name in hashes[0]


def test_a_pickle_under_another_name_is_refused_unread(pulled, tmp_path):
    path = pulled["adapters"] / ADAPTER
    path.unlink()
    torch.save({"program": print}, path)
    refusal, *_ = verify(SET).problems
    assert "is a pickle, which can run programs, under another name" in refusal


def test_a_pickle_in_the_place_of_weights_is_not_loaded(pulled):
    weights = pulled["wan"] / "vae" / "diffusion_pytorch_model.safetensors"
    torch.save({}, weights.with_suffix(".bin"))
    weights.unlink()
    from filmagent.generation.wan.weights.checkpoints import check_safetensors

    with pytest.raises(ModelFilesError, match=r"model.bin' beside it is a pickle, .*: only safetensors are loaded"):
        check_safetensors(weights, "fetch it")


@pytest.mark.parametrize(("edit", "message"), [
    (lambda w: w.update({"low_noise_model.program": print}), "wants more than tensors"),
    (lambda w: w.update({"low_noise_model.keyframe_query.queries": torch.zeros(3, 24)}), "twice"),
    (lambda w: w.update({f"{QUERY}queries": torch.zeros(3, 24)}), "selector's 'queries' has shape (3, 24) instead of"),
    (lambda w: w.pop(f"{QUERY}queries"), "selector's 'queries' has shape none instead of"),
    (lambda w: w.update({f"{QUERY}more": torch.zeros(1)}), "selector's 'more' has shape (1,) instead of none"),
    (lambda w: w.pop("low_noise_model.base_model.model.blocks.1.ffn.2.lora_A.default.weight"), "lacks its lora_A"),
    (lambda w: rename(w, f"{QUERY}queries", "high_noise_model.queries"), "weights of the other expert"),
])
def test_what_is_wrong_with_mementos_pickles_is_named(repositories, tmp_path, monkeypatch, edit, message):
    folder = toy_memento(tmp_path / "memento")
    file = tmp_path / "memento" / "backbone_low_noise.pth"
    weights = torch.load(file, weights_only=True)
    edit(weights)
    torch.save(weights, file)
    memento = MODEL_SETS["wan2.2-memento"]
    with fake_hub(dict(repositories) | folder) as hub:
        talk_to(hub, tmp_path / "cache", monkeypatch)
        pull(memento, lambda line: None, show_bars=False)
    (problem,) = verify(memento).problems
    assert message in problem and file.name in problem and "\n" not in problem


def test_memento_for_one_expert_alone_is_not_whole(repositories, tmp_path, monkeypatch):
    folder = toy_memento(tmp_path / "memento")
    (tmp_path / "memento" / "backbone_low_noise.pth").unlink()
    with fake_hub(dict(repositories) | folder) as hub:
        talk_to(hub, tmp_path / "cache", monkeypatch)
        pull(MODEL_SETS["wan2.2-memento"], lambda line: None, show_bars=False)
    (problem,) = verify(MODEL_SETS["wan2.2-memento"]).problems
    assert "gives nothing for the expert transformer_2" in problem


def test_nothing_pulled_is_said_so(tmp_path, repositories, monkeypatch):
    with fake_hub(dict(repositories)) as hub:
        talk_to(hub, tmp_path / "empty", monkeypatch)
        problems = verify(SET).problems
    assert [line.split(" is not on disk")[0] for line in problems] == [WAN_I2V.id, STORYMEM.id]


def test_the_built_in_model_fits_its_classes():
    assert verify(MODEL_SETS["papercut"]).problems == ()


@pytest.mark.parametrize("in_channels", [16, 36])
def test_at_true_size_an_expert_has_14_billion_parameters(in_channels):
    expert = true_expert(in_channels)
    assert round(sum(weight.numel() for weight in expert.parameters()) / 1e9, 2) == 14.29


def test_at_true_size_an_adapter_has_800_tensors_that_all_fit(tmp_path, monkeypatch):
    shapes = {}
    for block in range(40):
        for layer in ORIGINAL_TO_DIFFUSERS:
            wide_in, wide_out = (13824 if layer == end else 5120 for end in ("ffn.2", "ffn.0"))
            shapes[f"base_model.model.blocks.{block}.{layer}.lora_A.weight"] = (128, wide_in)
            shapes[f"base_model.model.blocks.{block}.{layer}.lora_B.weight"] = (wide_out, 128)
    assert len(shapes) == 800
    assert sum(rows * columns for rows, columns in shapes.values()) == 613_416_960
    monkeypatch.setattr("filmagent.generation.wan.weights.fitting.tensor_shapes", lambda file, todo: shapes)
    expert = true_expert(36)
    check_lora_fits(expert, tmp_path / "adapter", "fetch it")
    shapes["base_model.model.blocks.39.ffn.2.lora_B.weight"] = (5119, 128)
    with pytest.raises(ModelFilesError, match=r"blocks\.39\.ffn\.net\.2"):
        check_lora_fits(expert, tmp_path / "adapter", "fetch it")


def true_expert(in_channels):
    """Return an expert of Wan2.2-A14B on the meta device: shapes without numbers."""
    with torch.device("meta"):
        return WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=40, attention_head_dim=128, in_channels=in_channels,
            out_channels=16, text_dim=4096, freq_dim=256, ffn_dim=13824, num_layers=40, cross_attn_norm=True,
            qk_norm="rms_norm_across_heads", eps=1e-6,
        )
