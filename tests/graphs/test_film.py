"""Whole films through the real graph, with a toy generator and a scripted scorer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filmagent.delivery.manifest import read_manifest
from filmagent.delivery.video import read_video
from filmagent.errors import UsageError
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film, state_of, what_becomes_stale
from filmagent.graphs.take_store import TakeStore
from filmagent.settings import Reference, Settings
from tests.support.stories import story
from tests.support.toy_generator import ToyGenerator
from tests.support.toy_studio import ScriptedScorer, toy_studio


def film_of(
    folder: Path, generator: ToyGenerator | None = None, scorer: ScriptedScorer | None = None, **settings: object
):
    request = RunRequest(
        logline="", story=story(4, {2: "scene_cut", 3: "MI2V", 4: "MM2V"}), settings=Settings(**settings)
    )
    return run_film(folder, request=request, studio=toy_studio(generator, scorer=scorer))


def test_a_film_from_one_sentence(tmp_path: Path):
    events: list[str] = []
    result = run_film(
        tmp_path,
        request=RunRequest(logline="a cat's journey home"),
        studio=toy_studio(),
        on_event=lambda event: events.append(event["event"]),
    )
    assert result.film is not None
    assert result.film.status == "done"
    assert result.film.shots >= 6
    manifest = read_manifest(tmp_path / "film.json")
    assert len({manifest.story.place_of(shot).id for shot in manifest.story.shots}) >= 3  # type: ignore[union-attr]
    assert len(read_video(tmp_path / "film.mp4").frames) == sum(record.chosen.frames for record in manifest.shots)
    assert (tmp_path / "contact.png").stat().st_size > 1000
    assert events.count("shot") == result.film.shots
    assert events.count("step") == 3 * result.film.shots


def test_joins_continue_the_accepted_take_and_drop_the_overlap(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator)
    takes = {record.shot: record.chosen for record in read_manifest(tmp_path / "film.json").shots}
    store = TakeStore(tmp_path)
    assert [takes[key].frames for key in ("shot-01", "shot-02", "shot-03", "shot-04")] == [13, 13, 12, 8]
    for request, before in zip(generator.requests[2:], ("shot-02", "shot-03"), strict=True):
        assert request.seam is not None
        assert np.array_equal(request.seam, store.frames(takes[before])[-len(request.seam) :])
    assert takes["shot-03"].seam_take == takes["shot-02"].key
    assert takes["shot-02"].seam_take is None


def test_a_given_story_is_filmed_word_for_word(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator)
    given = story(4)
    assert [request.prompt for request in generator.requests] == [shot.caption for shot in given.shots]
    assert [record.shot for record in read_manifest(tmp_path / "film.json").shots] == [shot.id for shot in given.shots]


def test_the_same_film_twice_costs_nothing(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator)
    before = (tmp_path / "film.mp4").read_bytes()
    film_of(tmp_path, generator)
    assert len(generator.requests) == 4
    assert (tmp_path / "film.mp4").read_bytes() == before


def test_memory_comes_from_accepted_takes_of_earlier_shots_only(tmp_path: Path):
    generator, scorer = ToyGenerator(), ScriptedScorer(script=[(), ("flicker",), ()])
    film_of(tmp_path, generator, scorer)
    manifest = read_manifest(tmp_path / "film.json")
    for number, record in enumerate(manifest.shots):
        earlier = {other.shot for other in manifest.shots[:number]}
        assert {use.shot for use in record.chosen.memory} <= earlier
    assert manifest.shots[0].chosen.memory == ()
    assert manifest.shots[1].chosen.memory
    rejected = manifest.shots[1].attempts[0]
    records = [json.loads(path.read_text()) for path in (tmp_path / "memory").glob("*.json")]
    assert rejected.key not in {keyframe["take"] for entry in records for keyframe in entry["keyframes"]}


def test_no_memory_means_no_memory(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator, memory="none")
    assert all(request.memory == () for request in generator.requests)


def test_the_memory_called_cover_says_of_every_frame_whose_view_it_is(tmp_path: Path):
    film_of(tmp_path, memory="cover")
    takes = [record.chosen for record in read_manifest(tmp_path / "film.json").shots]
    assert takes[0].memory == ()
    for take in takes[1:]:
        assert take.memory
        assert all("Marlow the cat" in use.reason for use in take.memory)
        assert any("the forest" in use.reason for use in take.memory)


@pytest.mark.parametrize("without", [{"memory_frames": 0}, {"memory": "none"}])
def test_without_memory_frames_no_retake_asks_for_more_of_them(tmp_path: Path, without: dict[str, object]):
    drifts = [("identity_drift",), ("wrong_subject",)]
    generator, scorer = ToyGenerator(), ScriptedScorer(script=[(), *drifts, *drifts])
    photograph = tmp_path / "marlow.png"
    Image.fromarray(np.full((32, 32, 3), 200, np.uint8)).save(photograph)
    references = (Reference(subject="marlow", path=str(photograph)),)
    film_of(tmp_path / "run", generator, scorer, attempts=5, film_attempts=5, references=references, **without)
    levers = [take.lever.kind for take in read_manifest(tmp_path / "run" / "film.json").shots[1].attempts if take.lever]
    assert len(levers) == 4
    assert not {"more_memory", "add_reference", "less_memory"} & set(levers)
    assert all(request.memory == () for request in generator.requests)


def test_a_seam_is_decoded_with_the_take_that_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    decoded: list[str] = []
    read = TakeStore.frames
    monkeypatch.setattr(TakeStore, "frames", lambda store, take: decoded.append(take.shot) or read(store, take))
    film_of(tmp_path)
    # Every take once for its review and once when it is accepted, those that are joined too.
    assert [decoded.count(shot) for shot in ("shot-01", "shot-02", "shot-03", "shot-04")] == [2, 2, 2, 2]


def test_a_retake_changes_one_thing_against_the_baseline(tmp_path: Path):
    generator, scorer = ToyGenerator(), ScriptedScorer(script=[("flicker",), ("flicker",), ()])
    film_of(tmp_path, generator, scorer, attempts=3)
    first, second, third = generator.requests[:3]
    assert len({request.seed for request in (first, second, third)}) == 3
    assert {request.prompt for request in (first, second, third)} == {first.prompt}
    record = read_manifest(tmp_path / "film.json").shots[0]
    assert [review.outcome for review in record.reviews] == ["retake", "retake", "pass"]
    assert record.chosen.key == record.attempts[2].key
    assert [take.lever is None for take in record.attempts] == [True, False, False]


def test_a_spent_budget_is_said_and_the_best_attempt_is_kept(tmp_path: Path):
    scorer = ScriptedScorer(script=[("flicker",), ("blank", "flicker", "frozen")])
    result = film_of(tmp_path, scorer=scorer, attempts=2)
    record = read_manifest(tmp_path / "film.json").shots[0]
    assert result.film is not None
    assert result.film.status == "attempts_exhausted"
    assert record.outcome == "attempts_exhausted"
    assert record.chosen.key == record.attempts[0].key


def test_the_films_budget_of_retakes_ends_too(tmp_path: Path):
    generator, scorer = ToyGenerator(), ScriptedScorer(script=[("flicker",)] * 50)
    film_of(tmp_path, generator, scorer, attempts=5, film_attempts=3)
    assert len(generator.requests) == 4 + 3


def test_a_broken_critic_is_no_verdict(tmp_path: Path):
    from filmagent.errors import ScoringError

    class Broken(ScriptedScorer):
        def score(self, *_: object):
            raise ScoringError("the scale is broken; repair it")

    result = film_of(tmp_path, scorer=Broken())
    assert result.film is not None
    assert result.film.status == "critic_error"
    assert {record.outcome for record in read_manifest(tmp_path / "film.json").shots} == {"critic_error"}


def test_redo_makes_only_what_is_stale(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator, memory="none")
    before = {record.shot: record.chosen.key for record in read_manifest(tmp_path / "film.json").shots}
    stale = what_becomes_stale(tmp_path, ("shot-02",))
    assert [entry.shot for entry in stale] == ["shot-02", "shot-03", "shot-04"]
    run_film(tmp_path, studio=toy_studio(generator), redo=("shot-02",))
    after = {record.shot: record.chosen.key for record in read_manifest(tmp_path / "film.json").shots}
    assert {shot for shot in before if before[shot] != after[shot]} == {"shot-02", "shot-03", "shot-04"}
    assert len(generator.requests) == 4 + 3


def test_redo_of_the_last_shot_leaves_the_others(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator)
    run_film(tmp_path, studio=toy_studio(generator), redo=("shot-04",))
    assert [request.prompt for request in generator.requests[4:]] == [story(4).shots[3].caption]
    with pytest.raises(UsageError, match="shot-99"):
        run_film(tmp_path, studio=toy_studio(generator), redo=("shot-99",))


def test_a_reference_photograph_is_the_first_memory(tmp_path: Path):
    from PIL import Image

    Image.new("RGB", (80, 60), (250, 120, 10)).save(tmp_path / "cat.jpg")
    generator = ToyGenerator()
    film_of(
        tmp_path / "run", generator, references=(Reference(subject="Marlow the cat", path=str(tmp_path / "cat.jpg")),)
    )
    assert all(len(request.memory) >= 1 for request in generator.requests)
    assert generator.requests[0].memory[0].shape == (60, 80, 3)
    manifest = read_manifest(tmp_path / "run" / "film.json")
    assert manifest.shots[0].chosen.memory[0].subjects == ("marlow",)
    assert str(tmp_path) not in (tmp_path / "run" / "film.json").read_text()


def test_an_unknown_reference_names_the_subjects(tmp_path: Path):
    with pytest.raises(UsageError, match="Marlow the cat"):
        film_of(tmp_path, references=(Reference(subject="Rex", path="rex.jpg"),))


def test_a_moved_run_folder_goes_on(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path / "here", generator)
    (tmp_path / "here").rename(tmp_path / "there")
    run_film(tmp_path / "there", studio=toy_studio(generator), redo=("shot-04",))
    assert len(generator.requests) == 5


def test_a_truncated_take_is_noticed_and_made_again(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator, memory="none")
    first = read_manifest(tmp_path / "film.json").shots[0].chosen
    whole = (tmp_path / first.path).read_bytes()
    (tmp_path / first.path).write_bytes(whole[: len(whole) // 2])
    assert TakeStore(tmp_path).find(first.key) is None
    from filmagent.errors import ArtifactError

    with pytest.raises(ArtifactError, match="shot-01"):
        run_film(tmp_path, studio=toy_studio(generator), redo=("shot-04",))


def test_checkpoints_stay_small(tmp_path: Path):
    import sqlite3

    request = RunRequest(logline="a cat's journey home", settings=Settings(shots=12))
    run_film(tmp_path, request=request, studio=toy_studio(scorer=ScriptedScorer(script=[("flicker",)] * 40)))
    with sqlite3.connect(tmp_path / "run.sqlite") as database:
        sizes = [size for (size,) in database.execute("select length(checkpoint) from checkpoints")]
    assert max(sizes) < 100_000


def test_state_of_a_run_without_working_on_it(tmp_path: Path):
    generator = ToyGenerator()
    film_of(tmp_path, generator)
    result = state_of(tmp_path)
    assert result.film is not None
    assert len(generator.requests) == 4
    assert any("rules directed" in decision for decision in result.decisions)
