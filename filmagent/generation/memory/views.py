"""What a keyframe is worth as a view of a subject or a place, for one shot.

A view is good when the subject is surely in it, when the picture is good, when it is recent, when the subject has it
to itself, and when its shot told the same state of the subject. Knows names, numbers and captions, not pictures: how
much two views differ is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filmagent.generation.memory.port import Keyframe
from filmagent.generation.memory.states import State, likeness, states_in
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, ShotSize, Story, Subject

PLACE_SHOWN: Mapping[ShotSize, float] = {"wide": 1.0, "medium": 0.7, "close": 0.4}
"""How much of its place a shot of this size shows."""


@dataclass(frozen=True)
class ViewRules:
    """What makes one view better than another. Every factor lies between 0 and 1; their product is the worth."""

    sure: float = 0.5
    """A subject is in a picture when it is in it at least this surely; what is less sure is a view of nobody who has
    another one. StoryMem's keyframes give 0.5 to a subject of whom only the script says that it is there."""
    older: float = 0.95
    """For every shot between the view and now: things change slowly."""
    other_state: float = 0.5
    """When nothing of the state agrees (a wet coat then, none now)."""
    shared: float = 0.75
    """For a subject that shares the picture with others."""
    worst: float = 0.5
    """For a picture of quality 0, beside the best of the bank."""


@dataclass(frozen=True)
class View:
    """One keyframe, as the shot in work would use it."""

    keyframe: Keyframe
    index: int
    """Its place in the bank: the higher, the later in the film."""
    worth: Mapping[str, float]
    """Id of a wanted subject or place that it shows -> how good a view of it, above 0, at most 1."""
    strangers: tuple[str, ...]
    """Ids of subjects in it that the shot neither holds nor wants."""
    agreed: Mapping[str, State]
    """Id of a wanted subject or place -> state words that its shot and the shot in work both tell of it."""
    doubted: frozenset[str] = frozenset()
    """Ids of those in `worth` whom the script puts here, whom this picture does not surely show, and no other either:
    eyes fail in snow and fog, and somebody who is not shown at all is surely lost."""


def wanted_by(story: Story, plan: ShotPlan) -> tuple[Subject, ...]:
    """Return the subjects and the place that the director wants remembered, in the director's order, each once."""
    known = {subject.id: subject for subject in story.subjects}
    return tuple(known[key] for key in dict.fromkeys(plan.remember) if key in known)


def views_for(story: Story, plan: ShotPlan, keyframes: Sequence[Keyframe], rules: ViewRules) -> tuple[View, ...]:
    """Return every keyframe that shows somebody or something wanted, in the order of the bank, equal pictures once."""
    shot, shots = story.shot(plan.shot), {each.id: each for each in story.shots}
    wanted, order = wanted_by(story, plan), list(shots)
    welcome = {*shot.subjects, *(subject.id for subject in wanted)}
    filmed = {keyframe.shot for keyframe in keyframes}
    now, told = states_in(story, shot), {key: states_in(story, each) for key, each in shots.items() if key in filmed}
    finest = max((keyframe.quality for keyframe in keyframes), default=0.0)
    seen = {key for keyframe in keyframes for key, surely in keyframe.subjects.items() if surely >= rules.sure}
    first = {keyframe.sha256: index for index, keyframe in reversed(list(enumerate(keyframes)))}
    views = []
    for index, keyframe in enumerate(keyframes):
        source = None if keyframe.shot is None else shots.get(keyframe.shot)
        then: Mapping[str, State] = told[source.id] if source is not None else {}
        inside = [key for key, surely in keyframe.subjects.items() if surely >= rules.sure]
        every = rules.older ** _age(keyframe, order, shot) * _fineness(keyframe, finest, rules)
        worth, agreed = {}, {}
        doubted = frozenset(keyframe.subjects) - seen
        for subject in wanted:
            shown = _shown(subject, keyframe, source, 0.0 if subject.id in doubted else rules.sure) * every
            states = now.get(subject.id, frozenset()), then.get(subject.id, frozenset())
            if shown > 0:
                state = rules.other_state + (1 - rules.other_state) * likeness(*states)
                worth[subject.id] = shown * state * (rules.shared if subject.kind != "place" and len(inside) > 1 else 1)
                agreed[subject.id] = states[0] & states[1]
        strangers = tuple(key for key in inside if key not in welcome)
        if worth and first[keyframe.sha256] == index:
            views.append(View(keyframe, index, worth, strangers, agreed, doubted & worth.keys()))
    return tuple(views)


def _shown(subject: Subject, keyframe: Keyframe, source: Shot | None, sure: float) -> float:
    """Return how surely a picture shows a subject, or how much of a place; 0: not at all."""
    surely = keyframe.subjects.get(subject.id, 0.0)
    if surely > 0 and surely >= sure:
        return surely
    if keyframe.place == subject.id:
        return PLACE_SHOWN[source.shot_size if source is not None else "medium"]
    return 0.0


def _age(keyframe: Keyframe, order: list[str], shot: Shot) -> int:
    """Return how many shots ago a picture was taken. A photograph is never out of date."""
    if keyframe.shot is None:
        return 0
    return max(0, order.index(shot.id) - order.index(keyframe.shot)) if keyframe.shot in order else len(order)


def _fineness(keyframe: Keyframe, finest: float, rules: ViewRules) -> float:
    """Return a picture's quality beside the best of the bank; whoever gave a photograph found it good."""
    if keyframe.shot is None or finest <= 0:
        return 1.0
    return rules.worst + (1 - rules.worst) * max(0.0, keyframe.quality / finest)
