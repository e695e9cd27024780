"""Says any story's shot in papercut's words: who plays whom, looking how, where, when and doing what.

Deterministic, and open about it: every stand-in and everything invented is a note. Knows no torch, no frames and
no memory; an attribute that it leaves out is left to memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from filmagent.generation.papercut.deeds import Deed, deeds_of, left_to_right, moves_by_itself
from filmagent.generation.papercut.parts import Part, acts, cast_story, nearest_prop_of, prop_notes, prop_of
from filmagent.generation.papercut.setting import camera_of, layout_of, place_of, time_of, weather_of
from filmagent.generation.papercut.vocabulary import MAX_ROLES, Caption, Role, compose, with_attributes
from filmagent.generation.port import ShotPrompt
from filmagent.schemas.story import Shot, Story, Subject

__all__ = ["Attributes", "CastCaption", "Part", "caption_of", "cast_shot", "cast_story"]

Attributes = Literal["first", "always", "never"]
"""When a caption says how somebody looks: at a subject's first shot and wherever a shot spells out its appearance
(memory keeps it otherwise), in every shot, in none."""


@dataclass(frozen=True)
class CastCaption:
    """A shot as a papercut caption, and what had to be changed for it."""

    caption: Caption
    notes: tuple[str, ...] = ()


def cast_shot(story: Story, shot: Shot, attributes: Attributes = "first") -> ShotPrompt:
    """The papercut sentence of a shot and what had to be changed for it."""
    cast = caption_of(story, shot, attributes)
    return ShotPrompt(text=compose(cast.caption), notes=cast.notes)


def caption_of(story: Story, shot: Shot, attributes: Attributes = "first") -> CastCaption:
    """The papercut caption of a shot and what had to be changed for it.

    Two subjects of the story that are played by the same kind have their looks said in every shot where `attributes`
    is not `never`: no other word tells them apart.
    """
    parts = cast_story(story)
    seen, left_out = _players(story, shot)
    things = tuple(key for key in shot.subjects if not acts(story.subject(key)))
    deeds = deeds_of(story, shot, seen, things)
    place, place_notes = place_of(story, shot)
    camera, camera_notes = camera_of(shot)
    prop, prop_notes = _on_the_ground(story, shot, things, deeds)
    notes = [*place_notes, *camera_notes, *(note for key in seen for note in parts[key].notes), *prop_notes]
    if left_out:
        names = ", ".join(story.subject(key).name for key in left_out)
        notes.append(f"only {MAX_ROLES} subjects fit a shot: {names} left out")
    kinds = [part.kind for part in parts.values()]
    roles = []
    for key in seen:
        introduced = _first_shot_of(story, key) == shot.id or _spells_out(shot, story.subject(key))
        named = attributes == "always" or introduced or kinds.count(parts[key].kind) > 1
        roles.append(_role(parts[key], deeds[key], named=named and attributes != "never"))
    caption = Caption(
        size=shot.shot_size,
        place=place,
        time=time_of(story, shot),
        weather=weather_of(story, shot, place),
        camera=camera,
        roles=tuple(roles),
        prop=prop,
        layout=layout_of(story, shot),
        placed=True,
    )
    return CastCaption(caption, tuple(notes))


def _players(story: Story, shot: Shot) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(who is drawn, from left to right; who finds no room)."""
    players = [key for key in dict.fromkeys(shot.subjects) if acts(story.subject(key))]
    return left_to_right(story, shot, players[:MAX_ROLES]), tuple(players[MAX_ROLES:])


def _role(part: Part, deed: Deed, *, named: bool) -> Role:
    role = Role(kind=part.kind, action=deed.action, direction=deed.direction, prop=deed.prop)
    return with_attributes(role, part) if named else role


def _on_the_ground(
    story: Story, shot: Shot, things: Sequence[str], deeds: Mapping[str, Deed]
) -> tuple[str | None, tuple[str, ...]]:
    """(the prop that nobody carries, notes on all things): alone in frame even what papercut has not is played."""
    carried = {deed.carried: deed.prop for deed in deeds.values() if deed.carried}
    on_ground: str | None = None
    notes: list[str] = []
    for key in dict.fromkeys(things):
        subject = story.subject(key)
        prop = carried.get(key) or prop_of(subject) or (None if deeds else nearest_prop_of(subject))
        if prop is None:
            notes.append(f"{subject.name} is not in papercut's world and is left out of the picture")
        elif key not in carried and on_ground is not None:
            notes.append(f"only one thing lies in a picture: {subject.name} left out")
        else:
            notes += prop_notes(subject, prop)
            if key not in carried:
                on_ground = prop
                notes += [f"{subject.name} lies still here"] * moves_by_itself(story, shot, key)
    return on_ground, tuple(notes)


def _spells_out(shot: Shot, subject: Subject) -> bool:
    return bool(subject.appearance) and subject.appearance.rstrip(".").lower() in shot.caption.lower()


def _first_shot_of(story: Story, key: str) -> str | None:
    return next((shot.id for shot in story.shots if key in _players(story, shot)[0]), None)
