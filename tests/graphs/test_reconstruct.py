"""What a run's memory gives back of its subjects: drawn, measured, written down, and refused where it cannot be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filmagent.errors import ArtifactError, GenerationCancelledError, UsageError
from filmagent.graphs.reconstruct import reconstruct, remembered_subjects, subject_meant
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.run_memory import read_memory
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.schemas.reconstruction import Reconstruction
from filmagent.schemas.story import Story, Subject
from filmagent.settings import Settings
from tests.support.painter import Painter, painters_studio
from tests.support.stories import MARLOW, story
from tests.support.toy_studio import toy_studio

REX = Subject(id="rex", name="Rex", kind="animal", appearance="a small brown dog")


def two_of_them() -> Story:
    """Marlow in the first two shots, Rex in the third; the fourth is nobody's."""
    given = story(4)
    third, fourth = given.shots[2:]
    rest = (third.model_copy(update={"subjects": ("rex",), "caption": "Rex the dog walks in the forest by day."}),
            fourth.model_copy(update={"subjects": (), "caption": "The forest lies empty by day."}))
    return given.model_copy(update={"subjects": (*given.subjects, REX), "shots": (*given.shots[:2], *rest)})


def painted(prompt: str) -> tuple[str, ...]:
    if "Rex" in prompt:
        return ("brown", "dog")
    return ("orange", "cat", "blue", "scarf") if "Marlow" in prompt else ("forest",)


def film(folder: Path, studio: Studio, given: Story | None = None, **settings: object) -> Path:
    run_film(folder, request=RunRequest(story=given or two_of_them(), settings=Settings(**settings)), studio=studio)
    return folder


@pytest.fixture(scope="module")
def filmed(tmp_path_factory) -> Path:
    return film(tmp_path_factory.mktemp("run") / "film", painters_studio(Painter(shots=painted)), memory="cover")


@pytest.fixture
def run(filmed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filmed, tmp_path / "film")


def drawn(run: Path, painter: Painter, subject: Subject = MARLOW, **more) -> Reconstruction:
    return reconstruct(painters_studio(painter), read_memory(run), subject, **more)


def test_a_remembered_subject_comes_back(run: Path):
    found = drawn(run, Painter())
    assert found.forgotten is False
    assert min(found.scores.values()) > 0.8
    assert (found.after, found.policy, found.generator, found.seed) == ("shot-04", "cover", "painter", 0)
    assert np.asarray(Image.open(run / found.path)).shape == (found.height, found.width, 3)
    assert Reconstruction.model_validate(json.loads((run / "reconstructions/marlow.json").read_text())) == found


def test_it_is_one_picture_asked_for_by_name_and_shown_what_the_policy_recalls(run: Path):
    painter = Painter()
    found = drawn(run, painter, seed=7)
    (request,) = painter.requests
    assert (request.frames, request.link, request.seam, request.seed) == (1, "scene_cut", None, 7)
    assert request.prompt == found.prompt == "Marlow the cat alone in a plain, empty field."
    assert len(request.memory) == len(found.memory) > 0
    assert all("Marlow" in use.reason and "marlow" in use.subjects for use in found.memory)
    assert found.best.sha256 in {use.sha256 for use in found.memory}
    assert found.best.path in {use.path for use in found.memory}


def test_a_subject_that_memory_does_not_give_back_is_being_forgotten(run: Path):
    found = drawn(run, Painter(forgets=("white", "dog")))
    assert found.forgotten is True
    assert len(found.faults) == 2


def test_whoever_is_forgotten_leaves_the_others_alone(run: Path):
    assert drawn(run, Painter(), REX).forgotten is False
    assert drawn(run, Painter(), MARLOW).forgotten is False
    assert {path.name for path in (run / "reconstructions").iterdir()} == {
        "marlow.json", "marlow.png", "rex.json", "rex.png"}


def test_a_policy_that_recalls_by_time_shows_whatever_that_is(tmp_path: Path):
    run = film(tmp_path / "film", painters_studio(Painter(shots=painted)), memory="storymem", memory_frames=1)
    found = drawn(run, Painter(), REX)
    assert [use.subjects for use in found.memory] == [("marlow",)], "of one frame StoryMem shows the oldest"
    assert found.forgotten is True


def test_equal_memory_is_drawn_once_and_a_changed_picture_again(run: Path):
    painter = Painter()
    first = drawn(run, painter)
    assert drawn(run, painter) == first
    assert len(painter.requests) == 1
    drawn(run, painter, seed=1)
    assert len(painter.requests) == 2
    (run / first.path).write_bytes(b"cut")
    drawn(run, painter, seed=1)
    assert len(painter.requests) == 3


