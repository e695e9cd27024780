"""Banks of small pictures, and a story of three friends in two places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from filmagent.generation.memory.port import Keyframe
from filmagent.generation.port import Image
from filmagent.schemas import Link, Scene, Shot, ShotPlan, Story, Subject

MARLOW = Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat")
REX = Subject(id="rex", name="Rex the dog", kind="animal", appearance="a brown dog")
KEY = Subject(id="key", name="the key", kind="object")
FOREST = Subject(id="forest", name="the forest", kind="place")
BEACH = Subject(id="beach", name="the beach", kind="place")
FRIENDS = ("marlow", "rex", "key")
PLACES = ("forest", "beach")


def story_of(*shots: Shot) -> Story:
    """Scene 1 is in the forest, scene 2 on the beach."""
    scenes = (Scene(number=1, place="forest"), Scene(number=2, place="beach"))
    return Story(title="Friends", subjects=(MARLOW, REX, KEY, FOREST, BEACH), scenes=scenes, shots=shots)


def shot(number: int, *subjects: str, caption: str = "Something happens.", scene: int = 1, **more) -> Shot:
    return Shot(id=f"s{number}", scene=scene, caption=caption, subjects=subjects, **more)


STORY = story_of(shot(1, "marlow"), shot(2, "rex"), shot(3, "marlow", "rex"), shot(4, "marlow", "key"),
                 shot(5, "marlow"))


def plan(*remember: str, shot: str = "s5") -> ShotPlan:
    return ShotPlan(shot=shot, link=Link(kind="scene_cut"), remember=remember)


def picture(colour: int) -> Image:
    """One of 216 pictures: left and right half in colours of their own."""
    drawn = np.empty((12, 16, 3), np.uint8)
    drawn[:, :8] = (colour % 6 * 51, colour // 6 % 6 * 51, colour // 36 * 51)
    drawn[:, 8:] = 255 - drawn[:, :8]
    return drawn


@dataclass(frozen=True)
class SmallBank:
    """A bank in memory: keyframes with a colour each."""

    keyframes: tuple[Keyframe, ...]
    colours: Mapping[str, int] = field(default_factory=dict)
    """sha256 -> the picture's colour."""
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pool_shot: str | None = None

    def image(self, keyframe: Keyframe) -> Image:
        return picture(self.colours[keyframe.sha256])


def bank(*entries: tuple[Keyframe, int]) -> SmallBank:
    """Reference photographs first, the rest in the given order, as a real bank does."""
    ordered = sorted((keyframe for keyframe, _ in entries), key=lambda keyframe: keyframe.take is not None)
    return SmallBank(tuple(ordered), {keyframe.sha256: colour for keyframe, colour in entries})


def view(number: int, shot: str | None, colour: int = 0, *, place: str | None = None, quality: float = 0.8,
         **subjects: float) -> tuple[Keyframe, int]:
    """A keyframe with its colour; `shot=None` makes it a photograph."""
    sha256 = f"{number:064x}"
    keyframe = Keyframe(sha256=sha256, path=f"memory/{sha256[-16:]}.png", shot=shot, take=shot and "a" * 32,
                        frame=number if shot else 0, subjects=subjects, place=place, quality=quality, reason="kept")
    return keyframe, colour


def numbers(recalls) -> list[int]:
    return [int(recall.keyframe.sha256, 16) for recall in recalls]
