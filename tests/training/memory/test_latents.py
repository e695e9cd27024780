"""Latents of films' frames are made once, kept on disk, and the same wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from filmagent.errors import ModelFilesError
from filmagent.generation.port import Frames, FrameSize
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.memento.shot import encode_memory
from filmagent.training.memory import latents as module
from filmagent.training.memory.latents import FrameLatents
from filmagent.training.memory.trainer import LATENTS, plan_training, train_memory
from tests.training.memory.toy_films import ToyShot, toy_base, toy_films, toy_settings


@dataclass
class Watched:
    """A shot that counts how often it is decoded."""

    shot: ToyShot
    prompt: str = ""
    decoded: list[tuple[int, int]] = field(default_factory=list)

    @property
    def revision(self) -> str:
        return self.shot.revision

    @property
    def frame_count(self) -> int:
        return self.shot.frame_count

    def frames(self, first: int, count: int) -> Frames:
        self.decoded.append((first, count))
        return self.shot.frames(first, count)


@pytest.fixture
def shot():
    return Watched(toy_films(1)[0].shots[0])


@pytest.fixture
def opened(encoder, tmp_path, shot):
    height, width = shot.frames(0, 1).shape[1:3]
    shot.decoded.clear()
    size = FrameSize(width, height)
    conditions = ConditionEncoder(encoder.vae)

    def opened(home=tmp_path, revision="a"):
        return FrameLatents(conditions, size, revision, home)

    return opened


@pytest.mark.parametrize("autocast", [False, True])
def test_frames_come_as_memory_is_encoded_but_for_rounding(opened, shot, encoder, autocast):
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        found = opened().of(shot, [3, 1])
    pictures = [shot.frames(frame, 1)[0] for frame in (3, 1)]
    size = FrameSize(pictures[0].shape[1], pictures[0].shape[0])
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        wanted = encode_memory(ConditionEncoder(encoder.vae), pictures, size)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted.half().float())


def test_a_frame_is_decoded_once_even_by_another_run(opened, shot):
    first = opened()
    before = first.of(shot, [1, 3])
    assert shot.decoded == [(1, 3)]
    assert torch.equal(first.of(shot, [3]), before[:, :, 1:])
    again = opened()
    assert torch.equal(again.of(shot, [1, 3]), before)
    assert shot.decoded == [(1, 3)]
    again.of(shot, [1, 0])
    assert shot.decoded == [(1, 3), (0, 1)], "only what was missing"
    assert torch.equal(opened().of(shot, [1, 3]), before)


def test_another_vae_does_not_find_them_and_nothing_is_written_without_a_home(opened, shot, tmp_path):
    opened().of(shot, [0])
    opened(revision="b").of(shot, [0])
    opened(home=None).of(shot, [0])
    assert len(shot.decoded) == 3
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_a_broken_file_is_named(opened, shot, tmp_path):
    opened().of(shot, [0])
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ModelFilesError, match="delete it, and it is made again"):
        opened().of(shot, [0])


def test_room_in_memory_is_kept_to(opened, monkeypatch):
    shots = [Watched(shot) for shot in toy_films(1)[0].shots]
    held = opened(home=None)
    one = held.of(shots[0], [0])
    monkeypatch.setattr(module, "MOST_BYTES", one.nbytes)  # half precision: room for two
    for shot in shots[1:3]:
        held.of(shot, [0])
    held.of(shots[2], [0])
    assert len(shots[2].decoded) == 1
    held.of(shots[0], [0])
    assert len(shots[0].decoded) == 2, "let go of, as it was not asked for the longest"


def test_a_training_learns_the_same_whatever_was_kept(tmp_path):
    base, films = toy_base(tmp_path / "base", experts=1), toy_films(2)
    settings = toy_settings(policy="memento", expert="denoiser", steps=2)
    files = [
        train_memory(plan_training(base, films, settings, home), tmp_path / out, cpu=True).read_bytes()
        for home, out in ((tmp_path / "films", "a"), (tmp_path / "films", "b"), (None, "c"))
    ]
    assert files[0] == files[1] == files[2]
    assert list((tmp_path / "films" / LATENTS).rglob("*.npz"))
