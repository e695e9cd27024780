"""The four-step adapters: pulled, verified and filmed with, beside text-to-video experts in a set and in a folder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError
from filmagent.generation.models.catalogue import (
    FEW_STEP_SET,
    LIGHTNING,
    MODEL_SETS,
    WAN_T2V,
    commercial_sets,
)
from filmagent.generation.models.pull import pull
from filmagent.generation.models.shelf import look_up
from filmagent.generation.models.verify import verify
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.registry import GENERATORS, create_generator
from filmagent.generation.wan.fast.distilled import check_distilled_fits
from filmagent.generation.wan.weights.fitting import empty_a14b
from filmagent.generation.wan.weights.lora import ORIGINAL_TO_DIFFUSERS
from tests.generation.test_wan_distilled import adapter_weights
from tests.support.fake_hub import fake_hub, talk_to
from tests.support.toy_repositories import toy_repositories

SET = MODEL_SETS[FEW_STEP_SET]
REQUEST = GenerationRequest(prompt="a cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    lightning = home / "lightning"
    for seed, name in enumerate(LIGHTNING.files):
        (lightning / name).parent.mkdir(parents=True, exist_ok=True)
        save_file(adapter_weights(seed, alpha=2), lightning / name)
    (lightning / "Wan2.2-T2V-A14B-4steps-250928-dyno").mkdir()
    (lightning / "Wan2.2-T2V-A14B-4steps-250928-dyno" / "high.safetensors").write_bytes(b"never fetched")
    return {**toy_repositories(home), LIGHTNING.id: lightning}


@pytest.fixture
def hub(repositories, tmp_path, monkeypatch):
    with fake_hub(dict(repositories)) as running:
        talk_to(running, tmp_path / "cache", monkeypatch)
        yield running


def pulled(*names):
    for name in names:
        pull(MODEL_SETS[name], lambda line: None, show_bars=False)


def test_a_draft_is_filmed_with_what_was_pulled_from_a_set_and_from_its_folder(hub):
    pulled("wan2.2", FEW_STEP_SET)
    assert all(f"/resolve/{LIGHTNING.revision}/" in path for path in hub.downloads() if LIGHTNING.id in path)
    assert sum(LIGHTNING.id in path for path in hub.downloads()) == 4
    assert verify(SET).problems == ()
    draft = create_generator("wan2.2", speed="draft")
    shot = draft.generate(REQUEST)
    assert shot.notes[-1].startswith("faster: few-step adapter LightX2V Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1")
    names = {model.name: model.licence for model in draft.capabilities.models}
    assert names["LightX2V Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1"] == "Apache-2.0"
    folder = create_generator(f"wan-text:{look_up(WAN_T2V).folder}", speed="draft")
    assert np.array_equal(folder.generate(REQUEST).frames, shot.frames)
    exact = create_generator("wan2.2", steps=4)
    assert not np.array_equal(exact.generate(REQUEST).frames, shot.frames)


def test_without_the_adapters_a_draft_says_what_to_pull(hub):
    pulled("wan2.2")
    with pytest.raises(ModelFilesError, match=r"`filmagent models pull wan2\.2-4steps` fetches it"):
        _ = create_generator("wan2.2", speed="draft").fingerprint
    assert verify(SET).problems == (
        f"{LIGHTNING.id} is not on disk: `filmagent models pull wan2.2-4steps` fetches it",
    )


def test_the_adapters_alone_are_held_against_the_published_size(hub):
    pulled(FEW_STEP_SET)
    problems = verify(SET).problems
    assert len(problems) == 4
    assert all("the expert's layer maps 5120 to 5120" in problem for problem in problems)


def test_a_file_for_another_expert_is_named(hub):
    pulled("wan2.2", FEW_STEP_SET)
    file = look_up(LIGHTNING).folder / LIGHTNING.files[0]
    weights = load_file(file)
    weights["diffusion_model.blocks.0.norm3.diff"] = torch.zeros(24)
    file.unlink()
    save_file(weights, file)
    problems = verify(SET).problems
    assert "blocks.0.norm3.diff" in problems[0] and str(file) in problems[0]


def test_a_part_is_no_generator_to_film_commercially_with():
    assert FEW_STEP_SET not in GENERATORS and not SET.generator
    assert commercial_sets() == ("papercut", "wan2.2")
    assert all(name in GENERATORS for name, found in MODEL_SETS.items() if found.generator)


def test_at_true_size_a_file_has_1200_tensors_and_as_many_bytes_as_its_users_report(tmp_path, monkeypatch):
    """So it holds LoRA halves and alphas of all linear layers, and nothing that could not be placed."""
    shapes = {}
    for block in range(40):
        for layer in ORIGINAL_TO_DIFFUSERS:
            wide_in, wide_out = (13824 if layer == end else 5120 for end in ("ffn.2", "ffn.0"))
            key = f"diffusion_model.blocks.{block}.{layer}"
            shapes |= {f"{key}.lora_down.weight": (64, wide_in), f"{key}.lora_up.weight": (wide_out, 64),
                       f"{key}.alpha": ()}
    assert len(shapes) == 1200
    numbers = sum(shape[0] * shape[1] for shape in shapes.values() if shape)
    assert 4 * numbers == 1_226_833_920
    assert LIGHTNING.bytes == pytest.approx(4 * 4 * numbers, rel=0.001)
    monkeypatch.setattr("filmagent.generation.wan.fast.distilled.shapes_of", lambda file, todo: shapes)
    check_distilled_fits(empty_a14b(), tmp_path / "adapter", "fetch it")
