"""Trouble in the middle of a Wan film ends in that same film or in one clear error, never in another picture."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from filmagent.delivery.manifest import read_manifest
from filmagent.errors import GenerationError
from filmagent.generation.wan import models
from filmagent.generation.wan.budget import ladder
from filmagent.generation.wan.budget.ladder import CARD_LADDER, Rung
from tests.support.tiny_wan import build_tiny_wan
from tests.support.wan_film import STEPS, pictures, wan_film, wan_generator

ROOT = Path(__file__).parents[2]
RUNG = {rung.name: rung for rung in CARD_LADDER}
FORWARDS = 2 * STEPS
"""Of a shot."""
OUT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore words")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    wan_film(run, wan_generator(folder))
    found = pictures(run)
    assert sum(name.endswith(".mp4") for name in found) == 3
    return found


def take_memory_away(monkeypatch: pytest.MonkeyPatch, where: str, rungs: tuple[Rung, ...]) -> None:
    """Let these be the rungs that there are; on the first, memory ends at load, or in the second shot."""
    real, forwards, decoded = models.place, [], []

    def placing(pipeline, rung, device, dtype):
        if rung is rungs[0] and where == "load":
            raise OUT
        real(pipeline, rung, device, dtype)
        if rung is not rungs[0]:
            return

        def forward(*_):
            forwards.append(1)
            if where == "step 3" and len(forwards) == FORWARDS + 5:
                raise OUT

        def decode(*arguments, **options):
            decoded.append(1)
            if where == "decode" and len(decoded) == 2:
                raise OUT
            return type(pipeline.vae).decode(pipeline.vae, *arguments, **options)

        for expert in pipeline.experts():
            expert.register_forward_pre_hook(forward)
        monkeypatch.setattr(pipeline.vae, "decode", decode)

    monkeypatch.setattr(models, "place", placing)
    for module in (ladder, models):
        monkeypatch.setattr(module, "ladder_on", lambda device: rungs)


def test_a_process_that_is_killed_within_a_step_goes_on_to_the_same_film(folder, undisturbed, tmp_path):
    run = tmp_path / "run"
    killed = subprocess.run(
        [sys.executable, "-m", "tests.support.wan_film", str(run), str(folder), str(STEPS + 2)], cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (finished,) = (run / "takes").glob("*.mp4")
    written = finished.stat().st_mtime_ns
    wan_film(run, wan_generator(folder))
    assert pictures(run) == undisturbed
    assert finished.stat().st_mtime_ns == written, "the take that was done was not made again"


@pytest.mark.parametrize(("where", "stage", "takes"), [("load", "load", 0), ("step 3", "denoise", 1),
                                                       ("decode", "decode", 1)])
def test_where_no_rung_is_left_one_error_says_so_and_with_memory_the_film_goes_on(
    folder, undisturbed, tmp_path, monkeypatch, where, stage, takes
):
    take_memory_away(monkeypatch, where, (RUNG["resident"],))
    with pytest.raises(GenerationError, match=rf"^out of memory \({stage}: CUDA out of memory.*lower the size") as one:
        wan_film(tmp_path, wan_generator(folder))
    assert "\n" not in str(one.value)
    assert len(list((tmp_path / "takes").glob("*.mp4"))) == takes
    assert not (tmp_path / "film.mp4").exists()
    monkeypatch.undo()
    wan_film(tmp_path, wan_generator(folder))
    assert pictures(tmp_path) == undisturbed


def test_on_an_exact_rung_below_it_is_the_same_film(folder, undisturbed, tmp_path, monkeypatch):
    take_memory_away(monkeypatch, "decode", (RUNG["resident"], RUNG["blocks"]))
    wan_film(tmp_path, wan_generator(folder))
    assert pictures(tmp_path) == undisturbed


def test_a_take_that_a_rung_has_rounded_never_stands_for_the_exact_one(folder, undisturbed, tmp_path, monkeypatch):
    """Its key is what it was made with in the end, not what was meant when the shot began."""
    take_memory_away(monkeypatch, "step 3", (RUNG["resident"], RUNG["float8"]))
    wan_film(tmp_path, wan_generator(folder))
    rounded = [record.chosen for record in read_manifest(tmp_path / "film.json").shots]
    assert "memory rung resident -> float8" in rounded[1].notes[0]
    exact = {Path(name).stem: content for name, content in undisturbed.items() if name != "film.mp4"}
    assert (tmp_path / rounded[0].path).read_bytes() == exact[rounded[0].key]
    assert rounded[1].key not in exact
    assert (tmp_path / rounded[1].path).read_bytes() not in exact.values()
