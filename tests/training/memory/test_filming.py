"""What is trained, the generators read: the same numbers as the model that learned, on its base and on no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.port import Candidate, GenerationRequest, Recollection
from filmagent.generation.trained.files import read_trained
from filmagent.generation.trained.filming import film_with, trained
from filmagent.generation.wan.budget.footprint import footprint_of
from filmagent.generation.wan.cached.generator import CachedMemoryGenerator, load_cached_expert
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.memento.checkpoints import load_configured_expert
from filmagent.generation.wan.memento.expert import Pool, SequenceLayout
from filmagent.generation.wan.models import choose_placement, load_adapted_expert, load_models
from filmagent.scoring.clip import OpenClipFeatures, features_for
from filmagent.training.memory.adapting import learned, load_learning_expert, put
from filmagent.training.memory.trainer import plan_training, train_memory
from tests.support.tiny_wan import corrupt
from tests.training.memory.toy_films import SIZE, toy_base, toy_films, toy_settings

torch.set_num_threads(1)
PARTS = {"transformer": "high_noise", "transformer_2": "low_noise"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


def train(base, out, policy, films=None, **changes):
    films = films or toy_films(2)
    for expert in base.experts:
        settings = toy_settings(**{"policy": policy, "expert": expert, "steps": 2} | changes)
        train_memory(plan_training(base, films, settings), out, cpu=True)
    return out


@pytest.fixture(scope="module")
def storymem(base, tmp_path_factory):
    return train(base, tmp_path_factory.mktemp("storymem"), "storymem")


@pytest.fixture(scope="module")
def memento(base, tmp_path_factory):
    return train(base, tmp_path_factory.mktemp("memento"), "memento")


@pytest.fixture(scope="module")
def cached(base, tmp_path_factory):
    return train(base, tmp_path_factory.mktemp("cached"), "storymem", cached=True)


def as_learned(base, out, policy, part, **changes):
    """Return the expert that learned, with its averaged weights."""
    settings = toy_settings(policy=policy, expert=PARTS[part], **changes)
    expert = load_learning_expert(base, settings, torch.float32)
    state = torch.load(out / PARTS[part] / "checkpoint.pt", weights_only=True)
    assert any(weight.abs().sum() > 0 for name, weight in state["average"].items() if "lora_B" in name)
    put(expert, state["average"])
    return expert.eval()


def pictures(count, seed=0):
    return tuple(np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8))


def request(**changes):
    return GenerationRequest(
        **{"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": SIZE, "frames": 5, "memory": pictures(2)}
        | changes
    )


def test_the_generator_films_with_what_learned(base, storymem):
    generator = film_with(storymem / "weights", base)
    frames = generator.generate(request()).frames

    class Learned(WanStoryMemGenerator):
        def _load(self):
            placement = choose_placement(footprint_of(self.config))
            self._models = self._models or load_models(
                self.config, placement, lambda config, part, dtype: as_learned(base, storymem, "storymem", part)
            )
            return self._models

    assert np.array_equal(frames, Learned(base.config).generate(request()).frames)
    assert not np.array_equal(frames, WanStoryMemGenerator(base.config).generate(request()).frames)
    for link, seam in (("MI2V", 1), ("MM2V", 5)):
        seen = generator.generate(request(link=link, seam=np.stack(pictures(seam, 3)), frames=9)).frames
        assert len(seen) == 9 - seam
    assert "storymem memory trained on tiny-wan" in {model.name for model in generator.capabilities.models}


def test_a_storymem_expert_comes_back_to_the_last_bits(base, storymem):
    config = film_with(storymem / "weights", base).config
    given = (torch.randn(1, 36, 3, 4, 4), torch.tensor([700.0]), torch.randn(1, 6, 16))
    for part in PARTS:
        with torch.no_grad():
            back, learned = (
                expert(*given, return_dict=False)[0]
                for expert in (
                    load_adapted_expert(config, part, torch.float32),
                    as_learned(base, storymem, "storymem", part),
                )
            )
        assert torch.allclose(back, learned, atol=1e-6)


def test_a_memento_expert_comes_back_with_its_selector_and_films(base, memento):
    generator = film_with(memento / "weights", base)
    text, story = torch.randn(1, 5, 16), torch.randn(1, 5, 16)
    pool = Pool(torch.randn(1, 16, 12, 4, 4), torch.randn(1, 16, 12, 4, 4), tuple(range(-12, 0)), text, story)
    layout = SequenceLayout(1, ((-9, -4),), 2)
    given = (torch.randn(1, 36, 5, 4, 4), torch.tensor([700.0]), torch.randn(1, 6, 16))
    for part in PARTS:
        back = load_configured_expert(generator.config, part, torch.float32)
        learned = as_learned(base, memento, "memento", part)
        with torch.no_grad():
            assert torch.allclose(back.denoise(*given, layout), learned.denoise(*given, layout), atol=1e-6)
            assert back.select(pool) == learned.select(pool)
    candidates = tuple(Candidate(4 * index) for index in range(10))
    shot = generator.generate(request(memory=pictures(10), recollection=Recollection(candidates, start=40, show=8)))
    assert shot.frames.shape == (5, 32, 32, 3) and len(shot.chosen["high_noise"]) == 8


@pytest.fixture(scope="module")
def overall(base, tmp_path_factory):
    """Memento by its global queries alone, without reconstruction and on films without targets."""
    films = toy_films(2, with_targets=False)
    return train(
        base, tmp_path_factory.mktemp("global"), "memento", films, queries="global", reconstruction=0.0, steps=3
    )


def test_without_reconstruction_no_identity_part_is_made(memento, overall):
    kinds = []
    for out in (memento, overall):
        for expert in PARTS.values():
            lines = (out / expert / "metrics.jsonl").read_text().splitlines()
            kinds.append(any("reconstruction" in json.loads(line) for line in lines))
    assert kinds == [True, True, False, False]


def test_queries_that_choose_nothing_stay_as_they_began(base, overall):
    for part, expert in PARTS.items():
        began = learned(load_learning_expert(base, toy_settings(policy="memento", expert=expert), torch.float32))
        state = torch.load(overall / expert / "checkpoint.pt", weights_only=True)
        assert torch.equal(state["weights"]["keyframe_query.queries"], began["keyframe_query.queries"]), part
        moved = state["weights"]["keyframe_query.queries_global"] - began["keyframe_query.queries_global"]
        assert moved.abs().max() > 1e-3, "nothing was learned, so that anything would stay"


def rewritten(source, out, names, **changes):
    """Copy experts' files with queries that ask for different frames, and other headers; None takes an entry away."""
    for name in names:
        file = source / f"weights/backbone_{name}.safetensors"
        with safe_open(file, framework="numpy") as opened:
            told = json.loads(opened.metadata()["filmagent_memory"]) | changes
        header = {entry: value for entry, value in told.items() if value is not None or entry == "shape"}
        weights = load_file(file)
        other = {
            entry: 5 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(len(entry)))
            for entry, weight in weights.items()
            if "queries" in entry
        }
        save_file(weights | other, out / file.name, metadata={"filmagent_memory": json.dumps(header)})
    return out


