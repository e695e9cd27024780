"""A folder of curated sequences as films to train on, in a base's words, at its size and rate.

Papercut is told its own sentences, as when it films; Memento the two-part captions of the folder as they stand;
StoryMem on Wan the same as one paragraph. Decodes nothing before it is asked; no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from filmagent.errors import ArtifactError
from filmagent.generation.port import Frames, FrameSize, Image
from filmagent.training.sequences.reader import SequenceClip, SequenceFolder, ShotSequence, SubjectTarget

Words = Callable[[ShotSequence, int], str]
"""Says a clip of a sequence in a base's words."""


@dataclass(frozen=True)
class ClipShot:
    """A clip as a shot."""

    clip: SequenceClip
    prompt: str
    size: FrameSize
    fps: int

    @property
    def revision(self) -> str:
        """Hash of its file, size and rate."""
        return f"{self.clip.record.sha256} {self.size} {self.fps}"

    @property
    def frame_count(self) -> int:
        """Frames at the base's rate, rounded down."""
        return int(self.clip.record.seconds * self.fps + 1e-6)

    def frames(self, first: int, count: int) -> Frames:
        """Decode frames. Raises ArtifactError when the file holds fewer than its record says."""
        found = self.clip.frames(self.size, self.fps, first=first, count=count)
        if len(found) != count:
            raise ArtifactError(
                f"{str(self.clip.path)!r} has no {count} frames from frame {first} on at {self.fps} a "
                "second, though its record says so: curate that film again"
            )
        return found


@dataclass(frozen=True)
class PictureTarget:
    """A reconstruction target."""

    target: SubjectTarget
    caption: str
    size: FrameSize

    @property
    def shot(self) -> int:
        """Index of its clip."""
        return self.target.record.clip_index

    def picture(self) -> Image:
        """Decode it."""
        return self.target.picture(self.size)


@dataclass(frozen=True)
class SequenceFilm:
    """A sequence as a film."""

    sequence: ShotSequence
    words: Words
    size: FrameSize
    fps: int
    own_captions: bool
    """Whether targets are told by their own captions; else by their clip's words."""

    @property
    def name(self) -> str:
        """The sequence's id."""
        return self.sequence.record.sequence_id

    @property
    def source(self) -> str:
        """File name of the film that it was cut from."""
        return self.sequence.record.film

    @cached_property
    def shots(self) -> tuple[ClipShot, ...]:
        """Its clips."""
        return tuple(
            ClipShot(clip, self.words(self.sequence, index), self.size, self.fps)
            for index, clip in enumerate(self.sequence.clips)
        )

    @cached_property
    def targets(self) -> tuple[PictureTarget, ...]:
        """Its targets."""
        told = [
            target.record.caption if self.own_captions else self.shots[target.record.clip_index].prompt
            for target in self.sequence.targets
        ]
        return tuple(
            PictureTarget(target, caption, self.size)
            for target, caption in zip(self.sequence.targets, told, strict=True)
        )


def films_of(
    folder: SequenceFolder, words: Words, size: FrameSize, fps: int, *, own_captions: bool = True
) -> list[SequenceFilm]:
    """Return a folder's sequences as films."""
    return [SequenceFilm(sequence, words, size, fps, own_captions) for sequence in folder]


def as_captioned(sequence: ShotSequence, index: int) -> str:
    """Return a clip's caption word for word, in Memento's two parts."""
    return sequence.record.sequence_clips[index].caption


def as_paragraph(sequence: ShotSequence, index: int) -> str:
    """Return what happens in a clip, then who is in it and looking how: StoryMem's one paragraph."""
    caption = sequence.clips[index].caption
    return " ".join(part if part.endswith(".") else f"{part}." for part in (caption.shot, caption.overall) if part)