def test_a_run_that_waits_for_a_person_shows_what_it_knows_so_far(tmp_path: Path):
    run, painter = tmp_path / "film", Painter(shots=painted)
    answers = [{"action": "approve"}]
    request = RunRequest(story=two_of_them(), settings=Settings(memory="cover", ask=("take",)))
    run_film(run, request=request, studio=painters_studio(painter), ask=lambda _: answers.pop() if answers else None)
    assert drawn(run, Painter()).after == "shot-01"
    assert remembered_subjects(read_memory(run)) == (MARLOW,)
    with pytest.raises(UsageError, match=r"Rex is in no picture.*'Marlow the cat'"):
        drawn(run, Painter(), REX)


def test_a_photograph_is_memory_enough(tmp_path: Path):
    from tests.scoring.videos import picture_of

    Image.fromarray(picture_of("brown", "dog").repeat(16, 0).repeat(16, 1)).save(tmp_path / "rex.png")
    references = ({"subject": "rex", "path": str(tmp_path / "rex.png")},)
    run = tmp_path / "film"
    request = RunRequest(story=two_of_them(), settings=Settings(ask=("plan",), references=references))
    run_film(run, request=request, studio=painters_studio(Painter()))
    found = drawn(run, Painter(), REX)
    assert (found.after, found.best.shot, found.best.surely, found.forgotten) == (None, None, 1.0, False)


@pytest.mark.parametrize("word", ["marlow", "MARLOW", " marlow the cat "])
def test_a_subject_is_meant_by_id_or_name(filmed: Path, word: str):
    assert subject_meant(read_memory(filmed), word) == MARLOW


@pytest.mark.parametrize("word", ["Nova", "forest", ""])
def test_an_unknown_subject_names_those_that_exist(filmed: Path, word: str):
    with pytest.raises(UsageError, match="'Marlow the cat', 'Rex'"):
        subject_meant(read_memory(filmed), word)


def test_a_run_without_memory_is_refused(tmp_path: Path):
    request = RunRequest(story=two_of_them(), settings=Settings(ask=("plan",)))
    run_film(tmp_path / "film", request=request, studio=painters_studio(Painter()))
    with pytest.raises(UsageError, match=r"remembers nothing yet.*resume"):
        read_memory(tmp_path / "film")
    (tmp_path / "film" / "run.sqlite").unlink()
    with pytest.raises(UsageError, match="remembers nothing yet"):
        read_memory(tmp_path / "film")
    assert not (tmp_path / "film" / "run.sqlite").exists(), "looking leaves no trace"


@pytest.mark.parametrize(("changed", "message"), [
    ({"max_memory": 0}, "takes no memory frames"),
    ({"links": frozenset({"MI2V"})}, "joins shots only by MI2V"),
    ({"max_pixels": 100}, "at most 100"),
])
def test_a_generator_that_cannot_is_refused_before_it_is_asked(run: Path, changed: dict[str, object], message: str):
    painter = Painter()
    painter.can = replace(painter.can, **changed)
    with pytest.raises(UsageError, match=message):
        drawn(run, painter)
    assert painter.requests == []
    assert not (run / "reconstructions").exists()


@pytest.mark.parametrize(("settings", "message"), [({"memory": "none"}, "--memory none"),
                                                   ({"memory_frames": 0}, "--memory-frames 0")])
def test_a_film_without_memory_has_nothing_to_draw_from(tmp_path: Path, settings: dict[str, object], message: str):
    run = film(tmp_path / "film", painters_studio(Painter()), **settings)
    with pytest.raises(UsageError, match=message):
        drawn(run, Painter())


def test_a_stopped_drawing_leaves_nothing(run: Path):
    studio = painters_studio(Painter())
    with pytest.raises(GenerationCancelledError):
        reconstruct(studio, read_memory(run), MARLOW, on_step=lambda step, steps: studio.cancelled.set())
    assert not (run / "reconstructions").exists()


def test_an_altered_memory_picture_is_no_memory(run: Path):
    best = drawn(run, Painter()).best
    (run / best.path).write_bytes(b"something else")
    with pytest.raises(ArtifactError, match="altered"):
        drawn(run, Painter(), seed=3)


def test_without_a_model_that_understands_words_nothing_is_measured(run: Path):
    found = reconstruct(toy_studio(), read_memory(run), MARLOW)
    assert (found.scores, found.forgotten, found.generator) == ({}, None, "toy")
