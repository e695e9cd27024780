"""A folder with one small sequence whose every frame is known, made without a film and without an LLM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from filmagent.artifacts import sha256_of_file
from filmagent.delivery.video import write_video
from filmagent.generation.port import Frames
from filmagent.training.sequences.record import SequenceRecord, SequenceSubject, two_part_caption

WIDTH, HEIGHT, FPS, FRAMES = 64, 48, 24, 36
CAT = SequenceSubject(label="[Animal A]", looks="an orange cat with a blue scarf")
BOX = {"left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.75}


def clip_frames(index: int) -> Frames:
    """A clip that grows brighter by 4 a frame; its left half is red-tinted so that crops can be told apart."""
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames += (40 + 4 * np.arange(FRAMES, dtype=np.uint8) + index)[:, None, None, None]
    frames[:, :, : WIDTH // 2, 0] += 60
    return frames


def toy_sequences(folder: Path) -> Path:
    clips = []
    for index in range(2):
        path = folder / "clips" / "toy" / f"{index + 1:04d}.mp4"
        write_video(clip_frames(index), path, FPS)
        clips.append({
            "video_path": path.relative_to(folder).as_posix(), "sequence_order": index, "cut": True,
            "caption": two_part_caption((CAT,), (CAT.label,), "[Animal A] sleeps in a wide shot."),
            "start": 1.5 * index, "fps": FPS, "frames": FRAMES, "width": WIDTH, "height": HEIGHT,
            "bytes": path.stat().st_size, "sha256": sha256_of_file(path), "keyframes_16fps": [4, 12, 20],
            "sightings": [{"subject": CAT.label, "frame_in_clip_16fps": frame, "box": box} for frame, box in (
                (4, {**BOX, "left": 0.0}), (12, {**BOX, "left": 0.5}))],
        })
    record = SequenceRecord.model_validate({
        "sequence_id": "toy-001", "film": "toy.mp4", "story_caption": "[Animal A] sleeps.", "subjects": [CAT],
        "sequence_clips": clips, "captioned_by": "eyes",
        "reconstruct_targets": [{"subject": CAT.label, "clip_index": 0, "frame_in_clip_16fps": 12, "box": BOX,
                                 "caption": "[Animal A] an orange cat, asleep"}],
    })
    write_record(folder, record.model_dump(mode="json"))
    return folder


def write_record(folder: Path, record: dict[str, Any], name: str = "toy-001") -> None:
    (folder / "sequences").mkdir(exist_ok=True)
    (folder / "sequences" / f"{name}.json").write_text(json.dumps(record))


def read_record(folder: Path, name: str = "toy-001") -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "sequences" / f"{name}.json").read_text())
    return record
