"""Stories of one shot, told in a line."""

from __future__ import annotations

from filmagent.schemas.story import Scene, Shot, Story, Subject, SubjectKind


def subject(name: str, kind: SubjectKind = "animal", appearance: str = "") -> Subject:
    """A subject whose id is its name."""
    return Subject(id=name.lower().replace(" ", "-"), name=name, kind=kind, appearance=appearance)


def tale(subjects, caption="They wait.", place=None, title="", looks="", **shot) -> Story:
    """A story of one shot with all these subjects in frame; `looks` is how the place looks."""
    places = () if place is None else (Subject(id="the-place", name=place, kind="place", appearance=looks),)
    scene = Scene(number=1, title=title, place="the-place" if places else None)
    keys = tuple(each.id for each in subjects)
    shots = (Shot(id="one", scene=1, caption=caption, subjects=keys, **shot),)
    return Story(title="A tale", subjects=(*subjects, *places), scenes=(scene,), shots=shots)