def test_queries_are_followed_when_filming_as_the_files_say(base, overall, tmp_path):
    assert {read_trained(file).queries for file in (overall / "weights").iterdir()} == {"global"}
    candidates = tuple(Candidate(4 * index) for index in range(20))
    shown = [Recollection(candidates, start=80, show=show) for show in (1, 2, 3, 5, 8)]
    asked = [request(memory=pictures(20), recollection=recollection) for recollection in shown]
    folders = []
    for name, changes in (("as it is", {}), ("before", {"queries": None})):
        (tmp_path / name).mkdir()
        folders.append(rewritten(overall, tmp_path / name, PARTS.values(), **changes))
    alone, before = (film_with(each, base) for each in folders)
    assert (alone.queries, before.queries) == ("global", "both"), "a file that does not say it is of both"
    chosen = [[generator.generate(each).chosen for each in asked] for generator in (alone, before)]
    assert chosen[0] != chosen[1]
    assert alone.fingerprint["queries"] == "global" and "queries" not in before.fingerprint
    assert alone.capabilities.max_memory == before.capabilities.max_memory == 8
    cards = {model.name for model in alone.capabilities.models}
    assert "memento memory, chosen by global queries alone, trained on tiny-wan" in cards


def test_queries_that_differ_or_mean_nothing_are_refused(base, overall, storymem, tmp_path):
    rewritten(overall, tmp_path, ["high_noise"], queries="local")
    rewritten(overall, tmp_path, ["low_noise"])
    with pytest.raises(ModelFilesError, match=r"several policies, budgets, queries or .*: train both experts alike"):
        film_with(tmp_path, base)
    for source, queries in ((overall, "near"), (storymem, "local")):
        rewritten(source, tmp_path, PARTS.values(), queries=queries)
        with pytest.raises(ModelFilesError, match=f"no memory trained by this release .* with queries '{queries}'"):
            film_with(tmp_path, base)


