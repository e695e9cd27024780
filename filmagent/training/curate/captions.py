"""Memento's three caption stages over the clips of one sequence: story, shots, targets.

Stage 1 sees two frames of every clip and fixes the inventory; stage 2 captions every clip with those names and draws
boxes; stage 3 looks at the frames in which a subject is largest, confirms that it is the subject, and captions them.
Captions pass the same validator as a writer's. Source: Wei et al., "Memento" (arXiv 2606.14667), section 3.1.

Who is where comes from the vision LLM's boxes in a few keyframes and not from ByteTrack, which the paper uses: a
tracker needs a detector with weights of its own, knows no names, and loses everybody at every cut, while the boxes
come with the caption's question and bear the inventory's names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from filmagent.agents.validator import check_shot
from filmagent.schemas.story import Scene, Shot, Story
from filmagent.training.curate.answers import KeptAnswers, Turn
from filmagent.training.curate.asking import GivenUpError, ask_until_right, in_parallel
from filmagent.training.curate.clips import ClipFile
from filmagent.training.curate.questions import (
    SCALE,
    SHOT,
    STORY,
    TARGET,
    BoxSeen,
    ShotSeen,
    StorySeen,
    TargetSeen,
    shot_order,
    story_order,
    target_order,
)
from filmagent.training.sequences.record import LABEL_PATTERN, Box, SequenceSubject, Sighting, Target

TARGETS = 2
"""Targets of a subject: Memento takes the two frames in which it is largest."""
MOST_LOOKED_AT = 4
"""Frames of a subject that stage 3 may look at to find them."""
SMALLEST_TARGET = 0.01
"""Share of the picture that a subject must fill to be a target."""

_BRACKETS = re.compile(r"\[[^\[\]]*\]")


@dataclass(frozen=True)
class Inventory:
    """Stage 1."""

    story: str
    subjects: tuple[SequenceSubject, ...]


@dataclass(frozen=True)
class ShotCaption:
    """Stage 2, for one clip."""

    caption: str
    sightings: tuple[Sighting, ...]

    @property
    def seen(self) -> frozenset[str]:
        """Labels of who has a box."""
        return frozenset(sighting.subject for sighting in self.sightings)


def caption_story(answers: KeptAnswers, clips: Sequence[ClipFile]) -> Inventory:
    """Stage 1: the story caption and the inventory, which is empty when nothing recurs.

    Raises:
        GivenUpError: there is no usable answer.
        LLMError: server, key or model are at fault.
    """
    pictures = tuple(clip.picture(frame) for clip in clips for frame in (clip.keyframes[0], clip.keyframes[-1]))
    turns = [Turn("system", STORY), Turn("user", story_order(len(clips)), pictures)]
    said = ask_until_right(answers, turns, StorySeen, lambda seen: _story_problems(seen, len(clips)))
    return Inventory(said.story.strip(), _subjects(said))


def caption_shots(
    answers: KeptAnswers, inventory: Inventory, clips: Sequence[ClipFile], workers: int,
    on_clip: Callable[[], None] = lambda: None,
) -> list[ShotCaption | GivenUpError]:
    """Stage 2: caption and boxes of every clip, or why there are none.

    Raises:
        LLMError: server, key or model are at fault.
    """
    def ask(numbered: tuple[int, ClipFile]) -> ShotCaption | GivenUpError:
        try:
            return _caption_shot(answers, inventory, *numbered, len(clips))
        except GivenUpError as error:
            return error

    found: list[ShotCaption | GivenUpError] = []
    for caption in in_parallel(ask, enumerate(clips, start=1), workers):
        found.append(caption)
        on_clip()
    return found


def caption_targets(
    answers: KeptAnswers, inventory: Inventory, clips: Sequence[ClipFile], captions: Sequence[ShotCaption], workers: int
) -> tuple[Target, ...]:
    """Stage 3: up to two targets for every subject that is seen in at least two clips.

    Raises:
        LLMError: server, key or model are at fault.
    """
    def ask(subject: SequenceSubject) -> list[Target]:
        return _targets_of(answers, inventory, subject.label, clips, captions)

    recurring = recurring_labels(captions)
    subjects = [subject for subject in inventory.subjects if subject.label in recurring]
    return tuple(target for targets in in_parallel(ask, subjects, workers) for target in targets)


def recurring_labels(captions: Sequence[ShotCaption]) -> frozenset[str]:
    """Return the labels of who is seen in at least two clips."""
    counts = Counter(label for caption in captions for label in caption.seen)
    return frozenset(label for label, count in counts.items() if count > 1)


def target_candidates(label: str, captions: Sequence[ShotCaption]) -> list[tuple[int, Sighting]]:
    """Return (clip index, sighting) of a subject: the largest of every clip first, by size, then all others."""
    seen = [(index, sighting) for index, caption in enumerate(captions) for sighting in caption.sightings
            if sighting.subject == label and sighting.box.area >= SMALLEST_TARGET]
    by_size = sorted(seen, key=lambda one: (-one[1].box.area, one[0], one[1].frame_in_clip_16fps))
    firsts: dict[int, Sighting] = {}
    for index, sighting in by_size:
        firsts.setdefault(index, sighting)
    return [*firsts.items(), *(one for one in by_size if firsts[one[0]] is not one[1])]


def _caption_shot(
    answers: KeptAnswers, inventory: Inventory, number: int, clip: ClipFile, of: int
) -> ShotCaption:
    pictures = tuple(clip.picture(frame) for frame in clip.keyframes)
    order = shot_order(inventory.story, inventory.subjects, number, of, len(pictures))
    turns = [Turn("system", SHOT), Turn("user", order, pictures)]
    said = ask_until_right(answers, turns, ShotSeen, lambda seen: _shot_problems(seen, inventory, len(pictures)))
    sightings = tuple(Sighting(subject=box.subject, frame_in_clip_16fps=clip.keyframes[box.picture - 1], box=_box(box))
                      for box in said.boxes)
    return ShotCaption(said.caption.strip(), sightings)


def _targets_of(
    answers: KeptAnswers, inventory: Inventory, label: str, clips: Sequence[ClipFile], captions: Sequence[ShotCaption]
) -> list[Target]:
    targets: list[Target] = []
    for index, seen in target_candidates(label, captions)[:MOST_LOOKED_AT]:
        clip, frame = clips[index], seen.frame_in_clip_16fps
        turns = [Turn("system", TARGET), Turn("user", target_order(inventory.story, inventory.subjects, label),
                                              (clip.picture(frame), clip.picture(frame, seen.box)))]
        try:
            said = ask_until_right(answers, turns, TargetSeen, lambda one: _target_problems(one, inventory, label))
        except GivenUpError:
            continue
        if said.is_this_subject:
            targets.append(Target(subject=label, clip_index=index, frame_in_clip_16fps=frame, box=seen.box,
                                  caption=said.caption.strip()))
        if len(targets) == TARGETS:
            break
    return targets


def _subjects(said: StorySeen) -> tuple[SequenceSubject, ...]:
    return tuple(SequenceSubject(label=one.label, looks=one.looks.strip().rstrip(".;")) for one in said.subjects)


def _story_problems(said: StorySeen, shots: int) -> list[str]:
    labels = [one.label for one in said.subjects]
    problems = [f"{label!r} is no label like [Person A], [Animal B] or [Object C]" for label in labels
                if not re.fullmatch(LABEL_PATTERN, label)]
    letters = Counter(label.strip("[]").split(" ")[-1] for label in labels)
    problems += [f"letter {letter} is used {count} times" for letter, count in letters.items() if count > 1]
    for one in said.subjects:
        if not one.looks.strip(".; ") or _BRACKETS.search(one.looks) or "caption:" in one.looks.lower():
            problems.append(f"{one.label}: looks must be one plain phrase without brackets or colons")
        if len(set(one.shots)) < 2 or not set(one.shots) <= set(range(1, shots + 1)):
            problems.append(f"{one.label}: shots {one.shots} must be at least two of 1 to {shots}")
    if not said.story.strip():
        problems.append("the story is empty")
    if not problems:
        problems += _breaks(said.story, _subjects(said), frozenset(labels), {"pronoun", "language"})
    return problems


def _shot_problems(said: ShotSeen, inventory: Inventory, pictures: int) -> list[str]:
    known = {subject.label for subject in inventory.subjects}
    problems: list[str] = []
    for box in said.boxes:
        where = f"the box of {box.subject} in picture {box.picture}"
        if box.subject not in known:
            problems.append(f"{where}: {box.subject!r} is not in the inventory: {', '.join(sorted(known))}")
        if not 1 <= box.picture <= pictures:
            problems.append(f"{where}: there are pictures 1 to {pictures}")
        try:
            _box(box)
        except ValidationError:
            problems.append(f"{where}: left {box.left}, top {box.top}, right {box.right}, bottom {box.bottom} is no "
                            f"rectangle within 0 to {SCALE}")
    twice = [key for key, count in Counter((box.subject, box.picture) for box in said.boxes).items() if count > 1]
    problems += [f"{subject} has more than one box in picture {picture}" for subject, picture in twice]
    if not said.caption.strip():
        problems.append("the caption is empty")
    if not problems:
        seen = frozenset(box.subject for box in said.boxes)
        problems += _breaks(said.caption, inventory.subjects, seen,
                            {"pronoun", "language", "missing_name", "unlisted_name", "other_shot", "length"})
    return problems


def _target_problems(said: TargetSeen, inventory: Inventory, label: str) -> list[str]:
    if not said.is_this_subject:
        return []
    if not said.caption.strip().startswith(label):
        return [f"the caption must begin with {label}"]
    return _breaks(said.caption, inventory.subjects, frozenset({label}), {"pronoun", "language", "unlisted_name"})


def _breaks(
    text: str, subjects: Sequence[SequenceSubject], seen: frozenset[str], rules: set[str]
) -> list[str]:
    """Return which of the writer's rules a text breaks, and the labels in it that nobody bears."""
    ids = {subject.label: subject.id for subject in subjects}
    unknown = [label for label in dict.fromkeys(_BRACKETS.findall(text)) if label not in ids]
    problems = [f"{label} is not in the inventory" for label in unknown]
    shot = Shot(id="shot", scene=1, caption=text, subjects=tuple(ids[label] for label in sorted(seen)))
    story = Story(title="sequence", scenes=(Scene(number=1),), shots=(shot,),
                  subjects=tuple(subject.subject for subject in subjects))
    return problems + [finding.message for finding in check_shot(story, shot) if finding.rule in rules]


def _box(box: BoxSeen) -> Box:
    return Box(left=box.left / SCALE, top=box.top / SCALE, right=box.right / SCALE, bottom=box.bottom / SCALE)
