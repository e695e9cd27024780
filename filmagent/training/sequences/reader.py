"""Reads a folder of sequences lazily: sequence -> clips -> frames at a size and a rate; captions, subjects, targets.

Opening checks the whole folder and decodes nothing; frames are decoded when asked for and never kept. Every file is
opened for one read and closed, so a folder can be shared by the workers of a data loader. No torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.schemas.memento_story import TwoPartPrompt, split_prompt
from filmagent.training.sequences.folder import check_folder, refuse_faults
from filmagent.training.sequences.footage import read_footage
from filmagent.training.sequences.record import GRID, Box, Clip, SequenceRecord, Target


@dataclass(frozen=True)
class SequenceClip:
    """One clip and the way to its frames."""

    record: Clip
    path: Path

    @property
    def caption(self) -> TwoPartPrompt:
        """Who is in it and what they look like, and what happens."""
        return split_prompt(self.record.caption) or TwoPartPrompt("", self.record.caption)

    @property
    def size(self) -> FrameSize:
        """Size of the file's frames."""
        return FrameSize(self.record.width, self.record.height)

    def frames(
        self, size: FrameSize | None = None, fps: int = GRID, *, first: int = 0, count: int | None = None
    ) -> Frames:
        """Decode frames, uint8 RGB of shape (frames, height, width, 3).

        Args:
            size: of the frames; what stands over is cut off on both sides. None: the file's own.
            fps: frames a second; at 16, frame numbers are those of `frame_in_clip_16fps`.
            first: number of the first frame at that rate.
            count: how many; None: up to the end. Fewer come back when the clip is shorter.

        Raises:
            ArtifactError: the file is damaged, or has no such frame.
        """
        found = list(read_footage(self.path, size or self.size, fps, first=first, count=count, crop=True))
        if not found:
            raise ArtifactError(f"{str(self.path)!r} has no frame {first} at {fps} frames a second")
        return np.stack(found)

    def box_at(self, subject: str, frame: int) -> Box | None:
        """Return where a subject is in a frame counted at 16 a second; None where nothing is known of it.

        Between two neighbouring keyframes that both show it, the box goes in a straight line.
        """
        seen = {sighting.frame_in_clip_16fps: sighting.box for sighting in self.record.sightings
                if sighting.subject == subject}
        before = max((key for key in self.record.keyframes_16fps if key <= frame), default=-1)
        after = min((key for key in self.record.keyframes_16fps if key >= frame), default=-1)
        if before not in seen or after not in seen:
            return None
        return _between(seen[before], seen[after], (frame - before) / max(1, after - before))


@dataclass(frozen=True)
class SubjectTarget:
    """A picture that reconstruction from memory must give back."""

    record: Target
    clip: SequenceClip

    def picture(self, size: FrameSize | None = None) -> Image:
        """Decode the frame, uint8 RGB of shape (height, width, 3). Raises ArtifactError as `SequenceClip.frames`."""
        frame: Image = self.clip.frames(size, first=self.record.frame_in_clip_16fps, count=1)[0]
        return frame


@dataclass(frozen=True)
class ShotSequence:
    """One sequence."""

    record: SequenceRecord
    folder: Path

    @cached_property
    def clips(self) -> tuple[SequenceClip, ...]:
        """Its clips in order."""
        return tuple(SequenceClip(clip, self.folder / clip.video_path) for clip in self.record.sequence_clips)

    @cached_property
    def targets(self) -> tuple[SubjectTarget, ...]:
        """Its reconstruction targets."""
        return tuple(SubjectTarget(target, self.clips[target.clip_index]) for target in self.record.reconstruct_targets)

    def targets_before(self, clip_index: int) -> tuple[SubjectTarget, ...]:
        """Return the targets that lie in clips before one: what memory can already hold when that clip is made."""
        return tuple(target for target in self.targets if target.record.clip_index < clip_index)


class SequenceFolder(Sequence[ShotSequence]):
    """All sequences of a folder, by number."""

    def __init__(self, folder: Path, records: tuple[SequenceRecord, ...]) -> None:
        self._folder, self._records = folder, records

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> ShotSequence: ...
    @overload
    def __getitem__(self, index: slice) -> SequenceFolder: ...
    def __getitem__(self, index: int | slice) -> ShotSequence | SequenceFolder:
        if isinstance(index, slice):
            return SequenceFolder(self._folder, self._records[index])
        return ShotSequence(self._records[index], self._folder)

    def __iter__(self) -> Iterator[ShotSequence]:
        return (ShotSequence(record, self._folder) for record in self._records)


def open_sequences(
    folder: Path, *, hashes: bool = False, on_file: Callable[[int, int], None] = lambda done, of: None
) -> SequenceFolder:
    """Check a folder and open it; arguments as `check_folder`.

    Raises:
        UsageError: this is no folder of sequences, or there are faults: a line for each, with file and field.
    """
    found = check_folder(folder, hashes=hashes, on_file=on_file)
    refuse_faults(found.faults)
    return SequenceFolder(folder, found.records)


def box_after_crop(box: Box, clip: FrameSize, size: FrameSize) -> Box | None:
    """Return a clip's box as shares of a frame read at `size`, whose sides are cut off; None when nothing is left."""
    scale = max(size.width / clip.width, size.height / clip.height)
    wide, high = clip.width * scale / size.width, clip.height * scale / size.height
    left, right = ((x - 0.5) * wide + 0.5 for x in (box.left, box.right))
    top, bottom = ((y - 0.5) * high + 0.5 for y in (box.top, box.bottom))
    inside = [min(1.0, max(0.0, value)) for value in (left, top, right, bottom)]
    if inside[2] <= inside[0] or inside[3] <= inside[1]:
        return None
    return Box(left=inside[0], top=inside[1], right=inside[2], bottom=inside[3])


def _between(one: Box, other: Box, share: float) -> Box:
    def mixed(a: float, b: float) -> float:
        return a + (b - a) * share

    return Box(left=mixed(one.left, other.left), top=mixed(one.top, other.top),
               right=mixed(one.right, other.right), bottom=mixed(one.bottom, other.bottom))
