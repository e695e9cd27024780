"""Rows of memories that somebody trained: read from words, opened with their weights, filmed as a film is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from filmagent.errors import ModelFilesError, UsageError
from filmagent.evaluation.papercut.benchmark import LOG, run_benchmark
from filmagent.evaluation.papercut.records import RecordLog
from filmagent.evaluation.papercut.rows import Row, chosen_rows
from filmagent.evaluation.papercut.stories import held_out_story
from filmagent.evaluation.papercut.trained_rows import TrainedRow, open_trained_row
from filmagent.generation.memory.memento import Memento
from filmagent.generation.memory.registry import create_policy
from filmagent.generation.port import Capabilities, GeneratedShot, GenerationRequest
from filmagent.generation.trained.bases import identify, open_base
from filmagent.generation.trained.files import TrainedMemory, read_trained, save_trained, weights_file
from filmagent.generation.wan.onestory.shape import MemoryShape
from filmagent.schemas.story import SEAM_FRAMES
from filmagent.scoring.colours import ColourFeatures
from tests.evaluation.toys import SMALL, WorldSizedToy, laboratory


class ChoosingToy(WorldSizedToy):
    """Chooses the last frame that it is offered."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, memory_candidates=12)

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        return {"model": "choosing toy"}

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        made = super().generate(request)
        return replace(made, chosen={"denoiser": (len(request.memory) - 1,)} if request.memory else {})


def header(policy: str, **more: object) -> TrainedMemory:
    base = identify(open_base("papercut", "storymem"), "denoiser")
    return TrainedMemory(policy, "denoiser", rank=2, step=7, base=base, **more)  # type: ignore[arg-type]


def saved(folder: Path, told: TrainedMemory) -> Path:
    """A file that says what it is and holds next to nothing: enough for whoever reads headers."""
    save_trained(weights_file(folder, "denoiser"), {"frame_selector.queries": torch.zeros(1)}, told)
    return folder


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("one=out/weights", TrainedRow("one", Path("out/weights"))),
        ("two = cover:out/weights", TrainedRow("two", Path("out/weights"), "cover")),
        ("three=c:out", TrainedRow("three", Path("c:out"))),
        ("four=a=b", TrainedRow("four", Path("a=b"))),
    ],
)
def test_a_row_is_read_from_words(words, read):
    assert TrainedRow.parse(words) == read


@pytest.mark.parametrize("words", ["", "name", "=dir", "name=", "name=cover:"])
def test_half_a_row_is_refused(words):
    with pytest.raises(UsageError, match="NAME=DIR"):
        TrainedRow.parse(words)


def test_a_row_films_with_the_memory_that_its_weights_were_trained_for(tmp_path):
    folder = saved(tmp_path, header("onestory", shape=MemoryShape(budget=2)))
    row = open_trained_row(TrainedRow("budget two", folder))
    assert row.policy(ColourFeatures).name == "onestory"
    assert row.generator.capabilities.max_memory == 10
    assert row.says == "onestory, budget 2, trained for 7 steps"


def test_a_row_says_what_its_memento_was_trained_without(tmp_path):
    for share, said in ((0.0, " without reconstruction,"), (0.5, ""), (None, "")):
        folder = saved(tmp_path / str(share), header("memento", queries="local", reconstruction=share))
        assert read_trained(weights_file(folder, "denoiser")).reconstruction == share
        says = open_trained_row(TrainedRow("row", folder)).says
        assert says == f"memento, local queries alone,{said} trained for 7 steps"


def test_another_memory_may_choose_what_cached_weights_are_shown(tmp_path):
    folder = saved(tmp_path, header("storymem", cached=True))
    row = open_trained_row(TrainedRow("cached", folder, "cover"))
    assert row.policy(ColourFeatures).name == "cover"
    assert row.says == "storymem, memory read once a shot, trained for 7 steps; cover says what is shown"


def test_weights_that_do_not_choose_are_offered_nothing_to_choose_from(tmp_path):
    folder = saved(tmp_path, header("storymem"))
    with pytest.raises(UsageError, match="no selector"):
        open_trained_row(TrainedRow("row", folder, "memento"))


def test_weights_of_another_base_are_refused(tmp_path):
    told = header("storymem")
    folder = saved(tmp_path, replace(told, base=replace(told.base, weights="0" * 16)))
    with pytest.raises(ModelFilesError, match="another base"):
        open_trained_row(TrainedRow("row", folder))
    with pytest.raises(ModelFilesError):
        open_trained_row(TrainedRow("row", tmp_path / "nothing"))


def test_rows_have_names_of_their_own():
    own = Row("own", "says")
    assert [row.name for row in chosen_rows(["none"], [own])][:2] == ["none", "own"]
    for trained in ([Row("storymem", "")], [Row("truth", "")], [own, own]):
        with pytest.raises(UsageError, match="choose another"):
            chosen_rows(["none"], trained)


def test_a_generator_that_chooses_is_told_when_its_candidates_were_filmed(tmp_path):
    chooser, other = ChoosingToy(), WorldSizedToy()
    row = Row("memento", "says", Memento, generator=chooser)
    benchmark = replace(SMALL, policies=("none",), trained=(row,), stories=1)
    table = run_benchmark(benchmark, laboratory(tmp_path / "probe", other), tmp_path / "out")
    story, requests = held_out_story(0, SMALL.shots), chooser.requests
    assert len(requests) == len(story.shots) and list(table.rows)[:2] == ["none", "memento"]
    assert requests[0].memory == () and requests[0].recollection is None
    lengths = [13 - SEAM_FRAMES[shot.link] for shot in story.shots]
    for index, request in enumerate(requests[1:], start=1):
        told = request.recollection
        assert len(told.candidates) == len(request.memory) > 0
        assert told.start == sum(lengths[:index]) - SEAM_FRAMES[story.shots[index].link]
        assert told.candidates[-1].frame == sum(lengths[:index]) - 1, "the last frame of the take before"
        assert told.show == 5
    # What was chosen for the second shot is offered again with the third, beside what is new; the rest is forgotten.
    assert [bool(each.experts) for each in requests[2].recollection.candidates] == [True] + [False] * 8
    records = [record for record in RecordLog(tmp_path / "out" / LOG).read() if record.row == "memento"]
    assert [record.remembered for record in records] == [0, 1, 1, 1]


def test_a_row_of_other_weights_is_not_mixed_with_what_was_measured(tmp_path):
    class Other(ChoosingToy):
        @property
        def fingerprint(self):
            return {"model": "trained longer"}

    world = laboratory(tmp_path / "probe")
    for generator, refused in ((ChoosingToy(), False), (Other(), True)):
        row = Row("mine", "says", lambda features: create_policy("none", features), generator=generator)
        benchmark = replace(SMALL, policies=(), trained=(row,), stories=1)
        if refused:
            with pytest.raises(UsageError, match="another row mine"):
                run_benchmark(benchmark, world, tmp_path / "out")
        else:
            run_benchmark(benchmark, world, tmp_path / "out")
