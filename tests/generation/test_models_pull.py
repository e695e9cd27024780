"""Sets of models from a hub on loopback: counted, fetched, resumed, filmed with."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.models.catalogue import (
    MEMENTO_WEIGHTS,
    MODEL_SETS,
    STORYMEM,
    WAN_I2V,
    WAN_T2V,
    model_set,
)
from filmagent.generation.models.pull import pull
from filmagent.generation.models.shelf import look_up, look_up_set
from filmagent.generation.models.verify import verify
from filmagent.generation.port import Candidate, FrameSize, GenerationRequest, Recollection
from filmagent.generation.registry import create_generator
from tests.support.fake_hub import NEWEST, fake_hub, talk_to
from tests.support.toy_repositories import toy_memento, toy_repositories

SET = MODEL_SETS["wan2.2-storymem"]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return toy_repositories(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(repositories, tmp_path, monkeypatch):
    with fake_hub(dict(repositories)) as running:
        talk_to(running, tmp_path / "cache", monkeypatch)
        yield running


@pytest.fixture
def said():
    return []


def request(**changes):
    return replace(
        GenerationRequest(prompt="a cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9), **changes
    )


def test_a_set_is_pulled_verified_and_filmed_with(hub, said):
    pull(SET, said.append, show_bars=False)
    assert said[0].startswith("wan2.2-storymem needs") and "free" in said[0]
    assert verify(SET).problems == ()
    generator = create_generator("wan2.2-storymem", steps=2)
    pictures = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
    cut = generator.generate(request(memory=tuple(pictures[:2]))).frames
    joined = generator.generate(request(link="MM2V", seam=pictures)).frames
    assert (cut.shape, joined.shape) == ((9, 32, 32, 3), (4, 32, 32, 3))
    assert {model.licence for model in generator.capabilities.models} == {"Apache-2.0", "CC-BY-NC-4.0"}


def test_wan_alone_films_cuts_from_text(hub, said):
    pull(MODEL_SETS["wan2.2"], said.append, show_bars=False)
    assert verify(MODEL_SETS["wan2.2"]).problems == ()
    generator = create_generator("wan2.2", steps=2)
    assert generator.generate(request()).frames.shape == (9, 32, 32, 3)
    seam = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    with pytest.raises(UsageError, match="joins shots only by scene_cut"):
        generator.generate(request(link="MI2V", seam=seam))


def test_pins_are_asked_for_and_what_came_as_the_newest_is_known(hub, said):
    pull(SET, said.append, show_bars=False)
    of_storymem = [path for path in hub.downloads() if path.startswith(f"/{STORYMEM.id}/")]
    assert len(of_storymem) == 4
    assert all(f"/resolve/{STORYMEM.revision}/" in path for path in of_storymem)
    assert [found.commit for found in look_up_set(SET)] == [NEWEST, STORYMEM.revision]


def test_pickles_and_readmes_are_not_fetched(hub, said):
    pull(SET, said.append, show_bars=False)
    assert not [path for path in hub.downloads() if path.endswith((".bin", ".md"))]
    assert any(path.endswith("text_encoder/model.safetensors") for path in hub.downloads())


def test_memento_gives_pickles_that_are_named_verified_and_filmed_with(hub, said, tmp_path):
    hub.repositories |= toy_memento(tmp_path / "memento")
    memento = MODEL_SETS["wan2.2-memento"]
    pull(memento, said.append, show_bars=False)
    assert any(line.startswith("backbone_high_noise.pth, backbone_low_noise.pth: its publisher gives") for line in said)
    assert verify(memento).problems == ()
    generator = create_generator("wan2.2-memento", steps=2)
    pictures = tuple(np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3), dtype=np.uint8))
    told = Recollection(tuple(Candidate(8 * index) for index in range(9)), start=72, show=8)
    shot = generator.generate(request(memory=pictures, recollection=told))
    assert shot.frames.shape == (9, 32, 32, 3) and len(shot.chosen["low_noise"]) == 8


def test_a_pickle_is_not_fetched_where_safetensors_of_its_name_are_given(hub, said, tmp_path):
    hub.repositories |= toy_memento(tmp_path / "memento")
    for file in list((tmp_path / "memento").iterdir()):
        save_file(torch.load(file, weights_only=True), file.with_suffix(".safetensors"))
    pull(MODEL_SETS["wan2.2-memento"], said.append, show_bars=False)
    assert not [path for path in hub.downloads() if path.endswith(".pth")]
    assert verify(MODEL_SETS["wan2.2-memento"]).problems == ()
    assert [file.path for file in look_up(MEMENTO_WEIGHTS).files] == list(MEMENTO_WEIGHTS.files)


def test_what_is_there_is_not_fetched_again(hub, said):
    pull(SET, said.append, show_bars=False)
    hub.requests.clear()
    pull(SET, said.append, show_bars=False)
    assert hub.downloads() == []
    assert "on disk already" in said[-1]


def test_two_sets_share_what_they_have_in_common(hub, said):
    pull(SET, said.append, show_bars=False)
    hub.requests.clear()
    pull(replace(SET, name="other", repositories=(WAN_I2V,)), said.append, show_bars=False)
    assert hub.downloads() == []


def test_a_broken_download_goes_on_where_it_stopped(hub, said, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_once.add("backbone_low_noise.safetensors")
    pull(replace(SET, repositories=(STORYMEM,)), said.append, show_bars=False)
    resumed = [range_ for method, path, range_ in hub.requests if method == "GET" and range_ not in ("", "bytes=0-")]
    assert resumed, "the second request asked for the rest only"
    assert verify(SET).problems == (f"{WAN_I2V.id} is not on disk: `filmagent models pull wan2.2-storymem` fetches it",)
    assert look_up(STORYMEM).whole


def test_a_cut_file_is_fetched_again(hub, said):
    only = replace(SET, repositories=(STORYMEM,))
    pull(only, said.append, show_bars=False)
    file = look_up(STORYMEM).folder / STORYMEM.files[0]
    file.resolve().write_bytes(file.read_bytes()[:1000])
    pull(only, said.append, show_bars=False)
    assert any("1000 bytes instead of" in line for line in said)
    assert verify(SET).problems[0].startswith(WAN_I2V.id)
    assert file.stat().st_size == look_up(STORYMEM).files[0].size


def test_a_disk_that_is_too_small_is_found_before_anything_is_fetched(hub, said, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(ModelFilesError, match=r"needs \d.*1\.0 kB free: free some, or set HF_HOME"):
        pull(SET, said.append, show_bars=False)
    assert hub.downloads() == []


def test_offline_a_whole_set_is_enough_and_another_is_refused(hub, said, monkeypatch):
    pull(SET, said.append, show_bars=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    pull(SET, said.append, show_bars=False)
    assert verify(SET).problems == ()
    with pytest.raises(ModelFilesError, match=f"{WAN_T2V.id} is not whole on disk, and HF_HUB_OFFLINE"):
        pull(MODEL_SETS["wan2.2"], said.append, show_bars=False)
    assert hub.requests == []


@pytest.mark.parametrize(("trouble", "message"), [
    ("withdrawn", "has no repository"), ("emptied", "holds no file like"), ("gone", "could not be fetched"),
])
def test_a_hub_that_gives_nothing_is_explained_in_one_line(hub, said, tmp_path, monkeypatch, trouble, message):
    if trouble == "withdrawn":
        del hub.repositories[WAN_I2V.id]
    elif trouble == "emptied":
        hub.repositories[WAN_I2V.id] = tmp_path / "nothing"
        (tmp_path / "nothing").mkdir()
    else:
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFilesError, match=message) as error:
        pull(SET, said.append, show_bars=False)
    assert "\n" not in str(error.value)


def test_a_generator_whose_files_are_missing_says_how_to_get_them(hub):
    with pytest.raises(ModelFilesError, match=r"`filmagent models pull wan2\.2-storymem`"):
        _ = create_generator("wan2.2-storymem").fingerprint


def test_unknown_sets_are_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="papercut"):
        model_set("wan3")
