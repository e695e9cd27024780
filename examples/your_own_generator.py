"""Bring your own generator: one class with four members, and any picture source can film for filmagent.

This one paints a sunset whose sun rises with the seed. From the command line:

    PYTHONPATH=. python -m filmagent "a long evening" --generator examples.your_own_generator:sunset --memory none
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from filmagent import make_film
from filmagent.errors import GenerationCancelledError
from filmagent.generation.port import Capabilities, FrameSize, GeneratedShot, GenerationRequest, ShotPrompt
from filmagent.schemas import ModelUse, Shot, Story
from filmagent.settings import Settings


class Sunset:
    """Paints the same sunset for every caption."""

    capabilities = Capabilities(
        name="sunset",
        links=frozenset({"scene_cut"}),  # the director will plan cuts only, and say so
        native_size=FrameSize(160, 96),
        size_multiple=16,
        max_pixels=1920 * 1088,
        frames=16,
        fps=8,
        max_memory=0,
        models=(ModelUse(name="sunset", revision="1", licence="Apache-2.0", role="generator"),),
    )
    fingerprint: Mapping[str, str | int | float] = {"painter": "sunset", "revision": 1}
    """Whatever changes the pictures belongs here: takes are kept under a hash of it."""

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        """Say what cannot be done as asked: it is shown to people and written to the manifest."""
        return ShotPrompt(shot.caption, notes=("every shot is played by a sunset",))

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Paint the frames, reporting every one as a step."""
        rows, columns = np.mgrid[0 : request.size.height, 0 : request.size.width]
        frames = np.empty((request.frames, request.size.height, request.size.width, 3), np.uint8)
        for index in range(request.frames):
            if request.cancelled():
                raise GenerationCancelledError("the sunset was stopped; resume goes on")
            middle = request.size.height * (0.35 + 0.02 * index + 0.001 * (request.seed % 97))
            sun = np.exp(-((rows - middle) ** 2 + (columns - request.size.width / 2) ** 2) / 180)
            sky = rows / request.size.height
            frames[index] = np.stack([120 + 90 * sky + 60 * sun, 70 + 60 * sky + 110 * sun, 130 - 70 * sky], -1).clip(
                0, 255
            )
            request.on_step(index + 1, request.frames)
        return GeneratedShot(frames)


def sunset(*, steps: int | None = None, guidance: float | None = None) -> Sunset:
    """Make the generator; what `--generator examples.your_own_generator:sunset` calls."""
    return Sunset()


def main(out: str = "runs/sunset") -> Path:
    """Make a film of sunsets."""
    settings = Settings(generator="examples.your_own_generator:sunset", memory="none", shots=3)
    return make_film("a long evening by the sea", out=out, settings=settings).film_path


if __name__ == "__main__":
    print(main())
