"""CLIP features from a real open_clip model of toy size."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from filmagent.errors import ModelFilesError
from filmagent.generation.registry import GENERATORS
from filmagent.scoring.clip import SOURCES, STORYMEM_CLIP, ClipSource, OpenClipFeatures, features_for
from filmagent.scoring.zero_shot import agreement, probabilities
from tests.scoring.videos import noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch

    from filmagent.training.papercut.clip.model import ClipSize, build_clip, write_description, write_weights

    folder = tmp_path_factory.mktemp("clip")
    write_description(ClipSize(width=8, text_width=16, embed_dim=12), folder)
    torch.manual_seed(0)
    write_weights(build_clip(folder), folder)
    return folder


@pytest.fixture(scope="module")
def features(folder):
    return OpenClipFeatures(ClipSource("", folder=folder))


def test_pictures_and_sentences_become_unit_rows_of_one_space(features):
    pictures, texts = features.embed([noise(1), noise(2, 32, 32)]), features.embed_text(["a cat", "an orange cat"])
    assert pictures.shape == texts.shape == (2, 12) and pictures.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([pictures, texts]), axis=1), 1, atol=1e-5)
    assert not np.allclose(texts[0], texts[1])
    assert features.logit_scale == pytest.approx(14.29, abs=0.01)


def test_nothing_gives_no_rows(features):
    assert features.embed([]).shape == features.embed_text([]).shape == (0, 12)


def test_batches_and_repetition_change_nothing(folder, features):
    pictures = [noise(seed) for seed in range(40)]
    together = features.embed([*pictures, pictures[0]])
    fresh = OpenClipFeatures(ClipSource("", folder=folder))
    alone = np.concatenate([fresh.embed([picture]) for picture in reversed(pictures)])[::-1]
    np.testing.assert_allclose(together[:40], alone, atol=1e-5)
    np.testing.assert_array_equal(together[40], together[0])


def test_pictures_are_squashed_without_crop_or_antialiasing(features):
    import torch
    import torch.nn.functional as F

    picture = noise(3, 104, 200)
    squashed = F.interpolate(torch.from_numpy(picture).permute(2, 0, 1)[None].float(), (96, 96), mode="bilinear")
    by_hand = squashed[0].permute(1, 2, 0).round().byte().numpy()
    assert float((features.embed([picture]) @ features.embed([by_hand]).T)[0, 0]) > 0.9999


def test_words_that_the_tokenizer_lacks_are_unknown(features):
    assert features.knows("an orange cat with a blue scarf, in the Forest.")
    assert not features.knows("a spaceship")


def test_the_revision_names_the_weights_and_needs_no_loading(folder, features, tmp_path):
    assert len(features.revision) == 16
    assert features_for("wan-storymem").revision == f"{STORYMEM_CLIP.model}/{STORYMEM_CLIP.weights}"
    assert features_for("wan2.2-onestory-trained").revision == features_for("wan2.2").revision
    assert features_for("papercut-storymem-trained").revision == features_for("papercut").revision
    assert SOURCES["papercut"].folder.parts[-3:] == ("papercut", "weights", "clip")


def test_weights_with_a_clip_model_of_their_own_are_seen_by_it(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "clip")
    (tmp_path / "none").mkdir()
    assert features_for(f"papercut:{tmp_path}").revision == OpenClipFeatures(ClipSource("", folder=folder)).revision
    assert features_for(f"papercut:{tmp_path / 'none'}").revision == features_for("papercut").revision
    assert features_for(f"wan-storymem:{tmp_path}").revision == features_for("wan-storymem").revision


def test_every_generator_that_films_by_its_name_has_a_model_that_sees_its_pictures():
    seen = {name for name in GENERATORS if isinstance(features_for(name), OpenClipFeatures)}
    assert seen == set(GENERATORS) - {"trained-memory"}, "that one is named by base and policy"


def test_missing_and_broken_weights_are_said(folder, tmp_path):
    with pytest.raises(ModelFilesError, match="no CLIP model"):
        OpenClipFeatures(ClipSource("", folder=tmp_path)).embed([noise()])
    for name in ("open_clip_config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "open_clip_model.safetensors").write_bytes((folder / "open_clip_model.safetensors").read_bytes()[:5000])
    with pytest.raises(ModelFilesError, match="cannot be loaded"):
        OpenClipFeatures(ClipSource("", folder=tmp_path)).embed([noise()])


def test_an_unknown_architecture_is_said():
    with pytest.raises(ModelFilesError, match="ViT-Nobody"):
        OpenClipFeatures(ClipSource("ViT-Nobody", weights="openai")).embed_text(["a cat"])


def test_probabilities_sum_to_one_and_follow_the_cosine(features):
    chances = probabilities(features, features.embed([noise(1), noise(2)]), ["a cat", "a dog", "a fox"])
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    cosines = features.embed([noise(1)]) @ features.embed_text(["a cat", "a dog", "a fox"]).T
    assert chances[0].argsort().tolist() == cosines[0].argsort().tolist()


def test_agreement_of_distributions():
    sure, other, even = np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert agreement(sure, sure) == 1 and agreement(sure, other) == 0
    assert agreement(even, sure) == pytest.approx(0.5**0.5)
