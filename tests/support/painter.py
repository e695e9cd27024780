"""A generator whose pictures say in words what they show, and a model that reads the words back.

Shots are painted by the caption; a portrait shows what memory shows, unless the painter forgets. So everything around
reconstructions can be tested with a measure that really measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from filmagent.generation.port import Capabilities, FrameSize, GeneratedShot, GenerationRequest
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import SEAM_FRAMES
from tests.scoring.videos import WORDS, WordFeatures, picture_of
from tests.support.toy_generator import CAPABILITIES, ToyGenerator
from tests.support.toy_studio import ScriptedScorer

SCALE = 16


class Reader(WordFeatures):
    """Reads enlarged word pictures."""

    def uses(self):
        return ()

    def embed(self, images):
        return super().embed([_columns(image) for image in images])


@dataclass
class Painter(ToyGenerator):
    """Paints word pictures."""

    shots: Callable[[str], tuple[str, ...]] = lambda prompt: ("orange", "cat", "blue", "scarf")
    """Prompt of a shot -> what its frames show."""
    forgets: tuple[str, ...] = ()
    """What portraits show instead of what memory shows."""
    can: Capabilities = field(default_factory=lambda: replace(
        CAPABILITIES, name="painter", native_size=FrameSize(SCALE * 13, SCALE * 8)))

    @property
    def capabilities(self) -> Capabilities:
        return self.can

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        super().generate(request)
        words = self.shots(request.prompt)
        if request.frames == 1:
            rows = [_columns(image).mean(axis=(0, 2)) > 100 for image in request.memory]
            told = np.any(rows, axis=0) if rows else np.zeros(len(WORDS), bool)
            words = self.forgets or tuple(word for word, shown in zip(WORDS, told, strict=True) if shown)
        picture = picture_of(*words).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        return GeneratedShot(np.stack([picture] * (request.frames - SEAM_FRAMES[request.link])))


def _columns(image: np.ndarray) -> np.ndarray:
    """Return the middle of every word's column, of a picture of any size."""
    return image[:, ((np.arange(len(WORDS)) + 0.5) * image.shape[1] / len(WORDS)).astype(int)]


def painters_studio(painter: Painter) -> Studio:
    """Return a studio around a painter."""
    return Studio(
        make_generator=lambda settings: painter, make_llm=lambda settings: None,
        make_features=lambda name: Reader(), make_scorers=lambda features: (ScriptedScorer(),),
    )
