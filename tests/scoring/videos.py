"""Small videos whose faults are known, and a model whose pictures say in words what they show."""

from __future__ import annotations

import re

import numpy as np

from filmagent.schemas import Link, Scene, Shot, ShotPlan, Story, Subject
from filmagent.scoring.port import ScoringContext

MARLOW = Subject(id="marlow", name="Marlow the cat", kind="animal", appearance="an orange cat with a blue scarf")
REX = Subject(id="rex", name="Rex", kind="animal", appearance="a small brown dog")
NOVA = Subject(id="nova", name="Nova the astronaut", kind="person", appearance="an astronaut in a white suit")
FOREST = Subject(id="forest", name="the forest", kind="place")
STORY = Story(title="Home", subjects=(MARLOW, REX, NOVA, FOREST), scenes=(Scene(number=1, place="forest"),),
              shots=(Shot(id="one", scene=1, caption="Marlow walks.", subjects=("marlow",)),
                     Shot(id="two", scene=1, caption="Marlow meets Rex.", subjects=("marlow", "rex")),
                     Shot(id="three", scene=1, caption="Nova waves.", subjects=("nova",))))
ONE, TWO, THREE = STORY.shots


def context(prompt: str = "the cat walks in the forest", **more) -> ScoringContext:
    plan = ShotPlan(shot="one", link=Link(kind="scene_cut"))
    return ScoringContext(story=STORY, plan=plan, prompt=prompt, **more)


def noise(seed: int = 0, height: int = 48, width: int = 80) -> np.ndarray:
    """A picture with structure: a coarse random pattern, enlarged."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def constant(value: int = 128, frames: int = 9) -> np.ndarray:
    return np.full((frames, 48, 80, 3), value, np.uint8)


def moving(frames: int = 9, step: int = 3, seed: int = 0) -> np.ndarray:
    """A square that slides over a patterned ground."""
    video = np.stack([noise(seed)] * frames)
    for index in range(frames):
        video[index, 16:32, 4 + step * index:20 + step * index] = (250, 120, 20)
    return video


WORDS = ("white", "black", "orange", "brown", "blue", "red", "cat", "dog", "robot", "scarf", "forest", "beach", "city")
GLUE = {"a", "an", "the", "with", "in"}


def picture_of(*words: str, frames: int = 0) -> np.ndarray:
    """A picture (or a video of it) with one bright column for every word that is true of it."""
    picture = np.full((8, len(WORDS), 3), 20, np.uint8)
    for word in words:
        picture[:, WORDS.index(word)] = 255
    return np.stack([picture] * frames) if frames else picture


class WordFeatures:
    """Reads the words back: pictures and sentences with the same words are alike."""

    revision = "words"
    logit_scale = 30.0

    def load(self):
        pass

    def embed(self, images):
        return self._unit([(image.mean(axis=(0, 2)) > 100).astype(np.float32) for image in images])

    def embed_text(self, texts):
        return self._unit([[float(word in re.findall("[a-z]+", text)) for word in WORDS] for text in texts])

    def knows(self, text):
        return set(text.split()) <= {*WORDS, *GLUE}

    def _unit(self, rows):
        rows = np.array(rows, np.float32).reshape(-1, len(WORDS)) + 1e-3
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
