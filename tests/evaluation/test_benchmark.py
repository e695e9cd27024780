"""The whole benchmark at toy size: controls behave, a kill costs one shot, other settings are refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from filmagent.errors import GenerationError, RunBusyError, UsageError
from filmagent.evaluation.papercut.benchmark import LOG, WORK, Benchmark, run_benchmark
from filmagent.evaluation.papercut.film import Laboratory, shot_seed
from filmagent.evaluation.papercut.records import RecordLog
from filmagent.evaluation.papercut.rows import CONTROL_ROWS, POLICY_ROWS
from filmagent.evaluation.papercut.stories import held_out_story
from filmagent.scoring.colours import ColourFeatures
from tests.evaluation.toys import SMALL, PerfectProbe, WorldSizedToy, laboratory, random_probe
from tests.support.toy_generator import ToyGenerator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """(folder, table, generator) of a whole run with the random probe."""
    folder = tmp_path_factory.mktemp("measured")
    generator = WorldSizedToy()
    table = run_benchmark(SMALL, laboratory(folder / "probe", generator), folder / "out")
    return folder, table, generator


def without_times(table: dict) -> dict:
    for cells in [*table["cells"].values(), *table["differences"].values()]:
        cells.pop("seconds", None)
    return table


def test_controls_say_what_the_figures_mean(tmp_path: Path):
    benchmark = Benchmark(policies=("none",), stories=6, seeds=1, shots=4)  # one story of every form
    world = Laboratory(WorldSizedToy(), ColourFeatures(), PerfectProbe(benchmark))
    table = run_benchmark(benchmark, world, tmp_path)
    truth, frozen = table.cells["truth"], table.cells["frozen"]
    for measure in ("identity", "binding", "place kept", "identity at joins", "caption: kinds", "caption: action"):
        assert truth[measure].value == truth[measure].low == 1, measure
    assert truth["swapped"].value == 0
    assert "seconds" not in truth and "tokens" not in truth
    assert frozen["dynamic degree"].value == 0 < truth["dynamic degree"].value
    assert frozen["seam error"].value == 0 < truth["seam error"].value
    assert frozen["identity as drawn"].value > table.cells["independent"]["identity as drawn"].high
    assert frozen["caption: place"].value < 0.7
    assert table.cells["repeated"]["dynamic degree"].value > 0
    assert "seam error" not in table.cells["independent"]  # it has no joins
    assert table.cells["none"]["identity"].value < 0.6  # the toy draws nobody, and the probe guesses


def test_a_run_leaves_a_table_plots_and_sheets(measured):
    folder, table, _ = measured
    out = folder / "out"
    assert list(table.rows) == ["none", "storymem", *CONTROL_ROWS]
    said = (out / "table.md").read_text()
    for words in (*table.rows, "chance", "probe's own error", "Against storymem", "by shots since last seen"):
        assert words in said
    assert json.loads((out / "table.json").read_text())["rows"] == list(table.rows)
    for name in ("identity-by-distance.png", "bars.png", "sheets/story-000.png", "sheets/story-001.png"):
        with Image.open(out / name) as picture:
            assert len(set(picture.convert("L").tobytes())) > 5
    assert not list((out / WORK).iterdir())
    assert not [path for path in out.rglob(".*") if path.name != ".lock"]


def test_rows_are_made_as_they_say(measured):
    folder, _, generator = measured
    records = RecordLog(folder / "out" / LOG).read()
    shots = [record for record in records if record.story == 0]
    story = held_out_story(0, SMALL.shots)
    assert [record.remembered for record in shots if record.row in ("none", "independent")] == [0] * 8
    assert sum(record.remembered for record in shots if record.row == "storymem") > 0
    assert {record.link for record in shots if record.row == "independent"} == {"scene_cut"}
    assert [record.link for record in shots if record.row == "none"] == [shot.link for shot in story.shots]
    prompts = {request.prompt for request in generator.requests}
    for index in range(len(story.shots)):
        assert {story.prompt(index), story.prompt(index, introduced=False)} <= prompts
    seeds = {request.seed for request in generator.requests if request.prompt == story.prompt(0)}
    assert shot_seed(0, 0, 0) in seeds  # all rows film a shot with the same noise
    for request in generator.requests:
        assert (request.seam is None) == (request.link == "scene_cut")


def test_what_was_measured_is_not_measured_again(measured, tmp_path: Path):
    folder, before, _ = measured
    generator = WorldSizedToy()
    probe = folder / "probe"
    table = run_benchmark(SMALL, laboratory(probe, generator), folder / "out")
    assert table == before and not generator.requests
    more = replace(SMALL, policies=("none", "storymem", "cover"))
    run_benchmark(more, laboratory(probe, generator), folder / "out")
    assert len(generator.requests) == 8  # the four shots of two stories of one new row


def test_a_form_is_measured_on_its_own(measured, tmp_path: Path):
    folder, _, _ = measured
    absent = replace(SMALL, policies=("none",), shots=12, stories=1, form="long absence")
    run_benchmark(absent, laboratory(folder / "probe"), tmp_path)
    assert {record.form for record in RecordLog(tmp_path / LOG).read()} == {"long absence"}
    assert "form: long absence" in (tmp_path / "table.md").read_text()
    with pytest.raises(UsageError, match="another form"):
        run_benchmark(replace(absent, form=None), laboratory(folder / "probe"), tmp_path)
    with pytest.raises(UsageError, match=r"--form 'a tragedy'.*long absence"):
        replace(absent, form="a tragedy").check()


def test_other_stories_are_measured_on_their_own(measured, tmp_path: Path):
    folder, _, _ = measured
    generator = WorldSizedToy()
    later = replace(SMALL, policies=("none",), stories=1, first=1)
    run_benchmark(later, laboratory(folder / "probe", generator), tmp_path)
    assert {record.story for record in RecordLog(tmp_path / LOG).read()} == {1}
    assert {path.name for path in (tmp_path / "sheets").glob("*.png")} == {"story-001.png"}
    assert "1, from number 1" in (tmp_path / "table.md").read_text()
    # The same story gives the same film wherever a run begins: what both measured is not measured again.
    asked = len(generator.requests)
    run_benchmark(replace(later, stories=2, first=0), laboratory(folder / "probe", generator), tmp_path)
    assert {record.story for record in RecordLog(tmp_path / LOG).read()} == {0, 1}
    assert len(generator.requests) - asked <= asked


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("step", 7),  # in the middle of a shot that has a memory to go on from
        ("shot", 25),  # between two films
    ],
)
def test_a_killed_run_goes_on_to_the_same_table(measured, tmp_path: Path, what: str, number: int):
    folder, table, generator = measured
    whole = json.loads(json.dumps(table.as_json()))
    log = tmp_path / "log"
    words = [str(tmp_path / "out"), str(folder / "probe"), str(log), what, str(number)]
    killed = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.killed_benchmark", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = len(RecordLog(tmp_path / "out" / LOG).read())
    again = WorldSizedToy(log=log)
    run_benchmark(SMALL, laboratory(folder / "probe", again), tmp_path / "out")
    assert done > 0
    assert len(log.read_text().splitlines()) <= len(generator.requests) + 1  # at most one shot was made twice
    assert without_times(json.loads((tmp_path / "out" / "table.json").read_text())) == without_times(whole)


def test_a_folder_of_other_settings_is_refused(measured, tmp_path: Path):
    folder, _, _ = measured
    with pytest.raises(UsageError, match="another shots"):
        run_benchmark(replace(SMALL, shots=5), laboratory(folder / "probe"), folder / "out")
    world = laboratory(folder / "probe")
    with pytest.raises(UsageError, match="another probe"):
        run_benchmark(SMALL, replace(world, probe=PerfectProbe(Benchmark(stories=1, shots=4))), folder / "out")


def test_a_generator_of_another_size_is_refused(tmp_path: Path):
    world = Laboratory(ToyGenerator(), ColourFeatures(), random_probe(tmp_path / "probe"))
    with pytest.raises(UsageError, match="64x48"):
        run_benchmark(SMALL, world, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path):
    world = laboratory(tmp_path / "probe")

    def second(step: object) -> None:
        run_benchmark(SMALL, world, tmp_path / "out")

    with pytest.raises(RunBusyError, match="another process"):
        run_benchmark(SMALL, world, tmp_path / "out", second)


def test_a_shot_that_fails_ends_the_run_and_keeps_the_others(tmp_path: Path):
    def fail(request, step):
        if len(generator.requests) == 3:
            raise GenerationError("out of memory")

    generator = WorldSizedToy(before_step=fail)
    with pytest.raises(GenerationError):
        run_benchmark(SMALL, laboratory(tmp_path / "probe", generator), tmp_path / "out")
    assert len(RecordLog(tmp_path / "out" / LOG).read()) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policies": ("storymme",)}, "storymme"),
        ({"stories": 0}, "--stories 0"),
        ({"seeds": 0}, "--seeds 0"),
        ({"shots": 3}, "--shots 3"),
        ({"first": -1}, "--first-story -1"),
    ],
)
def test_what_cannot_be_measured_is_said_first(changes, words):
    with pytest.raises(UsageError, match=words):
        replace(SMALL, **changes).check()


def test_the_ablations_change_what_they_name():
    features = ColourFeatures
    whole, *others = (
        POLICY_ROWS[name].policy(features)
        for name in ("storymem", "storymem-no-semantic", "storymem-no-aesthetic", "storymem-no-sink")
    )
    semantic, aesthetic, sink = others
    assert (semantic.gate, semantic.sink) == (whole.gate, whole.sink) and semantic.rules.most == 1
    assert (aesthetic.rules, aesthetic.sink) == (whole.rules, whole.sink) and aesthetic.gate.passes(0.0)
    assert (sink.rules, sink.gate) == (whole.rules, whole.gate) and sink.sink == 0


def test_pictures_alone_answer_what_needs_no_movement(tmp_path: Path):
    benchmark = Benchmark(policies=("none", "storymem"), stories=6, seeds=1, shots=4)
    generator = WorldSizedToy()
    world = Laboratory(generator, ColourFeatures(), PerfectProbe(benchmark, moment=0), pictures=True)
    table = run_benchmark(benchmark, world, tmp_path)
    assert {(request.frames, request.link, request.seam) for request in generator.requests} == {(1, "scene_cut", None)}
    assert any(request.memory for request in generator.requests)
    truth = table.cells["truth"]
    for measure in ("identity", "binding", "place kept", "caption: kinds"):
        assert truth[measure].value == truth[measure].low == 1, measure
    for measure in ("identity at joins", "caption: action", "seam error", "dynamic degree"):
        assert all(measure not in cells for cells in table.cells.values()), measure
    with pytest.raises(UsageError, match="another pictures"):
        run_benchmark(benchmark, replace(world, pictures=False), tmp_path)


class FilmsOn(WorldSizedToy):
    """Films on in so many steps."""

    steps_on = 2

    @property
    def fingerprint(self):
        return {**super().fingerprint, "steps_on": self.steps_on}


def test_first_pictures_count_on_when_filming_on_was_learned_anew(tmp_path: Path):
    benchmark = replace(SMALL, policies=("none",), stories=1)
    for pictures in (True, False):
        generator, out = FilmsOn(), tmp_path / str(pictures)
        world = Laboratory(generator, ColourFeatures(), random_probe(tmp_path / "probe"), pictures=pictures)
        run_benchmark(benchmark, world, out)
        made, generator.steps_on = len(generator.requests), 4
        if pictures:
            run_benchmark(benchmark, world, out)
            assert len(generator.requests) == made, "nothing is made again"
        else:
            with pytest.raises(UsageError, match="another generator"):
                run_benchmark(benchmark, world, out)
