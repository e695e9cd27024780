"""The manifest says everything about a film, and nothing about the machine or the person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filmagent.artifacts import read_json, sha256_of_file, write_json_atomically
from filmagent.delivery.manifest import read_manifest, write_manifest
from filmagent.errors import ArtifactError
from filmagent.settings import Reference, Settings


def test_it_comes_back_as_written(finished_run: Any) -> None:
    manifest = finished_run.manifest()
    write_manifest(manifest, finished_run.folder / "film.json")
    assert read_manifest(finished_run.folder / "film.json") == manifest


def test_it_holds_what_a_person_would_ask(finished_run: Any) -> None:
    manifest = finished_run.manifest()
    assert manifest.film_sha256 == sha256_of_file(finished_run.folder / "film.mp4")
    assert [record.chosen.attempt for record in manifest.shots] == [1, 2, 1]
    assert manifest.shots[1].outcome == "attempts_exhausted"
    assert manifest.shots[1].chosen.memory[0].reason == "shows Marlow the cat"
    assert manifest.models[0].licence == "Apache-2.0" and "papercut (1)" in manifest.disclosure
    assert manifest.decisions == ("no LLM was asked: offline writer",)
    assert manifest.seconds == {"denoise": 6.0}
    assert manifest.packages["numpy"].count(".") >= 1 and manifest.settings["seed"] == 0


def test_nothing_of_the_machine_or_the_person_leaves(finished_run: Any) -> None:
    settings = Settings(llm="m", llm_url="https://ana:secret@host:8000/v1?api_key=secret",
                        references=(Reference(subject="marlow", path="/home/ana/photos/marlow.png"),))
    broken = finished_run.records[0].reviews[0].model_copy(
        update={"outcome": "critic_error", "reason": f"cannot read {finished_run.folder / 'memory' / 'x.png'}"})
    records = (finished_run.records[0].model_copy(update={"reviews": (broken,)}), *finished_run.records[1:])
    manifest = finished_run.manifest(settings=settings.model_dump(mode="json"), records=records,
                                     decisions=[f"{finished_run.folder}/story.json was given"])
    text = json.dumps(manifest.model_dump(mode="json"))
    for secret in ("secret", "ana", str(finished_run.folder), str(Path.home()) + "/"):
        assert secret not in text
    assert manifest.settings["llm_url"] == "https://host:8000/v1"
    assert manifest.settings["references"] == [{"subject": "marlow", "path": "marlow.png"}]
    assert manifest.shots[0].reviews[0].reason == "cannot read ./memory/x.png"


@pytest.mark.parametrize(("version", "said"), [(99, "Upgrade"), (0, "old schema version 0"), (None, "no manifest")])
def test_other_versions_are_told_apart(finished_run: Any, version: int | None, said: str) -> None:
    path = finished_run.folder / "film.json"
    write_manifest(finished_run.manifest(), path)
    write_json_atomically(path, {**read_json(path), "schema_version": version})
    with pytest.raises(ArtifactError, match=said):
        read_manifest(path)


def test_a_field_that_does_not_fit_is_named(finished_run: Any) -> None:
    path = finished_run.folder / "film.json"
    write_manifest(finished_run.manifest(), path)
    data = read_json(path)
    data["shots"][1]["chosen"]["fps"] = "fast"
    write_json_atomically(path, data)
    with pytest.raises(ArtifactError, match=r"shots\.1\.chosen\.fps"):
        read_manifest(path)
    write_json_atomically(path, [1, 2])
    with pytest.raises(ArtifactError, match="no manifest"):
        read_manifest(path)


def test_without_a_film_there_is_no_manifest(finished_run: Any) -> None:
    (finished_run.folder / "film.mp4").unlink()
    with pytest.raises(ArtifactError, match=r"film\.mp4"):
        finished_run.manifest()