def test_memory_that_is_read_once_comes_back_by_what_the_files_say(base, cached, storymem, tmp_path):
    generator = film_with(cached / "weights", base)
    assert isinstance(generator, CachedMemoryGenerator)
    memory, shot, text = torch.randn(1, 16, 3, 4, 4), torch.randn(1, 36, 2, 4, 4), torch.randn(1, 6, 16)
    for part in PARTS:
        made = []
        for expert in (
            load_cached_expert(generator.config, part, torch.float32),
            as_learned(base, cached, "storymem", part, cached=True),
        ):
            with torch.no_grad():
                made.append(expert.denoise(shot, torch.tensor([700.0]), text, expert.memorise(memory, 5)))
        assert torch.allclose(*made, atol=1e-6)
    frames = generator.generate(request()).frames
    assert np.array_equal(frames, film_with(cached / "weights", base).generate(request()).frames)
    assert not np.array_equal(frames, generator.generate(request(memory=())).frames)
    for name, out in (("high_noise", cached), ("low_noise", storymem)):
        file = f"backbone_{name}.safetensors"
        (tmp_path / file).write_bytes((out / "weights" / file).read_bytes())
    with pytest.raises(ModelFilesError, match="ways of reading: train both experts alike"):
        film_with(tmp_path, base)


def test_the_header_says_what_it_is(base, storymem):
    with safe_open(storymem / "weights/backbone_low_noise.safetensors", framework="numpy") as file:
        told = json.loads(file.metadata()["filmagent_memory"])
        assert "base_model.model.blocks.0.self_attn.q.lora_A.weight" in file.keys()  # noqa: SIM118
    assert re.fullmatch(r"[0-9a-f]{16}", told.pop("base_shape")) and re.fullmatch(
        r"[0-9a-f]{16}", told.pop("base_weights")
    )
    assert told == {
        "format": "filmagent-memory-1",
        "policy": "storymem",
        "rank": 4,
        "alpha": 4,
        "rslora": True,
        "base_name": "tiny-wan",
        "expert": "low_noise",
        "step": 2,
        "cached": False,
        "shape": None,
    }


def test_files_are_looked_at_without_torch(storymem):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from filmagent.generation.trained import filming\n"
        f"told = filming._headers(Path({str(storymem / 'weights')!r}))\n"
        "sys.exit(len(told) != 2 or 'torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_another_base_is_refused_in_one_line(storymem, tmp_path):
    other = toy_base(tmp_path / "other", seed=5)
    with pytest.raises(ModelFilesError, match=r"trained on tiny-wan \(weights .*another base.*FOLDER@BASE") as found:
        film_with(storymem / "weights", other)
    assert "\n" not in str(found.value)
    with pytest.raises(ModelFilesError, match="for a high_noise expert of tiny-wan; tiny-wan has denoiser"):
        film_with(storymem / "weights", toy_base(tmp_path / "one", experts=1))


def test_a_base_of_ones_own_stands_behind_an_at(base, storymem, tmp_path):
    (tmp_path / "mine@home").symlink_to(storymem / "weights")
    for folder in (storymem / "weights", tmp_path / "mine@home"):
        with pytest.raises(UsageError, match=r"folder of your own, tiny-wan: write .*@BASE"):
            trained(str(folder))
        generator = trained(f"{folder}@{base.config.folder}", steps=1, guidance=1.0)
        assert generator.generate(request()).frames.shape == (5, 32, 32, 3)
    name, models = generator.capabilities.name, generator.capabilities.models
    assert isinstance(features_for(name), OpenClipFeatures), "seen as Wan's pictures are"
    assert f"storymem memory trained on {base.config.folder.name}/" in {model.name for model in models}
    with pytest.raises(UsageError, match="is neither papercut"):
        trained(f"{storymem / 'weights'}@{tmp_path / 'nowhere'}")


def test_files_that_cannot_be_filmed_with_are_refused(base, storymem, tmp_path):
    with pytest.raises(ModelFilesError, match="holds no trained memory"):
        film_with(tmp_path, base)
    for name in ("backbone_high_noise.safetensors", "backbone_low_noise.safetensors"):
        (tmp_path / name).write_bytes((storymem / "weights" / name).read_bytes())
    assert film_with(tmp_path, base, steps=1, guidance=1.0).config.sampling == replace(
        base.config.sampling, steps=1, guidance=1.0, guidance_2=None
    )
    (tmp_path / "backbone_low_noise.safetensors").unlink()
    with pytest.raises(ModelFilesError, match="no memory for tiny-wan's low_noise expert"):
        film_with(tmp_path, base)
    corrupt(tmp_path / "backbone_high_noise.safetensors")
    with pytest.raises(ModelFilesError, match="broken"):
        film_with(tmp_path, base)
