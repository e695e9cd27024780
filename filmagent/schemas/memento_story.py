"""Memento's prompts and story scripts: `global caption: [Person A]: looks; shot caption: [Person A] does this.`

The global part says who is in the shot and what they look like, the shot part what happens; everybody goes by a fixed
label in brackets, and nobody by a pronoun. A script is a StoryMem script with such prompts and `reconstruct_target`:
one `[Label] looks` a line. Source: Wei et al., "Memento" (arXiv 2606.14667), and the format of its published stories.
Pure; knows no file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from filmagent.schemas.story import LinkKind, Shot, Story, Subject, SubjectKind

_PROMPT = re.compile(r"\s*global caption:(?P<overall>.*?);?\s*shot caption:(?P<shot>.*)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"\[[^\[\]]+\]")
_LOOKS = re.compile(r"(?P<label>\[[^\[\]]+\])\s*:\s*(?P<looks>.*?)\s*(?=,\s*\[[^\[\]]+\]\s*:|$)", re.DOTALL)
_TARGET = re.compile(r"\s*(?P<label>\[[^\[\]]+\])\s*:?\s*(?P<looks>.+)")
_KINDS: Mapping[str, SubjectKind] = {"person": "person", "group": "person", "animal": "animal"}
_WORDS: Mapping[SubjectKind, str] = {"person": "Person", "animal": "Animal", "object": "Object"}


@dataclass(frozen=True)
class TwoPartPrompt:
    """A prompt in Memento's two parts."""

    overall: str
    """Who is in the shot and what they look like; may be empty."""
    shot: str
    """What happens."""


def split_prompt(prompt: str) -> TwoPartPrompt | None:
    """Return the two parts of a prompt; None when it is not written so."""
    found = _PROMPT.fullmatch(prompt)
    return None if found is None else TwoPartPrompt(found["overall"].strip().rstrip(";").strip(), found["shot"].strip())


def join_prompt(overall: str, shot: str) -> str:
    """Return a prompt of two parts."""
    return f"global caption: {overall}; shot caption: {shot}"


def global_part(prompt: str) -> str:
    """Return what global queries read: the global part, or the whole of a prompt that has no parts."""
    parts = split_prompt(prompt)
    return prompt if parts is None else parts.overall


def labels(story: Story) -> dict[str, str]:
    """Return subject id -> label for everybody but places: `[Person A]`, `[Animal B]`, one alphabet for all kinds.

    A name that is a label already is kept.
    """
    named: dict[str, str] = {}
    taken = {subject.name for subject in story.subjects}
    letters = (f"{first}{second}" for first in ("", *ascii_uppercase) for second in ascii_uppercase)
    for subject in story.subjects:
        if subject.kind == "place":
            continue
        if _LABEL.fullmatch(subject.name):
            named[subject.id] = subject.name
            continue
        words = (f"[{_WORDS[subject.kind]} {letter}]" for letter in letters)
        named[subject.id] = next(word for word in words if word not in taken)
    return named


def looks(subject: Subject) -> str:
    """Return what tells a subject from others: its appearance, else its name; empty for a bare label."""
    return subject.appearance or ("" if _LABEL.fullmatch(subject.name) else subject.name)


def with_labels(story: Story, text: str) -> str:
    """Replace the subjects' names in a text by their labels, longest names first; text without names stays."""
    named = labels(story)
    for subject in sorted(story.subjects, key=lambda subject: -len(subject.name)):
        if subject.id in named:
            text = re.sub(rf"(?<!\w){re.escape(subject.name)}(?!\w)", named[subject.id], text, flags=re.IGNORECASE)
    return text


def global_caption(story: Story, shot: Shot) -> str:
    """Return the global part of a shot's prompt: the label and looks of everybody in frame."""
    named = labels(story)
    seen = [(named[key], looks(story.subject(key))) for key in shot.subjects]
    return ", ".join(f"{label}: {look}" for label, look in seen if look)


def subjects_of_prompts(prompts: Sequence[str], targets: str) -> tuple[Subject, ...]:
    """Return the subjects that a script names, in the order of their appearance.

    Args:
        prompts: of all shots.
        targets: the script's `reconstruct_target`; what it says of somebody's looks goes before what prompts say.
    """
    known: dict[str, tuple[str, str]] = {}
    for prompt in prompts:
        parts = split_prompt(prompt)
        for found in _LOOKS.finditer("" if parts is None else parts.overall):
            known.setdefault(_id(found["label"]), (found["label"], found["looks"]))
    for line in targets.splitlines():
        if (stated := _TARGET.fullmatch(line)) is not None:
            label, _ = known.get(_id(stated["label"]), (stated["label"], ""))
            known[_id(label)] = (label, stated["looks"].strip())
    return tuple(Subject(id=key, name=label, kind=_kind(label), appearance=look)
                 for key, (label, look) in known.items())


def subjects_of_prompt(prompt: str, subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Return the ids of the subjects whose labels a prompt holds, in either part."""
    said = {_id(label) for label in _LABEL.findall(prompt)}
    return tuple(subject.id for subject in subjects if subject.id in said)


def memento_script(story: Story, links: Mapping[str, LinkKind]) -> dict[str, Any]:
    """Return a story as a Memento script; captions that are in two parts already stay word for word.

    Args:
        story: what to write.
        links: shot id -> link; `scene_cut` becomes `cut: true`, a join `cut: false`.

    Raises:
        KeyError: a shot has no link.
    """
    named = labels(story)
    targets = [f"{named[subject.id]} {looks(subject)}" for subject in story.subjects
               if subject.id in named and looks(subject)]
    scenes: list[dict[str, Any]] = []
    for scene in story.scenes:
        shots = [shot for shot in story.shots if shot.scene == scene.number]
        if shots:
            scenes.append({"scene_num": len(scenes) + 1, "video_prompts": [_prompt_of(story, shot) for shot in shots],
                           "cut": [links[shot.id] == "scene_cut" for shot in shots]})
    return {"story_name": story.title, "story_overview": story.overview, "reconstruct_target": "\n".join(targets),
            "scenes": scenes}


def _prompt_of(story: Story, shot: Shot) -> str:
    if split_prompt(shot.caption) is not None:
        return shot.caption
    return join_prompt(global_caption(story, shot), with_labels(story, shot.caption))


def _id(label: str) -> str:
    """Return the subject's id: one for all spellings in upper and lower case, and for any script of the world."""
    word = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "subject"
    return word if label.isascii() else f"{word}-{hashlib.sha256(label.lower().encode()).hexdigest()[:6]}"


def _kind(label: str) -> SubjectKind:
    return _KINDS.get(label.strip("[] ").split(" ")[0].lower(), "object")
