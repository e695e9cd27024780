"""What the vision LLM is asked and in what shape it answers: a check, burned-in text, and Memento's three stages.

The stages follow section 3.1 of Wei et al., "Memento" (arXiv 2606.14667), said in our own words: a story caption with
an inventory of fixed names; a caption for every shot that keeps to those names; a caption for every target. Every
field is required and nothing is a free-form map, as strict structured output wants it. Knows no films and no servers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from filmagent.agents.drafts import Draft
from filmagent.training.sequences.record import SequenceSubject

SCALE = 1000
"""Boxes are asked for in thousandths of the picture, the unit that most vision models are trained with."""


class ColourSeen(Draft):
    """The answer to the check."""

    colour: Literal["red", "green", "blue", "other"]


class ShotText(Draft):
    """Whether one shot carries text that was laid over the picture."""

    shot: int
    seen: str
    """What is read or seen, in a few words."""
    overlaid: bool


class TextSeen(Draft):
    """One answer for every shot."""

    shots: list[ShotText]


class SubjectSeen(Draft):
    """One subject of the inventory."""

    label: str
    looks: str
    shots: list[int]


class StorySeen(Draft):
    """Stage 1."""

    subjects: list[SubjectSeen]
    story: str


class BoxSeen(Draft):
    """A subject in a picture, in thousandths of its width and height."""

    picture: int
    subject: str
    left: int
    top: int
    right: int
    bottom: int


class ShotSeen(Draft):
    """Stage 2."""

    boxes: list[BoxSeen]
    caption: str


class TargetSeen(Draft):
    """Stage 3."""

    is_this_subject: bool
    caption: str


CHECK = "Look at the picture. Which colour fills it?"

TEXT = """\
You look for text that was laid over film shots afterwards: subtitles, captions, titles, credits, watermarks, channel
logos. Text that belongs to the filmed world (a shop sign, a letter, a newspaper) does not count. For every shot, write
in a few words what you see of it, then decide. Answer for every shot, with its number, exactly once."""

_NAMES = """\
Names
- Every subject has one fixed label in square brackets: [Person A], [Animal B], [Object C]. One alphabet serves all
  kinds, so no letter is used twice.
- Never use he, she, it, they or any other third-person pronoun, not even its, their or itself: repeat the label.
- Write in English and in the present tense."""

STORY = f"""\
You describe a sequence of film shots for training a video model that must keep its subjects the same. The pictures are
two frames of every shot, in order.

{_NAMES}

Inventory
- List the few people, animals and objects that matter and are seen in at least two shots; at most six. List the shots,
  by number, in which each is seen. Leave the list empty when nothing recurs.
- looks: what a stranger would recognise the subject by whenever it is seen: age, build, hair, clothing, colours,
  material. One phrase without brackets, no actions, no places.

Story
- What happens over the whole sequence, where, and in which light and mood, in two to six sentences that use the labels.
"""

SHOT = f"""\
You describe one film shot for training a video model. The pictures are frames of that one shot, in order.

{_NAMES}

Boxes
- In every picture, draw a box around every subject of the inventory that can be seen, as tight as you can, in
  thousandths of the picture: 0 is its left or top edge, {SCALE} its right or bottom edge. At most one box a subject and
  picture. A subject that cannot be seen has no box.

Caption
- One to four sentences that a stranger understands who sees no other shot: who does what, the place, the light, the
  shot size and the camera.
- Name every subject that has a box, by its label and nothing else, and no other subject of the inventory. Do not
  describe the looks of a subject of the inventory: they are known.
- Never mention pictures, frames or other shots.
"""

TARGET = f"""\
You describe one subject in one film frame for training a model to draw that subject from memory. The first picture is
the frame, the second is what a box around the subject holds.

{_NAMES}

- is_this_subject: whether the second picture really shows this subject, as the inventory describes it, well enough to
  recognise it.
- caption: begin with the label, then what can be seen of the subject here: looks, posture, which side is seen. One or
  two sentences. Keep to what the inventory says of its looks. Name nobody else of the inventory.
"""


def text_order(shots: Sequence[int], pictures: int) -> str:
    """Return the question about text in some shots, each shown with so many pictures in a row."""
    listed = "\n".join(f"Shot {shot}: pictures {place * pictures + 1} to {(place + 1) * pictures}"
                       for place, shot in enumerate(shots))
    return f"{listed}\n\nWhich of these shots carry overlaid text?"


def story_order(shots: int) -> str:
    """Return the question of stage 1."""
    listed = "\n".join(f"Shot {shot + 1}: pictures {2 * shot + 1} and {2 * shot + 2}" for shot in range(shots))
    return f"{listed}\n\nGive the inventory, then the story of the sequence."


def shot_order(story: str, subjects: Sequence[SequenceSubject], number: int, of: int, pictures: int) -> str:
    """Return the question of stage 2 about one shot."""
    return (f"The whole sequence: {story}\n\n{inventory(subjects)}\n\nThis is shot {number} of {of}, in {pictures} "
            "pictures. Give the boxes, then the caption.")


def target_order(story: str, subjects: Sequence[SequenceSubject], label: str) -> str:
    """Return the question of stage 3 about one frame."""
    return f"The whole sequence: {story}\n\n{inventory(subjects)}\n\nDescribe {label} in this frame."


def inventory(subjects: Sequence[SequenceSubject]) -> str:
    """Return the inventory as a list."""
    return "Inventory\n" + "\n".join(f"- {subject.label}: {subject.looks}" for subject in subjects)


def mend_order(reasons: Sequence[str]) -> str:
    """Return what is said when an answer breaks the rules."""
    return ("This cannot be used yet:\n" + "\n".join(f"- {reason}" for reason in reasons)
            + "\nAnswer again in full, with this mended.")
