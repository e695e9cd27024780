"""What is told: subjects, scenes, shots, and the story that holds them.

Knows nothing of how a story is written, planned or filmed. Models are frozen; a change is a copy.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SubjectKind = Literal["person", "animal", "object", "place"]
ShotSize = Literal["wide", "medium", "close"]
Camera = Literal["still", "pan", "push_in"]
LinkKind = Literal["scene_cut", "MI2V", "MM2V"]

SEAM_FRAMES: dict[LinkKind, int] = {"scene_cut": 0, "MI2V": 1, "MM2V": 5}
"""Frames of the shot before that a link hands over: none, the last one, the last five (StoryMem, section 3)."""


class Model(BaseModel):
    """Base of all schemas: frozen, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(Model):
    """Somebody, something or some place that recurs and must stay the same."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Stable key, such as `marlow`."""
    name: str = Field(min_length=1)
    """The fixed, explicit name that every caption uses, such as `Marlow the cat`."""
    kind: SubjectKind
    appearance: str = ""
    """What a stranger would need to recognise it, such as `an orange cat with a blue scarf`."""


class Link(Model):
    """How a shot joins the one before."""

    kind: LinkKind
    reason: str = ""
    """One line a person can agree or disagree with."""


class Scene(Model):
    """Shots that share a place and a stretch of time."""

    number: int = Field(ge=1)
    title: str = ""
    place: str | None = None
    """Id of a subject of kind `place`."""


class Shot(Model):
    """One clip, described well enough to be filmed without reading any other shot."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    scene: int = Field(ge=1)
    caption: str = Field(min_length=1)
    subjects: tuple[str, ...] = ()
    """Ids of the subjects in frame, places excluded."""
    place: str | None = None
    """Id of the place; None: the scene's place."""
    shot_size: ShotSize = "medium"
    camera: Camera = "still"
    action: str = ""
    """The main action as a short phrase, such as `walks along the river`."""
    duration: float | None = Field(default=None, gt=0, le=60)
    """Seconds; None: as long as the generator's native shot."""
    link: Link | None = None
    """Set when the script or a person fixed it; None: the director decides."""


class Story(Model):
    """A whole story: everything the director and the generator need, in order of the film."""

    title: str = Field(min_length=1)
    overview: str = ""
    style: str = ""
    subjects: tuple[Subject, ...] = ()
    scenes: tuple[Scene, ...] = Field(min_length=1)
    shots: tuple[Shot, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        """Refuse a story whose shots name scenes, subjects or places that do not exist."""
        for label, ids in (
            ("subject", [s.id for s in self.subjects]),
            ("shot", [s.id for s in self.shots]),
            ("scene", [s.number for s in self.scenes]),
        ):
            twice = [key for key, count in Counter(ids).items() if count > 1]
            if twice:
                raise ValueError(f"{label} {twice[0]!r} is defined twice")
        kinds = {subject.id: subject.kind for subject in self.subjects}
        scenes = {scene.number for scene in self.scenes}
        for scene in self.scenes:
            if scene.place is not None and kinds.get(scene.place) != "place":
                raise ValueError(f"scene {scene.number}: {scene.place!r} is no subject of kind 'place'")
        previous = 0
        for shot in self.shots:
            if shot.scene not in scenes:
                raise ValueError(f"shot {shot.id!r}: scene {shot.scene} does not exist")
            if shot.scene < previous:
                raise ValueError(f"shot {shot.id!r}: scene {shot.scene} comes after scene {previous}")
            previous = shot.scene
            if shot.place is not None and kinds.get(shot.place) != "place":
                raise ValueError(f"shot {shot.id!r}: place {shot.place!r} is no subject of kind 'place'")
            for key in shot.subjects:
                if kinds.get(key) in (None, "place"):
                    raise ValueError(f"shot {shot.id!r}: {key!r} is no subject that can be in frame")
        first = self.shots[0]
        if first.link is not None and first.link.kind != "scene_cut":
            raise ValueError(f"shot {first.id!r}: the first shot has nothing to join, link must be 'scene_cut'")
        return self

    def subject(self, key: str) -> Subject:
        """Return the subject with this id; KeyError if there is none."""
        for subject in self.subjects:
            if subject.id == key:
                return subject
        raise KeyError(key)

    def shot(self, key: str) -> Shot:
        """Return the shot with this id; KeyError if there is none."""
        for shot in self.shots:
            if shot.id == key:
                return shot
        raise KeyError(key)

    def scene(self, number: int) -> Scene:
        """Return the scene with this number; KeyError if there is none."""
        for scene in self.scenes:
            if scene.number == number:
                return scene
        raise KeyError(number)

    def place_of(self, shot: Shot) -> Subject | None:
        """Return the place where a shot happens: its own, else its scene's, else None."""
        key = shot.place or self.scene(shot.scene).place
        return None if key is None else self.subject(key)
