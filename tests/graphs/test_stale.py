from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from filmagent.errors import ArtifactError
from filmagent.graphs.stale import stale_in_run, stale_shots
from filmagent.graphs.take_store import TakeStore
from filmagent.schemas.take import MemoryUse, Take
from tests.support.stories import story


def take(shot: str, number: int, *, seam_of: Take | None = None, memory_of: tuple[str, ...] = ()) -> Take:
    uses = tuple(MemoryUse(sha256=f"{name}-hash", path=f"memory/{name}.png", shot=name) for name in memory_of)
    return Take(
        key=f"{number:016x}",
        shot=shot,
        attempt=1,
        path=f"takes/{number}.mp4",
        sha256="",
        frames=13,
        fps=8,
        width=64,
        height=48,
        link="MI2V" if seam_of else "scene_cut",
        prompt="p",
        seed=0,
        generator="toy",
        memory=uses,
        seam_sha256="s" if seam_of else None,
        seam_take=seam_of.key if seam_of else None,
    )


def test_only_what_holds_a_picture_of_the_changed_take_is_stale():
    one = take("s1", 1)
    two = take("s2", 2, seam_of=one)
    three = take("s3", 3)
    four = take("s4", 4, memory_of=("s2",))
    five = take("s5", 5, memory_of=("s3",))
    takes = {entry.shot: entry for entry in (one, two, three, four, five)}
    stale = stale_shots(["s1", "s2", "s3", "s4", "s5"], takes, ["s1"])
    assert [entry.shot for entry in stale] == ["s1", "s2", "s4"]
    assert "continue s1" in stale[1].reason
    assert "s2" in stale[2].reason


def test_nothing_after_the_last_shot_is_stale():
    takes = {"s1": take("s1", 1), "s2": take("s2", 2, memory_of=("s1",))}
    assert [entry.shot for entry in stale_shots(["s1", "s2"], takes, ["s2"])] == ["s2"]


def test_a_reference_photograph_makes_nothing_stale():
    photo = MemoryUse(sha256="h", path="memory/h.png", shot=None)
    two = take("s2", 2).model_copy(update={"memory": (photo,)})
    assert [entry.shot for entry in stale_shots(["s1", "s2"], {"s1": take("s1", 1), "s2": two}, ["s1"])] == ["s1"]


def test_the_stale_shots_of_a_run_come_from_its_accepted_takes(tmp_path: Path):
    store, frames = TakeStore(tmp_path), np.zeros((13, 48, 64, 3), np.uint8)
    one = store.write(take("shot-01", 1), frames)
    two = store.write(take("shot-02", 2, memory_of=("shot-01",)), frames)
    three = store.write(take("shot-03", 3), frames)
    state = {
        "story": story(4).model_dump(mode="json"),
        "accepted": {entry.shot: {"take": entry.key} for entry in (one, two, three)},
    }
    assert [entry.shot for entry in stale_in_run(state, store, ["shot-01"])] == ["shot-01", "shot-02"]
    (tmp_path / two.path).unlink()
    with pytest.raises(ArtifactError, match="shot-02"):
        stale_in_run(state, store, ["shot-01"])
