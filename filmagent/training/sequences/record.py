"""What a file of `sequences/` says of one multi-shot sequence: clips, captions, subjects and reconstruction targets.

The fields of Memento's training data keep their names (`sequence_id`, `sequence_clips` with `video_path`, `caption` and
`sequence_order`, `reconstruct_targets` with `clip_index`, `frame_in_clip_16fps` and `caption`, `subjects`); what we
know beyond them stands beside. Source: Wei et al., "Memento" (arXiv 2606.14667), section 3.1 and its published code.
Knows no file system.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from filmagent.schemas.memento_story import join_prompt, split_prompt
from filmagent.schemas.story import Model, Scene, Shot, Story, Subject

GRID = 16
"""Frames a second in which frames of a clip are numbered, whatever rate its file has: Wan's training rate."""

LABEL_PATTERN = r"^\[(Person|Animal|Object) [A-Z]{1,2}\]$"
_NAME = r"^[a-z0-9][a-z0-9-]*$"


class Box(Model):
    """A rectangle in a picture, in shares of its width and height, from the left and from the top."""

    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        """Refuse a box that is turned over or empty."""
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError("right must be more than left, and bottom more than top")
        return self

    @property
    def area(self) -> float:
        """Share of the picture, 0 to 1."""
        return (self.right - self.left) * (self.bottom - self.top)


class Sighting(Model):
    """Where a subject was seen in one frame of a clip."""

    subject: str = Field(pattern=LABEL_PATTERN)
    frame_in_clip_16fps: int = Field(ge=0)
    box: Box


class Clip(Model):
    """One shot of a sequence, or a piece of a long one."""

    video_path: str = Field(pattern=r"^clips/[^./\\][^/\\]*/[^./\\][^/\\]*\.mp4$")
    """Below the folder that holds all, such as `clips/the-film-1a2b3c4d/0007.mp4`."""
    caption: str = Field(min_length=1)
    """In Memento's two parts: `global caption: [Person A]: looks; shot caption: what happens`."""
    sequence_order: int = Field(ge=0)
    """Place in the sequence, from 0."""
    cut: bool
    """Whether a cut precedes it; False: it goes on from the last frame of the clip before."""
    start: float = Field(ge=0)
    """Seconds into the film."""
    fps: int = Field(ge=1, le=60)
    frames: int = Field(ge=1)
    width: int = Field(ge=2)
    height: int = Field(ge=2)
    bytes: int = Field(ge=1)
    """Length of the file."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    keyframes_16fps: tuple[int, ...] = Field(min_length=1)
    """The frames that were looked at; a subject without a sighting in one of them is not to be seen there."""
    sightings: tuple[Sighting, ...] = ()
    papercut: str = ""
    """The shot in papercut's own grammar, where its renderer made the clip; empty: papercut is told the caption."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.fps

    @property
    def subjects(self) -> tuple[str, ...]:
        """Labels of who is seen in it, in the order of the alphabet."""
        return tuple(sorted({sighting.subject for sighting in self.sightings}))


class SequenceSubject(Model):
    """Somebody or something of the inventory."""

    label: str = Field(pattern=LABEL_PATTERN)
    """The one name that all captions use, such as `[Person A]`."""
    looks: str = Field(min_length=1)
    """What a stranger recognises it by."""

    @property
    def id(self) -> str:
        """The label as an id, such as `person-a`."""
        return re.sub(r"[^a-z0-9]+", "-", self.label.lower()).strip("-")

    @property
    def subject(self) -> Subject:
        """The same, as stories know it."""
        kind = self.label.strip("[]").split(" ")[0].lower()
        return Subject.model_validate({"id": self.id, "name": self.label, "kind": kind, "appearance": self.looks})


class Target(Model):
    """A frame that shows a subject large: what reconstruction from memory must give back."""

    subject: str = Field(pattern=LABEL_PATTERN)
    clip_index: int = Field(ge=0)
    frame_in_clip_16fps: int = Field(ge=0)
    box: Box
    caption: str = Field(min_length=1)
    """`[Person A] looks` of this frame."""


