"""The check names every fault with its file and its field, before anything is decoded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from filmagent.agents.validator import check_story
from filmagent.errors import UsageError
from filmagent.training.sequences.folder import check_folder
from filmagent.training.sequences.reader import open_sequences
from tests.training.sequences.toy_sequences import read_record, toy_sequences, write_record


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return toy_sequences(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def folder(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def faults(folder, **options):
    return [(fault.file.name, fault.field, fault.message) for fault in check_folder(folder, **options).faults]


def test_a_whole_folder_has_no_faults(whole):
    read = []
    assert check_folder(whole, hashes=True, on_file=lambda done, of: read.append((done, of))).faults == ()
    assert read == [(1, 1)]


@pytest.mark.parametrize(("change", "field", "message"), [
    (lambda r: r.pop("story_caption"), "story_caption", "Field required"),
    (lambda r: r.update(colour="red"), "colour", "Extra inputs"),
    (lambda r: r.update(sequence_id="other"), "sequence_id", "must be the file's name, 'toy-001'"),
    (lambda r: r["subjects"].append(r["subjects"][0]), "subjects", "listed 2 times"),
    (lambda r: r["subjects"][0].update(label="Tom"), "subjects.0.label", "pattern"),
    (lambda r: r["sequence_clips"][1].update(sequence_order=0), "sequence_clips.1.sequence_order", "order: 1"),
    (lambda r: r["sequence_clips"][0].update(cut=False), "sequence_clips.0.cut", "nothing to go on from"),
    (lambda r: r["sequence_clips"][0].update(caption="A cat."), "sequence_clips.0.caption", "global caption"),
    (lambda r: r["sequence_clips"][0].update(fps="fast"), "sequence_clips.0.fps", "valid integer"),
    (lambda r: r["sequence_clips"][0].update(video_path="../../secret.mp4"), "sequence_clips.0.video_path", "pattern"),
    (lambda r: r["sequence_clips"][0].update(video_path="clips/toy/9.mp4"), "sequence_clips.0.video_path",
     "does not exist"),
    (lambda r: r["sequence_clips"][0]["sightings"][0].update(subject="[Person B]"),
     "sequence_clips.0.sightings.0.subject", "not in the inventory: [Animal A]"),
    (lambda r: r["sequence_clips"][0]["sightings"][0].update(frame_in_clip_16fps=5),
     "sequence_clips.0.sightings.0.frame_in_clip_16fps", "none of the clip's keyframes"),
    (lambda r: r["sequence_clips"][0]["sightings"][0]["box"].update(right=0.0),
     "sequence_clips.0.sightings.0.box", "right must be more than left"),
    (lambda r: r["reconstruct_targets"][0].update(clip_index=2), "reconstruct_targets.0.clip_index", "there are 2"),
    (lambda r: r["reconstruct_targets"][0].update(frame_in_clip_16fps=24),
     "reconstruct_targets.0.frame_in_clip_16fps", "has 24 frames at 16 a second"),
    (lambda r: r["reconstruct_targets"][0].update(caption="a cat"), "reconstruct_targets.0.caption", "[Animal A]"),
])
def test_a_fault_is_named_with_its_field(folder, change, field, message):
    record = read_record(folder)
    change(record)
    write_record(folder, record)
    found = faults(folder)
    assert [(file, where) for file, where, _ in found] == [("toy-001.json", field)]
    assert message in found[0][2]


def test_damaged_clips_are_found(folder):
    clip = folder / "clips" / "toy" / "0001.mp4"
    data = bytearray(clip.read_bytes())
    data[-5] ^= 255
    clip.write_bytes(data)
    assert faults(folder) == [], "lengths alone do not show it"
    assert [field for _, field, _ in faults(folder, hashes=True)] == ["sequence_clips.0.sha256"]
    clip.write_bytes(data[:-1])
    assert [field for _, field, _ in faults(folder)] == ["sequence_clips.0.bytes"]


def test_all_faults_are_told_at_once(folder):
    (folder / "sequences" / "a.json").write_text("{")
    (folder / "sequences" / "b.json").write_text("[]")
    shutil.rmtree(folder / "clips")
    with pytest.raises(UsageError) as caught:
        open_sequences(folder)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("4 fault(s)")
    assert "a.json: is no readable JSON" in lines[1] and "b.json: " in lines[2]
    assert "toy-001.json, sequence_clips.1.video_path: 'clips/toy/0002.mp4' does not exist" in lines[4]


def test_a_folder_without_sequences_says_how_to_make_one(tmp_path):
    with pytest.raises(UsageError, match="filmagent curate FILMS DIR"):
        open_sequences(tmp_path)


def test_a_sequence_is_a_story_that_the_caption_check_understands(whole):
    story = check_folder(whole).records[0].story
    assert [shot.caption for shot in story.shots] == ["[Animal A] sleeps in a wide shot."] * 2
    assert story.subjects[0].kind == "animal"
    assert check_story(story) == ()
