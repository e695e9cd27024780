"""What is done ahead of a shot runs beside the memory's work, changes no frame, and stops no film when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from filmagent.artifacts import sha256_of_array
from filmagent.delivery.manifest import read_manifest
from filmagent.errors import FilmAgentError, GenerationCancelledError, GenerationError, ScoringError
from filmagent.generation.port import GeneratedShot, GenerationRequest
from filmagent.graphs.ahead import ExpectsPrompts, Prepares, alongside, shot_after
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import OpenQuestion, run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.colours import ColourFeatures
from filmagent.settings import Settings
from tests.support.stories import story
from tests.support.toy_generator import ToyGenerator
from tests.support.toy_studio import ScriptedScorer, toy_studio

STORY = story(4, {2: "scene_cut", 3: "MI2V", 4: "MM2V"})
LATEST = 20.0
"""Seconds after which a meeting that does not take place has failed."""


@dataclass
class EarlyGenerator(ToyGenerator):
    """A toy that encodes the seam of a shot ahead, and hears the prompts to come. `trace` is who did what, in order."""

    trace: list[str] = field(default_factory=list)
    while_preparing: Callable[[GenerationRequest], None] = lambda request: None
    told: list[tuple[str, ...]] = field(default_factory=list)
    prepared: list[GenerationRequest] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    _encoded: dict[str, np.ndarray] = field(default_factory=dict)

    def expect(self, prompts: Sequence[str]) -> None:
        self.told.append(tuple(prompts))

    def prepare(self, request: GenerationRequest) -> None:
        self.trace.append(f"prepare {number(request)} begins")
        self.threads.add(threading.get_ident())
        self.prepared.append(request)
        self.while_preparing(request)
        self._encode(request)
        self.trace.append(f"prepare {number(request)} ends")

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        self.trace.append(f"generate {number(request)}")
        self._encode(request)
        return super().generate(request)

    def _encode(self, request: GenerationRequest) -> None:
        key = "none" if request.seam is None else sha256_of_array(request.seam)
        if key not in self._encoded:
            self.trace.append(f"encode {key[:4]}")
            self._encoded[key] = np.array(0)


def number(request: GenerationRequest) -> int:
    """Which shot of the story a request is for."""
    return 1 + [shot.caption for shot in STORY.shots].index(request.prompt)


class Watched(ColourFeatures):
    """Features that call somebody before the frames of a take are looked at for memory."""

    def __init__(self, before: Callable[[], None]) -> None:
        self.before = before

    def embed(self, images):
        self.before()
        return super().embed(images)


def film(folder: Path, generator: ToyGenerator, before_embedding: Callable[[], None] = lambda: None, **settings):
    studio = Studio(make_generator=lambda _: generator, make_llm=lambda _: None,
                    make_features=lambda name: Watched(before_embedding), make_scorers=lambda _: (ScriptedScorer(),))
    run_film(folder, request=RunRequest(story=STORY, settings=Settings(**settings)), studio=studio)
    return read_manifest(folder / "film.json")


def test_a_shot_is_got_ready_while_the_take_before_is_remembered(tmp_path: Path):
    """Each waits until the other has begun: one after the other they would wait for ever."""
    remembering, preparing, met = threading.Event(), threading.Event(), []

    def embed() -> None:
        remembering.set()
        if len(met) < 3:  # nothing is prepared beside the last take
            assert preparing.wait(LATEST)

    def prepare(request: GenerationRequest) -> None:
        preparing.set()
        assert remembering.wait(LATEST)
        met.append(number(request))

    generator = EarlyGenerator(while_preparing=prepare)
    film(tmp_path, generator, embed)
    assert met == [2, 3, 4]
    assert threading.get_ident() not in generator.threads


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    """A film by a generator that works ahead: who did it, and where."""
    generator, folder = EarlyGenerator(), tmp_path_factory.mktemp("early")
    film(folder, generator, seed=3)
    return generator, folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The same film by one that does not."""
    folder = tmp_path_factory.mktemp("plain")
    film(folder, ToyGenerator(), seed=3)
    return folder


def test_a_shot_is_never_made_while_one_is_got_ready(early):
    steps = [line for line in early[0].trace if not line.startswith("encode")]
    assert steps == ["generate 1", *(line for shot in (2, 3, 4) for line in (
        f"prepare {shot} begins", f"prepare {shot} ends", f"generate {shot}"))]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_what_was_prepared_is_what_is_needed(early):
    generator, _ = early
    for ahead, real in zip(generator.prepared, generator.requests[1:], strict=True):
        assert (ahead.prompt, ahead.link, ahead.seed, ahead.size, ahead.frames) == (
            real.prompt, real.link, real.seed, real.size, real.frames)
        assert ahead.memory == () and (ahead.seam is None) == (real.seam is None)
        if real.seam is not None:
            assert np.array_equal(ahead.seam, real.seam)
    encodes = [place for place, line in enumerate(generator.trace) if line.startswith("encode")]
    assert len(encodes) == 3, "the grey clip and two seams, each once"
    assert [generator.trace[place - 1] for place in encodes[1:]] == ["prepare 3 begins", "prepare 4 begins"]


def takes_and_memory(folder: Path) -> dict[str, bytes]:
    found = {str(file.relative_to(folder)): file.read_bytes() for part in ("takes/*.mp4", "takes/*.png", "memory/*")
             for file in folder.glob(part)}
    assert len(found) > 8
    return found | {"film.mp4": (folder / "film.mp4").read_bytes()}


