"""The grammar of a story: which scenes it has, and what happens in the shots of each.

hero -> road -> trouble -> helper -> company -> what was looked for -> return. Deeds are written with the six actions
of the lexicon of characters ({walk}, {run}, {jump}, {sit}, {sleep}, {look}) and {path}, the way through a place.
Knows no names and no places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from filmagent.schemas.story import Camera, ShotSize

Role = Literal["hero", "helper"]
SceneKind = Literal["start", "road", "trouble", "meeting", "company", "rest", "find", "home"]


@dataclass(frozen=True)
class Deed:
    """What everyone in a shot does: one verb phrase for each role of the beat."""

    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Beat:
    """One shot of a scene."""

    roles: tuple[Role, ...]
    deeds: tuple[Deed, ...]
    """One is chosen."""
    size: ShotSize
    camera: Camera = "still"
    shows_thing: bool = False
    """Whether the object that is looked for is in frame; deeds then hold {thing}."""


def _alone(size: ShotSize, *phrases: str, camera: Camera = "still") -> Beat:
    return Beat(("hero",), tuple(Deed((phrase,)) for phrase in phrases), size, camera)


def _both(size: ShotSize, *pairs: tuple[str, str], camera: Camera = "still") -> Beat:
    return Beat(("hero", "helper"), tuple(Deed(pair) for pair in pairs), size, camera)


BEATS: Mapping[SceneKind, tuple[Beat, Beat, Beat]] = MappingProxyType({
    "start": (
        _alone("wide", "{look}", "{sit} and {look}", "{walk} slowly {path}"),
        _alone("wide", "{walk} to the right {path}", "{walk} a few steps to the right"),
        _alone("close", "{look} with wide eyes", "{sit} quietly and {look}"),
    ),
    "road": (
        _alone("wide", "{walk} to the right {path}", "{walk} steadily to the right {path}", camera="pan"),
        _alone("wide", "{run} to the right {path}", "{run} further to the right"),
        _alone("medium", "{jump} with joy", "{sit_down} and {look}", "{jump} to see further"),
    ),
    "trouble": (
        _alone("medium", "{run} to the right {path}", "{run} fast to the right"),
        _alone("medium", "{jump} and {look}", "{jump} high, then {look}"),
        _alone("close", "{sit} alone, tired", "{look} with worried eyes"),
    ),
    "meeting": (
        _both("medium", ("{sit} calmly", "{walk} closer"), ("{look}", "{walk} up from the left")),
        _both("medium", ("{look}", "{sit_down} close by"), ("{sit_down}", "{look}"), ("{jump}", "{jump} too")),
        _both("medium", ("{jump} with joy", "{jump} with joy"), ("{sit} calmly", "{sit} calmly")),
    ),
    "company": (
        _both("wide", ("{walk} to the right {path}", "{walk} close behind"),
              ("{walk} ahead {path}", "{walk} behind"), camera="pan"),
        _both("wide", ("{run} to the right {path}", "{run} close behind"), ("{run} ahead", "{run} to catch up")),
        _alone("close", "{look} happily", "{sit} and {look}"),
    ),
    "rest": (
        _both("medium", ("{sit_down}", "{sit_down} too"), ("{sit} in silence", "{look}")),
        _both("medium", ("{sleep}", "{sit} awake"), ("{sleep}", "{sleep}")),
        _alone("close", "{sleep} peacefully", "{sleep}"),
    ),
    "find": (
        Beat(("hero",), (Deed(("{walk} closer to {thing}",)), Deed(("{walk} up to {thing}",))), "medium",
             shows_thing=True),
        Beat(("hero",), (Deed(("{sit} beside {thing}",)), Deed(("{jump} with joy beside {thing}",))), "medium",
             shows_thing=True),
        _alone("close", "{look} with shining eyes", "{look} happily"),
    ),
    "home": (
        _both("wide", ("{run} to the left {path}", "{run} close behind"),
              ("{walk} to the left {path}", "{walk} close behind"), camera="pan"),
        _both("wide", ("{jump} with joy", "{jump} with joy"), ("{sit_down}", "{sit_down} too")),
        _alone("close", "{sleep} peacefully", "{sit} calmly, at peace"),
    ),
})
"""Three shots for every kind of scene, in the order of the film; the second goes on where the first ends."""

_PICKS: Mapping[int, Mapping[SceneKind, tuple[int, ...]]] = MappingProxyType({
    1: {kind: (0,) for kind in BEATS},
    2: {"start": (0, 1), "road": (0, 1), "trouble": (0, 1), "meeting": (0, 1), "company": (0, 1), "rest": (0, 2),
        "find": (0, 1), "home": (0, 2)},
    3: {kind: (0, 1, 2) for kind in BEATS},
})


def beats_of(kind: SceneKind, shots: int) -> tuple[Beat, ...]:
    """Return the beats of a scene of 1 to 3 shots."""
    return tuple(BEATS[kind][index] for index in _PICKS[shots][kind])


def doing(kind: SceneKind, beat: Beat, activity: str) -> Beat:
    """Return the beat with the hero's activity, where the hero begins and ends the story alone; else the beat."""
    last_alone = BEATS["home"][2]
    if (kind, beat) in (("start", BEATS["start"][1]), ("home", last_alone)):
        return Beat(beat.roles, (Deed((activity,)),), beat.size, beat.camera)
    return beat


def without_helper(beat: Beat) -> Beat:
    """Return the beat as the hero alone plays it."""
    if "helper" not in beat.roles:
        return beat
    return Beat(("hero",), tuple(Deed(deed.phrases[:1]) for deed in beat.deeds), beat.size, beat.camera)


def shots_per_scene(shots: int) -> tuple[int, ...]:
    """Share out shots over scenes: one to three each, at least three scenes from six shots on."""
    scenes = 1 if shots == 1 else 2 if shots <= 4 else 3 if shots <= 7 else 4 if shots <= 11 else -(-shots // 3)
    return tuple(shots // scenes + (index < shots % scenes) for index in range(scenes))


def scene_kinds(scenes: int, *, companions: int, companions_wanted: bool, thing: bool) -> tuple[SceneKind, ...]:
    """Return what the scenes are about, in order.

    Args:
        scenes: how many there are.
        companions: how many characters must be met.
        companions_wanted: whether even a film of one or two scenes must show a companion.
        thing: whether an object is looked for.
    """
    if scenes == 1:
        return ("company",) if companions_wanted else ("road",)
    if scenes == 2:
        return ("company" if companions_wanted else "start", "home")
    middle = scenes - 2
    kinds: list[SceneKind] = []
    if middle >= companions + thing + 1:
        kinds.append("trouble")
    if middle >= companions + thing + 2:
        kinds.insert(0, "road")
    kinds += ["meeting"] * min(companions, max(1, middle - thing))
    filler: tuple[SceneKind, ...] = ("company", "rest", "trouble", "road")
    while len(kinds) < middle - thing:
        kinds.append(filler[len(kinds) % len(filler)])
    found: tuple[SceneKind, ...] = ("find",) if thing and middle > len(kinds) else ()
    return ("start", *kinds, *found, "home")
