"""The command trains memories on papercut's own weights, and the registry films with them. A step each, at toy size."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.generation.papercut.card import CARD
from filmagent.generation.papercut.generator import papercut_config, weights_folder
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import Candidate, FrameSize, GenerationRequest, Recollection
from filmagent.generation.registry import create_generator
from filmagent.generation.wan.cached.generator import CachedMemoryGenerator
from filmagent.generation.wan.onestory.generator import WanOneStoryGenerator
from filmagent.training.memory import cli
from tests.training.sequences.toy_sequences import read_record, toy_sequences, write_record

torch.set_num_threads(1)
SIZE = FrameSize(32, 32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three sequences of two clips, of three films."""
    folder = toy_sequences(tmp_path_factory.mktemp("data"))
    for name in ("toy-002", "toy-003"):
        write_record(folder, {**read_record(folder), "sequence_id": name, "film": f"{name}.mp4"}, name)
    return folder


def train(data, out, *words):
    given = ["--base", "papercut", "--data", str(data), "--out", str(out), "--size", "32x32"]
    assert cli.main([*given, "--rank", "2", "--steps", "1", "--threads", "1", "--cpu", *words]) == 0
    return create_generator(f"trained-memory:{out / 'weights'}", steps=1, guidance=1.0)


def asked(**changes):
    pictures = tuple(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))
    return replace(GenerationRequest("a cat walks", "scene_cut", 1, SIZE, 5, memory=pictures), **changes)


def test_papercut_learns_onestory_and_films_with_it(data, tmp_path, capsys):
    generator = train(data, tmp_path, "--policy", "onestory", "--budget", "2")
    assert isinstance(generator, WanOneStoryGenerator) and isinstance(generator, PapercutGenerator)
    assert "looked at film 3 of 3" in capsys.readouterr().err
    kept = [path.relative_to(data).parts[0] for path in data.rglob("*.npz")]
    assert kept.count("features") == 3 and "latents" in kept, "beside the sequences, for the next training"
    told = Recollection(tuple(Candidate(17 * index) for index in range(4)), start=68, show=9)
    shot = generator.generate(asked(recollection=told))
    assert shot.frames.shape == (5, 32, 32, 3) and shot.chosen["denoiser"]
    again = create_generator(f"trained-memory:{tmp_path / 'weights'}", steps=1, guidance=1.0)
    assert np.array_equal(again.generate(asked(recollection=told)).frames, shot.frames)
    assert again.capabilities.name == "papercut-onestory-trained" and again.capabilities.max_memory == 10


def test_papercut_learns_memory_that_is_read_once_and_films_with_it(data, tmp_path):
    generator = train(data, tmp_path, "--policy", "storymem", "--cached-memory")
    assert isinstance(generator, CachedMemoryGenerator) and isinstance(generator, PapercutGenerator)
    shot = generator.generate(asked())
    assert shot.frames.shape == (5, 32, 32, 3)
    assert not np.array_equal(shot.frames, generator.generate(asked(memory=())).frames)
    assert generator.fingerprint["memory"] == "read once" and generator.fingerprint["cut"]


@pytest.mark.parametrize("policy", ["storymem", "memento", "onestory"])
def test_a_base_that_films_on_picture_by_picture_learns_first_pictures_and_films_on_as_ever(data, tmp_path, policy):
    home = tmp_path / "weights"
    home.mkdir()
    for part in weights_folder().iterdir():
        (home / part.name).symlink_to(part)
    card = json.loads((home / CARD).read_text(encoding="utf-8"))
    (home / CARD).unlink()
    filming = {"looks_back": 3, "at_once": 2, "shown_for": 2}
    (home / CARD).write_text(json.dumps({**card, "filming": filming}), encoding="utf-8")
    given = ["--base", f"papercut:{home}", "--data", str(data), "--out", str(tmp_path / "out"), "--size", "32x32"]
    # So large a rate that one step can be seen.
    assert cli.main([*given, "--policy", policy, "--rank", "2", "--steps", "1", "--rate", "1", "--threads", "1",
                     "--cpu"]) == 0
    made = f"trained-memory:{tmp_path / 'out' / 'weights'}"
    generator = create_generator(f"{made}@papercut:{home}", steps=1, guidance=1.0)
    bare = PapercutGenerator(papercut_config(home, steps=1, guidance=1.0))
    told = Recollection(tuple(Candidate(17 * index) for index in range(4)), start=68, show=8)
    shot = generator.generate(asked(recollection=None if policy == "storymem" else told))
    assert isinstance(generator, PapercutGenerator) and shot.frames.shape == (5, 32, 32, 3)
    chosen = {} if policy == "storymem" else {"denoiser"}
    assert {name.split()[0] for name in shot.chosen} == set(chosen), "the opening picture's memory is the shot's"
    alone = bare.generate(asked(frames=1)).frames
    assert not np.array_equal(shot.frames[:1], alone), "the memory has learned"
    on = asked(link="MI2V", seam=shot.frames[:1], memory=())
    filmed_on = generator.generate(on)
    assert np.array_equal(filmed_on.frames, bare.generate(on).frames) and not filmed_on.chosen
    assert np.array_equal(filmed_on.frames, shot.frames[1:]), "and so is what follows an opening picture"
