"""Whole stories of 4 to 16 shots in the forms that the papers test memory with. Draws nothing.

Main subject throughout; insert and recall (something unrelated for 1 to 4 shots, then back: OneStory's and Memento's
test); two and three subjects who come apart and together; the return to an earlier place; continuing shots (StoryMem's
MI2V and MM2V). Apart from these, which a training draws by chance, long absences: only somebody who asks gets those.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from filmagent.training.papercut.world.motion import place_at
from filmagent.training.papercut.world.poses import phase_after
from filmagent.training.papercut.world.script import Setting, ShotScript
from filmagent.training.papercut.world.stage import FPS, FRAMES
from filmagent.training.papercut.world.story import WorldStory, sample_story, stage_shot

LEAST_SHOTS, MOST_SHOTS = 4, 16
LONGEST_ABSENCE = 8
"""Shots until somebody is back, in the form that is made of absences."""
CUT, MI2V, MM2V = "scene_cut", "MI2V", "MM2V"


@dataclass(frozen=True)
class StoryShot:
    """A shot of a story: what it shows and how it joins the one before."""

    script: ShotScript
    link: str = CUT


@dataclass(frozen=True)
class ToldStory:
    """A story from its first shot to its last."""

    form: str
    story: WorldStory
    shots: tuple[StoryShot, ...]


def tell_story(rng: random.Random, form: str | None = None, shots: int | None = None) -> ToldStory:
    """A story of a form and length, by chance where None. Raises ValueError for an unknown form or a bad length."""
    name = form or rng.choice(sorted(FORMS))
    if name not in EVERY_FORM:
        raise ValueError(f"there is no story form {name!r}; there are {', '.join(sorted(EVERY_FORM))}")
    count = rng.randint(LEAST_SHOTS, MOST_SHOTS) if shots is None else shots
    if not LEAST_SHOTS <= count <= MOST_SHOTS:
        raise ValueError(f"a story has {LEAST_SHOTS} to {MOST_SHOTS} shots, not {count}")
    return EVERY_FORM[name](rng, count)


def _main_subject(rng: random.Random, count: int) -> ToldStory:
    story = sample_story(rng, figures=1)
    return _told("main subject", story, [_cut(rng, story, rng.choice(story.settings), [0]) for _ in range(count)])


def _insert_and_recall(rng: random.Random, count: int) -> ToldStory:
    """The subject; then 1 to 4 shots without it, of a stranger or of the story's prop, somewhere else; then back."""
    story = sample_story(rng, figures=2)
    shots: list[StoryShot] = []
    while len(shots) < count:
        shots.append(_cut(rng, story, story.settings[0], [0]))
        for _ in range(min(rng.randint(1, 4), count - len(shots) - 1)):
            shots.append(_elsewhere(rng, story))
    return _told("insert and recall", story, shots)


def _long_absence(rng: random.Random, count: int) -> ToldStory:
    """The subject is back twice, after d and 9 - d shots, so that every distance from 1 to 8 is as frequent.

    Shots that are left over stand before the subject's first and behind its last. Shorter stories have less to spread.
    """
    story = sample_story(rng, figures=2)
    both = min(LONGEST_ABSENCE + 1, count - 1)
    first = rng.randint(1, both - 1)
    begins = rng.randint(0, count - 1 - both)
    here = {begins, begins + first, begins + both}
    shots = [
        _cut(rng, story, story.settings[0], [0]) if index in here else _elsewhere(rng, story) for index in range(count)
    ]
    return _told("long absence", story, shots)


def _elsewhere(rng: random.Random, story: WorldStory) -> StoryShot:
    """A stranger, or the story's prop alone, in another place."""
    who = [1] if rng.random() < 0.6 else []
    prop = None if who else story.prop
    return StoryShot(stage_shot(rng, story, rng.choice(story.settings[1:]), who, prop=prop, still=True))


def _company(name: str, figures: int) -> Tell:
    """Each figure is shown alone first; then they come together and apart by chance."""

    def tell(rng: random.Random, count: int) -> ToldStory:
        story = sample_story(rng, figures=figures)
        everybody = list(range(figures))
        groups = [[who] for who in everybody] + [everybody]
        while len(groups) < count:
            groups.append(sorted(rng.sample(everybody, rng.randint(1, figures)), key=lambda _: rng.random()))
        return _told(name, story, [_cut(rng, story, rng.choice(story.settings), who) for who in groups[:count]])

    return tell


def _return_to_place(rng: random.Random, count: int) -> ToldStory:
    """Begins in one place, goes elsewhere, and ends where it began."""
    story = sample_story(rng, figures=1)
    away = [rng.choice(story.settings[1:]) for _ in range(count - 2)]
    places: Sequence[Setting] = [story.settings[0], *away, story.settings[0]]
    return _told("return to a place", story, [_cut(rng, story, place, [0]) for place in places])


def _continuing(rng: random.Random, count: int) -> ToldStory:
    """Pairs of shots: a cut, then the same performance going on, joined by MI2V or MM2V."""
    story = sample_story(rng, figures=rng.randint(1, 2))
    shots: list[StoryShot] = []
    while len(shots) < count:
        first = _cut(rng, story, rng.choice(story.settings), list(range(len(story.figures))), still=True)
        shots.append(first)
        if len(shots) < count:
            shots.append(StoryShot(gone_on(first.script), rng.choice((MI2V, MM2V))))
    return _told("continuing", story, shots)


def gone_on(script: ShotScript) -> ShotScript:
    """The same shot a moment later: everybody stands where the last frame left them."""
    seconds = (FRAMES - 1) / FPS
    parts = tuple(
        replace(
            part,
            x=place_at(script, part, seconds),
            phase=phase_after(part.action, seconds, part.phase),
        )
        for part in script.performances
    )
    return replace(script, performances=parts)


def _cut(
    rng: random.Random, story: WorldStory, setting: Setting, subjects: Sequence[int], still: bool = False
) -> StoryShot:
    return StoryShot(stage_shot(rng, story, setting, subjects, still=still))


def _told(form: str, story: WorldStory, shots: Sequence[StoryShot]) -> ToldStory:
    return ToldStory(form, story, tuple(shots))


Tell = Callable[[random.Random, int], ToldStory]
FORMS: dict[str, Tell] = {
    "main subject": _main_subject,
    "insert and recall": _insert_and_recall,
    "two subjects": _company("two subjects", 2),
    "three subjects": _company("three subjects", 3),
    "return to a place": _return_to_place,
    "continuing": _continuing,
}
EVERY_FORM: dict[str, Tell] = {**FORMS, "long absence": _long_absence}
"""Those of training, and those that are only asked for by name."""