def test_the_film_is_the_same_to_the_last_byte(early, plain):
    """Names of takes and memory records are hashes of all that made them, so equal names say as much."""
    assert takes_and_memory(early[1]) == takes_and_memory(plain)
    first, second = (read_manifest(folder / "film.json") for folder in (early[1], plain))
    assert [record.chosen.key for record in first.shots] == [record.chosen.key for record in second.shots]
    assert first.decisions == second.decisions


def test_the_generator_hears_the_prompts_to_come_before_every_shot(early):
    captions = tuple(shot.caption for shot in STORY.shots)
    assert early[0].told == [captions[1:], captions[2:], captions[3:], ()]


def test_a_failure_is_logged_once_a_shot_and_the_film_is_the_same(tmp_path: Path, plain, caplog):
    def fail(request: GenerationRequest) -> None:
        raise MemoryError("no room beside the take")

    film(tmp_path, EarlyGenerator(while_preparing=fail), seed=3)
    assert [record.getMessage() for record in caplog.records if "ready" in record.getMessage()] == [
        "getting the next shot ready failed and is done again when it is needed: MemoryError: no room beside the take"
    ] * 3
    assert takes_and_memory(tmp_path) == takes_and_memory(plain)


def test_the_real_call_meets_what_the_preparation_met(tmp_path: Path):
    def broken(request: GenerationRequest, step: int = 0) -> None:
        if number(request) == 3:
            raise GenerationError("the experts made values that are no numbers")

    generator = EarlyGenerator(while_preparing=broken, before_step=broken)
    with pytest.raises(GenerationError, match="no numbers"):
        film(tmp_path, generator)
    assert generator.trace[-2] == "generate 3", "the error came out of the real call"
    assert len(list((tmp_path / "takes").glob("*.mp4"))) == 2


def test_an_error_of_the_memory_waits_for_the_preparation_and_is_the_one_that_is_told(tmp_path: Path):
    preparing, ended = threading.Event(), []

    def slow(request: GenerationRequest) -> None:
        preparing.set()
        ended.append(not threading.Event().wait(0.05))

    def broken() -> None:
        assert preparing.wait(LATEST)
        raise ScoringError("the scale is broken; repair it")

    with pytest.raises(FilmAgentError, match="the scale is broken"):
        film(tmp_path, EarlyGenerator(while_preparing=slow), broken)
    assert ended == [True]


def test_whoever_stops_the_film_stops_the_preparation_too(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    studio = toy_studio()
    stopped: list[bool] = []

    def until_stopped(request: GenerationRequest) -> None:
        studio.cancelled.set()
        stopped.append(request.cancelled())
        raise GenerationCancelledError("stopped while the seam was encoded")

    generator = EarlyGenerator(while_preparing=until_stopped)
    studio.make_generator = lambda settings: generator
    with pytest.raises(GenerationCancelledError, match="`filmagent resume`"):
        run_film(tmp_path, request=RunRequest(story=STORY), studio=studio)
    assert stopped == [True]
    assert generator.trace[-1] == "generate 2"
    assert not caplog.records, "a person's wish is no failure"


def test_nothing_is_got_ready_before_a_person_has_accepted_the_take(tmp_path: Path):
    generator = EarlyGenerator()
    seen: list[list[str]] = []

    def answer(question: OpenQuestion):
        seen.append([line for line in generator.trace if line.startswith("prepare")])
        if len(seen) == 1:
            return {"action": "edit", "link": "scene_cut", "seed": 77}
        return {"action": "approve"} if len(seen) < 4 else None

    studio = toy_studio(generator)
    request = RunRequest(story=STORY, settings=Settings(ask=("take",)))
    run_film(tmp_path, request=request, studio=studio, ask=answer)
    ready = [f"prepare {shot} {what}" for shot in (2, 3) for what in ("begins", "ends")]
    assert seen == [[], [], ready[:2], ready]
    assert generator.trace[-1].startswith("generate 3"), "the fourth question was left open"


def test_only_the_shot_right_behind_is_got_ready_and_only_if_it_is_to_be_made():
    accepted = {"accepted": {"shot-01": {}, "shot-03": {}}}
    assert shot_after(STORY, accepted, "shot-01") == STORY.shots[1]
    assert shot_after(STORY, accepted, "shot-02") is None, "it has its take"
    assert shot_after(STORY, accepted, "shot-04") is None, "the film ends"


def test_a_caption_that_a_person_changes_is_told_anew(tmp_path: Path):
    class Listening(ToyGenerator):
        def expect(self, prompts: Sequence[str]) -> None:
            told.append((tuple(prompts), len(self.requests)))

    told: list[tuple[tuple[str, ...], int]] = []
    answers = iter([{"action": "edit", "caption": "Marlow the cat sleeps in the forest."}])
    request = RunRequest(story=story(2), settings=Settings(ask=("take",)))
    generator = Listening()
    run_film(tmp_path, request=request, studio=toy_studio(generator),
             ask=lambda question: next(answers, {"action": "approve"}))
    second = story(2).shots[1].caption
    assert told == [((second,), 0), ((second,), 1), ((), 2)], "each time before the shot is made"


def test_a_generator_may_do_without():
    assert not isinstance(ToyGenerator(), Prepares | ExpectsPrompts)
    assert isinstance(EarlyGenerator(), Prepares) and isinstance(EarlyGenerator(), ExpectsPrompts)
    with alongside(None, "nothing"):
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
