"""Frames, boxes and targets of a folder of sequences, decoded only when asked for."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from filmagent.errors import ArtifactError
from filmagent.generation.port import FrameSize
from filmagent.training.sequences.reader import box_after_crop, open_sequences
from filmagent.training.sequences.record import Box
from tests.training.sequences.toy_sequences import CAT, FRAMES, HEIGHT, WIDTH, clip_frames, toy_sequences


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_sequences(toy_sequences(tmp_path_factory.mktemp("toy")))


def test_a_folder_is_a_sequence_of_sequences(data):
    assert len(data) == 1 == len(data[:1]) == len(list(data))
    assert data[-1].record.sequence_id == "toy-001"
    with pytest.raises(IndexError):
        data[1]


def test_at_its_own_size_and_rate_every_frame_comes_back(data):
    for index, clip in enumerate(data[0].clips):
        frames = clip.frames(fps=24)
        assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3) and frames.dtype == np.uint8
        assert np.abs(frames.astype(int) - clip_frames(index)).mean() < 2


def test_frames_are_counted_on_the_rate_asked_for(data):
    clip = data[0].clips[0]
    every = clip.frames()
    assert len(every) == 24
    few = clip.frames(first=8, count=3)
    assert np.array_equal(few, every[8:11])
    at_half_a_second = float(few[0, :, WIDTH // 2 + 4:].mean())
    assert abs(at_half_a_second - (40 + 4 * 12)) < 3
    assert len(clip.frames(first=20, count=50)) == 4
    with pytest.raises(ArtifactError, match="no frame 30"):
        clip.frames(first=30)


def test_another_shape_is_cropped_equally_on_both_sides(data):
    frames = data[0].clips[0].frames(FrameSize(24, 48), count=1)
    assert frames.shape == (1, 48, 24, 3)
    left, right = frames[0, :, :8].astype(int), frames[0, :, -8:].astype(int)
    assert (left[..., 0] - left[..., 1]).mean() > 40
    assert (right[..., 0] - right[..., 1]).mean() < 10


def test_captions_come_in_two_parts(data):
    caption = data[0].clips[1].caption
    assert caption.overall == "[Animal A]: an orange cat with a blue scarf"
    assert caption.shot == "[Animal A] sleeps in a wide shot."


def test_boxes_go_in_a_straight_line_between_neighbouring_keyframes(data):
    clip = data[0].clips[0]
    assert [clip.box_at(CAT.label, frame) is not None for frame in (3, 4, 8, 12, 13, 20)] == [
        False, True, True, True, False, False]
    halfway = clip.box_at(CAT.label, 8)
    assert halfway is not None and halfway.left == pytest.approx(0.25)
    assert clip.box_at("[Person B]", 8) is None


def test_a_target_is_the_frame_of_its_number(data):
    (target,) = data[0].targets
    assert np.array_equal(target.picture(), data[0].clips[0].frames()[12])
    assert target.picture(FrameSize(32, 32)).shape == (32, 32, 3)
    assert data[0].targets_before(0) == () and data[0].targets_before(1) == (target,)


def test_boxes_follow_the_crop():
    box = Box(left=0.25, top=0.5, right=0.75, bottom=1.0)
    clip = FrameSize(200, 100)
    assert box_after_crop(box, clip, FrameSize(100, 50)) == box
    square = box_after_crop(box, clip, FrameSize(50, 50))
    assert square is not None and (square.left, square.right) == (0, 1) and (square.top, square.bottom) == (0.5, 1)
    assert box_after_crop(Box(left=0, top=0, right=0.2, bottom=1), clip, FrameSize(50, 50)) is None


def test_opening_decodes_nothing_and_a_damaged_clip_is_an_error_when_it_is_read(tmp_path):
    folder = toy_sequences(tmp_path)
    clip = folder / "clips" / "toy" / "0001.mp4"
    clip.write_bytes(bytes(clip.stat().st_size))
    opened = open_sequences(folder)
    with pytest.raises(ArtifactError, match=r"0001\.mp4"):
        opened[0].clips[0].frames()
    assert len(opened[0].clips[1].frames()) == 24


def test_a_folder_can_be_moved(tmp_path):
    moved = shutil.move(toy_sequences(tmp_path / "here"), tmp_path / "there")
    assert len(open_sequences(moved)[0].clips[0].frames(count=1)) == 1
