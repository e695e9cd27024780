"""From an outline to shots: beats are played by the cast, captions are written, nobody is described twice.

Knows the grammar and the captions; nothing of loglines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from filmagent.agents.offline.beats import Beat, beats_of, doing, without_helper
from filmagent.agents.offline.captions import VARIANTS, Picture, Seen, say_deed, write_caption
from filmagent.agents.offline.casting import Actor
from filmagent.agents.offline.choice import pick
from filmagent.agents.offline.outline import Outline, SceneOutline
from filmagent.schemas.story import Shot


@dataclass
class _Told:
    """What the shots so far have said."""

    described: set[str] = field(default_factory=set)
    """Ids of the subjects whose appearance was spelled out."""
    captions: set[str] = field(default_factory=set)


def tell(outline: Outline) -> tuple[Shot, ...]:
    """Return the shots of an outline. No two captions are the same, unless every way of saying one is used up."""
    told = _Told()
    shots: list[Shot] = []
    for scene in outline.scenes:
        for beat in beats_of(scene.kind, scene.shots):
            played = beat if scene.helper is not None else without_helper(beat)
            if outline.activity:
                played = doing(scene.kind, played, outline.activity)
            shots.append(_shot(f"shot-{len(shots) + 1:02d}", outline, scene, played, told))
    return tuple(shots)


def _shot(shot_id: str, outline: Outline, scene: SceneOutline, beat: Beat, told: _Told) -> Shot:
    actors = [outline.cast.hero if role == "hero" else scene.helper or outline.cast.hero for role in beat.roles]
    ways = _wordings(shot_id, outline, scene, beat, actors, told)
    first = next(ways)
    caption, action = next((way for way in chain((first,), ways) if way[0] not in told.captions), first)
    seen = [actor.subject.id for actor in actors]
    told.captions.add(caption)
    told.described.update(seen)
    if outline.thing is not None and beat.shows_thing:
        seen.append(outline.thing.id)
    return Shot(id=shot_id, scene=scene.number, caption=caption, subjects=tuple(seen), shot_size=beat.size,
                camera=beat.camera, action=action)


def _wordings(shot_id: str, outline: Outline, scene: SceneOutline, beat: Beat, actors: list[Actor],
              told: _Told) -> Iterator[tuple[str, str]]:
    """Yield caption and main action in every way there is, beginning with the one that the key chooses."""
    thing = outline.thing.name if outline.thing is not None else ""
    start = pick(range(VARIANTS), outline.key, shot_id)
    for step in range(VARIANTS):
        phrases = pick(beat.deeds, outline.key, shot_id, step).phrases
        said = [say_deed(phrase, actor.gait, path=scene.place.path, thing=thing)
                for phrase, actor in zip(phrases, actors, strict=True)]
        seen = tuple(_seen(actor, words, told) for actor, words in zip(actors, said, strict=True))
        picture = Picture(beat.size, beat.camera, scene.place, scene.time, seen, outline.weather)
        yield write_caption(picture, (start + step) % VARIANTS), said[0]


def _seen(actor: Actor, deed: str, told: _Told) -> Seen:
    subject = actor.subject
    return Seen(subject.name, deed, "" if subject.id in told.described else subject.appearance)
