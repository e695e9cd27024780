"""The held-out stories: what every shot must show, what its words say, and since when it must be remembered.

The first shot of a figure names all its attributes, later ones none: what they show then, only memory can know. The
arrangement of a place is never said. Draws nothing and knows no torch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filmagent.generation.papercut.vocabulary import PEOPLE, compose
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Link, Scene, Shot, Story, Subject
from filmagent.training.papercut.captions import appearance, describe_naming
from filmagent.training.papercut.world import FORMS, StoryShot, ToldStory, tell_story

HELD_OUT = "held out evaluation"
"""Seeds of these stories begin with it; those of trainings never do."""


@dataclass(frozen=True)
class Due:
    """A figure that a shot must show."""

    subject: int
    kind: str
    since: int | None
    """Shots since it was last in frame, 1 for the shot before; None: it appears for the first time."""


@dataclass(frozen=True)
class HeldOutStory:
    """A story, shot by shot, in the words of the world and of filmagent."""

    number: int
    form: str
    shots: tuple[StoryShot, ...]
    story: Story
    due: tuple[tuple[Due, ...], ...]
    """For every shot who is in it, from left to right."""
    place_since: tuple[int | None, ...]
    """For every shot the shots since its place was last seen; None: it is new."""

    def prompt(self, index: int, *, introduced: bool = True) -> str:
        """The sentence of a shot, with the attributes of those who are new; without `introduced` of nobody."""
        new = {due.subject for due in self.due[index] if due.since is None} if introduced else set()
        return compose(replace(describe_naming(self.shots[index].script, new), placed=True))

    def plan(self, index: int) -> ShotPlan:
        """The director's decision: the link of the story, and everybody in frame and the place to be remembered."""
        shot, link = self.story.shots[index], self.shots[index].link
        place = () if shot.place is None else (shot.place,)
        return ShotPlan(
            shot=shot.id,
            link=Link.model_validate({"kind": link, "reason": "the story says so"}),
            remember=(*shot.subjects, *place),
            decided_by="script",
        )


def held_out_story(number: int, shots: int | None = None, form: str | None = None) -> HeldOutStory:
    """Held-out story `number`, always the same one; the forms of training take turns where none is named.

    Args:
        number: 0 or more.
        shots: its length, from 4 to 16; None: by chance. Raises ValueError for another.
        form: one of `EVERY_FORM`. Raises ValueError for another.
    """
    forms = sorted(FORMS)
    seed = f"{HELD_OUT}/{number}" if form is None else f"{HELD_OUT}/{form}/{number}"
    told = tell_story(random.Random(seed), form or forms[number % len(forms)], shots)
    due = _due(told)
    return HeldOutStory(number, told.form, told.shots, _as_story(number, told, due), due, _place_since(told))


def subject_id(index: int) -> str:
    """The id of figure `index` of a story."""
    return f"figure-{index}"


def _due(told: ToldStory) -> tuple[tuple[Due, ...], ...]:
    last: dict[int, int] = {}
    found = []
    for index, shot in enumerate(told.shots):
        here = [part.subject for part in shot.script.performances]
        kinds = [shot.script.figures[who].kind for who in here]
        since = [index - last[who] if who in last else None for who in here]
        found.append(tuple(Due(*each) for each in zip(here, kinds, since, strict=True)))
        last.update(dict.fromkeys(here, index))
    return tuple(found)


def _place_since(told: ToldStory) -> tuple[int | None, ...]:
    last: dict[object, int] = {}
    found: list[int | None] = []
    for index, shot in enumerate(told.shots):
        setting = shot.script.setting
        found.append(index - last[setting] if setting in last else None)
        last[setting] = index
    return tuple(found)


def _as_story(number: int, told: ToldStory, due: Sequence[Sequence[Due]]) -> Story:
    figures = [
        Subject(
            id=subject_id(index),
            name=f"the {figure.kind}",
            kind="object" if figure.kind == "robot" else "person" if figure.kind in PEOPLE else "animal",
            appearance=appearance(figure),
        )
        for index, figure in enumerate(told.story.figures)
    ]
    ids = {setting: f"place-{index}" for index, setting in enumerate(dict.fromkeys(told.story.settings))}
    places = [Subject(id=key, name=f"the {setting.place}", kind="place") for setting, key in ids.items()]
    shots = []
    for index, (shot, here) in enumerate(zip(told.shots, due, strict=True)):
        named = {each.subject for each in here if each.since is None}
        shots.append(
            Shot(
                id=f"shot-{index:02d}",
                scene=1,
                caption=compose(describe_naming(shot.script, named)),
                subjects=tuple(subject_id(each.subject) for each in here),
                place=ids[shot.script.setting],
                shot_size=shot.script.size,
                action=", ".join(part.action for part in shot.script.performances),
            )
        )
    return Story(
        title=f"{told.form} {number}",
        subjects=(*figures, *places),
        scenes=(Scene(number=1),),
        shots=tuple(shots),
    )
