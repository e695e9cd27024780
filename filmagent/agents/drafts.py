"""What a language model answers with: shapes that strict servers accept, and their way into stories and links.

Every field is required and nothing is a free-form map, because strict structured output knows neither. Knows
schemas; nothing of prompts or servers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pydantic import BaseModel, ConfigDict, ValidationError

from filmagent.schemas.story import Camera, LinkKind, Scene, Shot, ShotSize, Story, Subject, SubjectKind


class Draft(BaseModel):
    """Base of all answers: no field more, no field less."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SubjectDraft(Draft):
    """Somebody, something or some place that recurs."""

    name: str
    kind: SubjectKind
    appearance: str


class ShotDraft(Draft):
    """One clip of about five seconds."""

    caption: str
    subjects: list[str]
    """Names of everybody and everything of the inventory in frame, places excluded."""
    shot_size: ShotSize
    camera: Camera
    action: str


class SceneDraft(Draft):
    """Shots in one place."""

    title: str
    place: str
    """Name of a subject of kind `place`."""
    shots: list[ShotDraft]


class StoryDraft(Draft):
    """A whole story."""

    title: str
    overview: str
    subjects: list[SubjectDraft]
    scenes: list[SceneDraft]


class CaptionFix(Draft):
    """A better caption for one shot."""

    shot: str
    caption: str
    subjects: list[str]


class CaptionFixes(Draft):
    """Better captions for the shots that failed."""

    captions: list[CaptionFix]


class LinkDraft(Draft):
    """The decision for one shot."""

    shot: str
    link: LinkKind
    reason: str


class PlanDraft(Draft):
    """One decision for every shot."""

    shots: list[LinkDraft]


def story_of(draft: StoryDraft, style: str) -> Story:
    """Return the story of a draft; ids are made from names and positions.

    Raises:
        ValueError: what is wrong with the draft, one reason a line, worded for the model that wrote it.
    """
    problems = _problems(draft)
    if problems:
        raise ValueError("\n".join(problems))
    ids = _ids(draft)
    subjects = tuple(Subject(id=ids[_fold(s.name)], name=s.name.strip(), kind=s.kind, appearance=s.appearance.strip())
                     for s in draft.subjects)
    scenes: list[Scene] = []
    shots: list[Shot] = []
    for number, scene in enumerate(draft.scenes, start=1):
        scenes.append(Scene(number=number, title=scene.title, place=ids[_fold(scene.place)]))
        for shot in scene.shots:
            shots.append(Shot(id=f"shot-{len(shots) + 1:02d}", scene=number, caption=shot.caption.strip(),
                              subjects=subject_ids(shot.subjects, subjects), shot_size=shot.shot_size,
                              camera=shot.camera, action=shot.action.strip()))
    try:
        return Story(title=draft.title.strip(), overview=draft.overview.strip(), style=style, subjects=subjects,
                     scenes=tuple(scenes), shots=tuple(shots))
    except ValidationError as error:
        raise ValueError("\n".join(detail["msg"] for detail in error.errors(include_url=False))) from error


def subject_ids(names: list[str], subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    """Return the ids of the subjects with these names (or ids), each once. Raises ValueError for an unknown name."""
    known = {_fold(subject.name): subject.id for subject in subjects} | {subject.id: subject.id for subject in subjects}
    for name in names:
        if _fold(name) not in known:
            raise ValueError(f"subject {name!r} is not in the inventory: {', '.join(s.name for s in subjects)}")
    return tuple(dict.fromkeys(known[_fold(name)] for name in names))


def _problems(draft: StoryDraft) -> list[str]:
    """Everything that keeps a draft from being a story."""
    problems = [] if draft.title.strip() else ["the title is empty"]
    names = Counter(_fold(subject.name) for subject in draft.subjects)
    kinds = {_fold(subject.name): subject.kind for subject in draft.subjects}
    problems += [f"subject {name!r} is defined {count} times" for name, count in names.items() if count > 1]
    if "" in names:
        problems.append("a subject has no name")
    if not draft.scenes:
        problems.append("there are no scenes")
    for number, scene in enumerate(draft.scenes, start=1):
        if kinds.get(_fold(scene.place)) != "place":
            problems.append(f"scene {number}: the place {scene.place!r} is no subject of kind 'place'")
        if not scene.shots:
            problems.append(f"scene {number} has no shots")
        for position, shot in enumerate(scene.shots, start=1):
            where = f"scene {number}, shot {position}"
            problems += [] if shot.caption.strip() else [f"{where}: the caption is empty"]
            problems += [f"{where}: subject {name!r} is not in the inventory" if _fold(name) not in kinds
                         else f"{where}: {name!r} is a place: leave it out of the subjects in frame"
                         for name in shot.subjects if kinds.get(_fold(name)) in (None, "place")]
    return problems


def _ids(draft: StoryDraft) -> dict[str, str]:
    """Folded name -> id. The proper name alone is the id where that is unambiguous."""
    ids: dict[str, str] = {}
    for position, subject in enumerate(draft.subjects, start=1):
        base = _slug(subject.name.strip().split(" the ")[0].removeprefix("the ")) or f"subject-{position}"
        ids[_fold(subject.name)] = base if base not in ids.values() else f"{base}-{position}"
    return ids


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
