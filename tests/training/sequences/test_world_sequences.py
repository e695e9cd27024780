"""Sequences that the papercut renderer makes: whole, true, resumable, and told to papercut in its own grammar."""

from __future__ import annotations

import re

import numpy as np
import pytest

from filmagent.errors import UsageError
from filmagent.generation.papercut.vocabulary import COLOURS, GARMENTS, words
from filmagent.generation.trained.bases import open_base
from filmagent.schemas.memento_story import split_prompt
from filmagent.training.memory.words import words_for
from filmagent.training.papercut.cli import main
from filmagent.training.papercut.sequences import write_sequences
from filmagent.training.sequences.folder import check_folder
from filmagent.training.sequences.reader import open_sequences

STORIES, SEED = 3, 18
ATTRIBUTES = {*COLOURS, *GARMENTS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("world")
    write_sequences(found, STORIES, seed=SEED)
    return found


def test_the_folder_passes_the_check_that_trainings_make(folder):
    found = check_folder(folder, hashes=True)
    assert not found.faults
    assert len(found.records) == STORIES
    assert {len(record.subjects) for record in found.records} >= {1, 2}


def test_captions_call_everybody_who_is_seen_by_a_label(folder):
    for record in check_folder(folder).records:
        for clip in record.sequence_clips:
            parts = split_prompt(clip.caption)
            assert set(re.findall(r"\[[^\]]+\]", parts.shot)) == set(clip.subjects)
            assert set(re.findall(r"\[[^\]]+\]", parts.overall)) == set(clip.subjects)


def test_only_the_first_shot_of_a_figure_must_name_its_looks(folder):
    later = []
    for record in check_folder(folder).records:
        known = set()
        for clip in record.sequence_clips:
            assert {*clip.papercut.split()} <= {*words()}
            if new := set(clip.subjects) - known:
                assert ATTRIBUTES & {*clip.papercut.split()}, (new, clip.papercut)
            elif clip.subjects:
                later.append(bool(ATTRIBUTES & {*clip.papercut.split()}))
            known |= set(clip.subjects)
    assert 0 < sum(later) < 0.7 * len(later)


def test_a_target_is_a_frame_with_the_subject_in_its_box(folder):
    for sequence in open_sequences(folder):
        for target in sequence.targets:
            box = target.record.box
            assert 0.01 < box.area < 0.9
            assert len(np.unique(target.picture(sequence.clips[0].size).reshape(-1, 3), axis=0)) > 20
        labels = [target.record.subject for target in sequence.targets]
        assert max(labels.count(label) for label in labels) <= 3
        assert {*labels} == {label for clip in sequence.record.sequence_clips for label in clip.subjects}


def test_a_shot_that_goes_on_begins_behind_the_frame_that_it_shares(folder):
    checked = 0
    for sequence in open_sequences(folder):
        for before, after in zip(sequence.clips, sequence.clips[1:], strict=False):
            assert (before.record.frames, after.record.frames) == (17, 17)
            if not after.record.cut and checked < 2:
                last, first, far = (
                    clip.frames(fps=8)[at].astype(int) for clip, at in ((before, -1), (after, 0), (after, -1))
                )
                near = np.abs(first - last).mean()
                assert near < 8 and near <= np.abs(far - last).mean() + 1
                checked += 1
    assert checked == 2


def test_what_is_written_stays_and_what_lacks_is_written(folder, tmp_path):
    whole = {path.name: path.read_bytes() for path in folder.rglob("*.json")}
    one = sorted(folder.rglob("*.json"))[1]
    others = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json") if path != one}
    one.unlink()
    write_sequences(folder, STORIES, seed=SEED)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.json")} == whole
    assert {path: path.stat().st_mtime_ns for path in others} == others


def test_papercut_is_told_its_own_grammar(folder):
    told = words_for(open_base("papercut", "storymem"), "storymem")
    for sequence in open_sequences(folder):
        for index, clip in enumerate(sequence.record.sequence_clips):
            assert told(sequence, index) == clip.papercut


def test_the_command_writes_a_folder(tmp_path):
    assert main(["sequences", "--stories", "1", "--data", str(tmp_path)]) == 0
    assert not check_folder(tmp_path / "sequences").faults
    with pytest.raises(UsageError, match="--stories 0"):
        main(["sequences", "--stories", "0", "--data", str(tmp_path)])
