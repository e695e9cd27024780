"""Estimates before anything is loaded, calibrated by the takes of earlier runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from filmagent.errors import ModelFilesError
from filmagent.generation.costs import MachineRate, ShotShape
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.graphs.estimate import estimate_film, shot_shapes
from filmagent.graphs.run_folder import RunRequest, write_request
from filmagent.graphs.studio import Studio
from filmagent.schemas.take import MemoryUse, Take
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_generator
from tests.support.toy_studio import toy_studio

ASKED = RunRequest(logline="a cat", settings=Settings(shots=4, memory_frames=3))


class Measured(WanStoryMemGenerator):
    """A real generator whose machine check is a number."""

    def measure(self) -> MachineRate:
        return MachineRate(1e9, 0.5, "a test")


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return Measured(tiny_config(build_tiny_wan(tmp_path_factory.mktemp("wan"))))


@pytest.fixture
def studio(generator):
    return Studio(make_generator=lambda settings: generator)


@dataclass
class Runs:
    """Writes run folders with takes that took a given number of seconds an operation."""

    root: Path
    generator: WanStoryMemGenerator
    count: int = 0
    folders: list[Path] = field(default_factory=list)

    def add(self, pace: float, *, memory: int = 0, shot: str = "shot-01", machine: str | None = None,
            name: str = "run", settings: Settings | None = None) -> Path:
        folder = self.root / name
        if folder not in self.folders:
            write_request(folder, RunRequest(logline="a cat", settings=settings or Settings()))
            self.folders.append(folder)
        self.count += 1
        key = f"{self.count:016x}"
        cost = self.generator.cost(ShotShape(FrameSize(32, 32), 9, memory))
        take = Take(
            key=key, shot=shot, attempt=1, path=f"takes/{key}.mp4", sha256="", frames=9, fps=8, width=32, height=32,
            link="scene_cut", prompt="p", seed=0, generator="tiny-wan",
            memory=tuple(MemoryUse(sha256="0", path="p", shot=None) for _ in range(memory)),
            machine=self.generator.machine() if machine is None else machine,
            seconds={"denoise": cost.denoise_flops * pace, "decode": cost.decode_flops * pace},
        )
        (folder / "takes").mkdir(exist_ok=True)
        file = folder / f"takes/{key}.json"
        file.write_text(take.model_dump_json())
        (folder / take.path).write_bytes(b"0" * 1000)
        os.utime(file, (self.count, self.count))
        return file


@pytest.fixture
def runs(tmp_path, generator):
    return Runs(tmp_path, generator)


def test_without_takes_the_time_is_unknown_or_measured_and_says_on_what_it_rests(studio, generator):
    unknown = estimate_film(ASKED, studio, [], measure=False)
    assert unknown.seconds is unknown.seconds_least is unknown.last_error is None
    assert unknown.peak_bytes > 0
    measured = estimate_film(ASKED, studio, [], measure=True)
    flops = [generator.cost(shape) for shape in shot_shapes(ASKED, generator.capabilities)]
    assert measured.seconds_least == pytest.approx(sum(c.denoise_flops + c.decode_flops for c in flops) / 0.5e9)
    assert any("efficiency of 0.5" in line for line in measured.rests_on)
    assert measured.calibrated_on == 0


def test_earlier_takes_of_this_machine_calibrate_it(studio, runs):
    runs.add(2e-9)
    runs.add(2e-9, memory=3, shot="shot-02")
    estimate = estimate_film(ASKED, studio, runs.folders, measure=True)
    measured = estimate_film(ASKED, studio, [], measure=True)
    assert estimate.seconds_least == pytest.approx(measured.seconds_least)  # 1 / (1e9 * 0.5)
    assert (estimate.calibrated_on, estimate.last_error) == (2, pytest.approx(0.0))
    assert estimate.takes == 4.0, "no shot of those runs was made twice"
    assert "2 earlier takes" in " ".join(estimate.rests_on)


def test_the_last_error_is_that_of_the_newest_take(studio, runs):
    runs.add(3e-9)
    runs.add(3e-9, shot="shot-02")
    runs.add(2e-9, shot="shot-03", memory=1)
    assert estimate_film(ASKED, studio, runs.folders, measure=False).last_error == pytest.approx(0.5)


def test_takes_of_another_machine_generator_or_kind_tell_nothing(studio, runs):
    runs.add(1e-9, machine="another card")
    runs.add(1e-9, name="other", settings=Settings(generator="another"))
    (runs.folders[0] / "takes/0000000000000009.json").write_text("{broken")
    (runs.root / "no-run/takes").mkdir(parents=True)
    (runs.root / "no-run/takes/1.json").write_text("{}")
    estimate = estimate_film(ASKED, studio, [*runs.folders, runs.root / "no-run"], measure=False)
    assert (estimate.calibrated_on, estimate.seconds) == (0, None)


def test_retakes_are_expected_as_often_as_before_and_bounded_by_the_attempts(studio, runs):
    assumed = estimate_film(ASKED, studio, [], measure=False)
    assert (assumed.takes, assumed.takes_most) == (6.0, 8)
    for _ in range(4):
        runs.add(1e-9, shot="shot-01")
    often = estimate_film(ASKED, studio, runs.folders, measure=True)
    assert often.takes == 7.0  # three of four takes were made again
    assert often.seconds_least < often.seconds < often.seconds_most
    once = ASKED.model_copy(update={"settings": ASKED.settings.model_copy(update={"attempts": 1})})
    assert estimate_film(once, studio, runs.folders, measure=False).takes == 4.0


def test_memory_grows_from_shot_to_shot_up_to_the_limit(generator):
    shapes = shot_shapes(ASKED, generator.capabilities)
    assert [shape.memory for shape in shapes] == [0, 2, 3, 3]
    none = ASKED.model_copy(update={"settings": Settings(memory="none")})
    assert {shape.memory for shape in shot_shapes(none, generator.capabilities)} == {0}
    assert len(shot_shapes(none, generator.capabilities)) == 8, "the writer's own number"
    script = RunRequest(story=story(2), settings=Settings(width=64, height=32))
    assert [str(shape.size) for shape in shot_shapes(script, generator.capabilities)] == ["64x32", "64x32"]


def test_only_what_is_left_is_counted(studio):
    whole = estimate_film(ASKED, studio, [], measure=True)
    rest = estimate_film(ASKED, studio, [], measure=True, left=1)
    nothing = estimate_film(ASKED, studio, [], measure=True, left=0)
    assert (whole.shots, rest.shots, nothing.shots) == (4, 1, 0)
    assert whole.seconds > rest.seconds > nothing.seconds == 0


def test_a_budget_changes_the_rung_that_is_foretold(generator):
    fresh = tiny_generator(generator.config.folder)
    studio = Studio(make_generator=lambda settings: fresh)
    tight = ASKED.model_copy(update={"settings": ASKED.settings.model_copy(update={"memory_budget": 1})})
    estimate = estimate_film(tight, studio, [], measure=False)
    assert (estimate.rung, estimate.room_bytes) == ("tiles", 1)
    assert estimate.peak_bytes > 1


def test_a_generator_that_tells_no_costs_is_not_guessed_at():
    assert estimate_film(ASKED, toy_studio(), [], measure=True) is None


def test_missing_files_are_said_and_nothing_is_loaded(tmp_path, studio, generator):
    missing = Studio(make_generator=lambda settings: tiny_generator(tmp_path / "nowhere"))
    with pytest.raises(ModelFilesError, match="nowhere"):
        estimate_film(ASKED, missing, [], measure=True)
    json.dumps(estimate_film(ASKED, studio, [], measure=True).model_dump(mode="json"))
    assert generator._models is None
