"""Whole stories of 4 to 16 shots in the forms that the papers test memory with. Draws nothing.

Main subject throughout; insert and recall (something unrelated for 1 to 4 shots, then back: OneStory's and Memento's
test); two and three subjects who come apart and together; the return to an earlier place; continuing shots (StoryMem's
MI2V and MM2V).
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
    if name not in FORMS:
        raise ValueError(f"there is no story form {name!r}; there are {', '.join(sorted(FORMS))}")
    count = rng.randint(LEAST_SHOTS, MOST_SHOTS) if shots is None else shots
    if not LEAST_SHOTS <= count <= MOST_SHOTS:
        raise ValueError(f"a story has {LEAST_SHOTS} to {MOST_SHOTS} shots, not {count}")
    return FORMS[name](rng, count)


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
            who = [1] if rng.random() < 0.6 else []
            prop = None if who else story.prop
            shots.append(StoryShot(stage_shot(rng, story, rng.choice(story.settings[1:]), who, prop=prop, still=True)))
    return _told("insert and recall", story, shots)


def _company(name: str, figures: int) -> Callable[[random.Random, int], ToldStory]:
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


FORMS: dict[str, Callable[[random.Random, int], ToldStory]] = {
    "main subject": _main_subject,
    "insert and recall": _insert_and_recall,
    "two subjects": _company("two subjects", 2),
    "three subjects": _company("three subjects", 3),
    "return to a place": _return_to_place,
    "continuing": _continuing,
}