class SequenceRecord(Model):
    """One sequence: continuous shots of one film."""

    version: Literal[1] = 1
    sequence_id: str = Field(pattern=_NAME)
    film: str = Field(min_length=1)
    """File name of the film it comes from."""
    story_caption: str = Field(min_length=1)
    """What the whole sequence tells."""
    subjects: tuple[SequenceSubject, ...] = Field(min_length=1)
    sequence_clips: tuple[Clip, ...] = Field(min_length=2)
    reconstruct_targets: tuple[Target, ...] = ()
    captioned_by: str = Field(min_length=1)
    """Name of the model that wrote captions and boxes."""

    @property
    def story(self) -> Story:
        """The sequence as a story of one scene: what caption checks and other rooms understand."""
        ids = {subject.label: subject.id for subject in self.subjects}
        shots = tuple(
            Shot(id=f"shot-{clip.sequence_order + 1:02d}", scene=1, caption=shot_caption(clip.caption),
                 subjects=tuple(ids[label] for label in clip.subjects))
            for clip in self.sequence_clips
        )
        return Story(title=self.sequence_id, overview=self.story_caption, scenes=(Scene(number=1),), shots=shots,
                     subjects=tuple(subject.subject for subject in self.subjects))


def two_part_caption(subjects: tuple[SequenceSubject, ...], seen: tuple[str, ...], shot: str) -> str:
    """Return a clip's caption: the looks of everybody seen in it, and what happens."""
    return join_prompt(", ".join(f"{s.label}: {s.looks}" for s in subjects if s.label in seen), shot)


def shot_caption(caption: str) -> str:
    """Return what happens: the second part of a caption, or the whole of one that has no parts."""
    parts = split_prompt(caption)
    return caption if parts is None else parts.shot


def disagreements(record: SequenceRecord) -> Iterator[tuple[str, str]]:
    """Yield (field, what is wrong) where parts of a record that are each in order do not go together."""
    inventory = Counter(subject.label for subject in record.subjects)
    for label, count in inventory.items():
        if count > 1:
            yield "subjects", f"{label} is listed {count} times; list every subject once"
    for index, clip in enumerate(record.sequence_clips):
        where = f"sequence_clips.{index}"
        if clip.sequence_order != index:
            yield f"{where}.sequence_order", f"is {clip.sequence_order}; clips are listed in order: {index}"
        if split_prompt(clip.caption) is None:
            yield f"{where}.caption", "is not of the form 'global caption: ...; shot caption: ...'"
        for number, seen in enumerate(clip.sightings):
            yield from _misplaced(f"{where}.sightings.{number}", seen, clip, inventory)
            if seen.frame_in_clip_16fps not in clip.keyframes_16fps:
                yield f"{where}.sightings.{number}.frame_in_clip_16fps", "is none of the clip's keyframes_16fps"
    if not record.sequence_clips[0].cut:
        yield "sequence_clips.0.cut", "is false, but the first clip has nothing to go on from"
    for index, target in enumerate(record.reconstruct_targets):
        where = f"reconstruct_targets.{index}"
        if target.clip_index >= len(record.sequence_clips):
            yield f"{where}.clip_index", f"is {target.clip_index}; there are {len(record.sequence_clips)} clips"
        else:
            yield from _misplaced(where, target, record.sequence_clips[target.clip_index], inventory)
        if target.subject not in target.caption:
            yield f"{where}.caption", f"does not name {target.subject}"


def _misplaced(where: str, seen: Sighting | Target, clip: Clip, inventory: Counter[str]) -> Iterator[tuple[str, str]]:
    if seen.subject not in inventory:
        yield f"{where}.subject", f"{seen.subject} is not in the inventory: {', '.join(inventory)}"
    if seen.frame_in_clip_16fps >= clip.seconds * GRID:
        yield f"{where}.frame_in_clip_16fps", (
            f"is {seen.frame_in_clip_16fps}; {clip.video_path} has {clip.seconds * GRID:.0f} frames at {GRID} a second"
        )
