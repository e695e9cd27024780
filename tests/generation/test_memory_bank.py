"""The bank on disk: lossless, named by content, whole or absent, and free to move."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image as Pillow

from filmagent.errors import ArtifactError, UsageError
from filmagent.generation.memory.bank import LONGEST_SIDE, MemoryBank
from filmagent.generation.memory.policies import NoMemory
from filmagent.generation.memory.port import Kept, Remembered
from filmagent.schemas import Take
from tests.support.stories import story

STORY = story(shots=2)


class EveryFifth:
    """A policy that keeps every fifth frame, and counts how often it was asked."""

    name = "every-fifth"

    def __init__(self, revision="1"):
        self.asked = 0
        self.fingerprint = {"features": revision}

    def remember(self, bank, story, shot, frames):
        self.asked += 1
        kept = tuple(Kept(index, {"marlow": 0.8}, 0.7, "fifth") for index in range(0, len(frames), 5))
        return Remembered(kept, ("the others are not fifth",))

    def recall(self, bank, story, plan, limit):
        return ()


def frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (11, 12, 20, 3), np.uint8)


def take(shot: str = "shot-01", key: str = "a" * 32) -> Take:
    return Take(key=key, shot=shot, attempt=1, path=f"takes/{key}.mp4", sha256="b" * 64, frames=11, fps=8, width=20,
                height=12, link="scene_cut", prompt="a cat", seed=1, generator="toy")


def remember(bank, policy, records=(), seed=0, shot="shot-01", key="a" * 32):
    return bank.remember(policy, bank.view(records), STORY, STORY.shot(shot), take(shot, key), frames(seed))


def photograph(folder, name="cat.png", size=(40, 30), **how):
    path = folder / name
    Pillow.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)).save(path, **how)
    return path


def test_a_remembered_frame_comes_back_pixel_by_pixel_with_its_names(tmp_path):
    bank = MemoryBank(tmp_path)
    view = bank.view([remember(bank, EveryFifth())])
    assert [keyframe.frame for keyframe in view.keyframes] == [0, 5, 10]
    for keyframe in view.keyframes:
        np.testing.assert_array_equal(view.image(keyframe), frames()[keyframe.frame])
    first = view.keyframes[0]
    assert (first.shot, first.take, first.place, first.subjects) == ("shot-01", "a" * 32, "forest", {"marlow": 0.8})
    assert first.path == f"memory/{first.sha256[:16]}.png"


def test_remembering_twice_asks_once(tmp_path):
    bank, policy = MemoryBank(tmp_path), EveryFifth()
    first = remember(bank, policy)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "memory").iterdir()}
    assert remember(bank, policy) == first
    assert policy.asked == 1
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "memory").iterdir()} == files


def test_another_bank_before_the_shot_makes_another_record(tmp_path):
    bank, policy = MemoryBank(tmp_path), EveryFifth()
    first = remember(bank, policy)
    alone = remember(bank, policy, shot="shot-02", key="c" * 32, seed=1)
    after = remember(bank, policy, [first], shot="shot-02", key="c" * 32, seed=1)
    assert alone != after
    assert remember(bank, NoMemory(), [first], shot="shot-02", key="c" * 32, seed=1) not in (alone, after)


def test_another_revision_of_what_measures_decides_anew(tmp_path):
    bank, policy = MemoryBank(tmp_path), EveryFifth(revision="2")
    assert remember(bank, EveryFifth(revision="1")) != remember(bank, policy)
    assert policy.asked == 1


def test_the_bank_survives_a_move_of_the_run_folder(tmp_path):
    before = tmp_path / "here"
    record = remember(MemoryBank(before), EveryFifth())
    shutil.move(before, tmp_path / "there")
    bank, policy = MemoryBank(tmp_path / "there"), EveryFifth()
    view = bank.view([record])
    np.testing.assert_array_equal(view.image(view.keyframes[1]), frames()[5])
    assert remember(bank, policy) == record and policy.asked == 0


@pytest.mark.parametrize("harm", [
    lambda path: path.write_bytes(path.read_bytes()[:-20]),
    lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]),
    lambda path: path.unlink(),
])
def test_an_altered_picture_is_noticed_and_remembering_again_mends_it(tmp_path, harm):
    bank, policy = MemoryBank(tmp_path), EveryFifth()
    record = remember(bank, policy)
    view = bank.view([record])
    harm(tmp_path / view.keyframes[1].path)
    with pytest.raises(ArtifactError, match=view.keyframes[1].sha256[:16]):
        view.image(view.keyframes[1])
    assert remember(bank, policy) == record
    np.testing.assert_array_equal(view.image(view.keyframes[1]), frames()[5])


def test_a_broken_record_is_noticed(tmp_path):
    bank = MemoryBank(tmp_path)
    record = remember(bank, EveryFifth())
    path = tmp_path / "memory" / f"{record}.json"
    with pytest.raises(ArtifactError, match="0123"):
        bank.view(["0123"])
    path.write_text(json.dumps({"key": record}))
    with pytest.raises(ArtifactError, match="no memory record"):
        bank.view([record])


def test_references_come_first_and_a_group_photograph_shows_both(tmp_path):
    bank = MemoryBank(tmp_path)
    shot = remember(bank, EveryFifth())
    path = photograph(tmp_path)
    cat, dog = bank.add_reference(path, "cat"), bank.add_reference(str(path), "dog")
    view = bank.view([shot, cat, dog])
    assert [keyframe.shot for keyframe in view.keyframes] == [None, "shot-01", "shot-01", "shot-01"]
    assert dict(view.keyframes[0].subjects) == {"cat": 1.0, "dog": 1.0}
    assert bank.add_reference(path, "cat") == cat


@pytest.mark.parametrize("name", ["cat.png", "cat.jpg", "cat.webp"])
def test_photographs_of_the_usual_kinds_are_read(tmp_path, name):
    bank = MemoryBank(tmp_path)
    view = bank.view([bank.add_reference(photograph(tmp_path, name), "cat")])
    assert view.image(view.keyframes[0]).shape == (30, 40, 3)


def test_a_photograph_is_turned_upright_and_made_small_enough(tmp_path):
    exif = Pillow.Exif()
    exif[0x0112] = 6
    path = photograph(tmp_path, "tall.jpg", size=(LONGEST_SIDE + 400, 300), exif=exif)
    bank = MemoryBank(tmp_path)
    view = bank.view([bank.add_reference(path, "cat")])
    height, width = view.image(view.keyframes[0]).shape[:2]
    assert height == LONGEST_SIDE and width < 300


def test_transparent_photographs_stand_on_white(tmp_path):
    path = tmp_path / "cut-out.png"
    Pillow.new("RGBA", (8, 8), (255, 0, 0, 0)).save(path)
    bank = MemoryBank(tmp_path)
    view = bank.view([bank.add_reference(path, "cat")])
    assert (view.image(view.keyframes[0]) == 255).all()


def test_what_is_no_picture_is_refused_with_the_flag_and_the_file(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("no picture")
    for bad in (path, tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(UsageError, match=rf"--reference.*{bad.name}"):
            MemoryBank(tmp_path).add_reference(bad, "cat")
