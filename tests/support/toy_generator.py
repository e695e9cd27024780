"""A real generator without a model: it paints squares from a hash of the request, in a millisecond.

Equal requests give equal frames, joins continue their seam, memory tints the square: enough to test everything
around a generator honestly. Every call is counted, also across processes when a log file is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from filmagent.errors import GenerationCancelledError
from filmagent.generation.port import (
    Capabilities,
    FrameSize,
    GeneratedShot,
    GenerationRequest,
    ShotPrompt,
)
from filmagent.schemas.story import SEAM_FRAMES, Shot, Story
from filmagent.schemas.take import ModelUse

STEPS = 3
CAPABILITIES = Capabilities(
    name="toy", links=frozenset({"scene_cut", "MI2V", "MM2V"}), native_size=FrameSize(64, 48), size_multiple=16,
    max_pixels=256 * 256, frames=13, fps=8, max_memory=5,
    models=(ModelUse(name="toy", revision="1", licence="Apache-2.0", role="generator"),),
)


@dataclass
class ToyGenerator:
    """Paints; `log` remembers every call, `before_step` may misbehave on purpose."""

    log: Path | None = None
    before_step: Callable[[GenerationRequest, int], None] = lambda request, step: None
    requests: list[GenerationRequest] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        return {"model": "toy", "steps": STEPS}

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        return ShotPrompt(shot.caption)

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        self.requests.append(request)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{request.prompt}\n")
        for step in range(STEPS):
            self.before_step(request, step)
            if request.cancelled():
                raise GenerationCancelledError("the shot was stopped; `filmagent resume` goes on")
            request.on_step(step + 1, STEPS)
        return GeneratedShot(_paint(request)[SEAM_FRAMES[request.link]:], {"paint": 0.001})


def _paint(request: GenerationRequest) -> np.ndarray:
    digest = hashlib.sha256(f"{request.prompt}|{request.seed}".encode()).digest()
    width, height = request.size.width, request.size.height
    background = np.array([60 + byte // 2 for byte in digest[:3]], np.float32)
    square = np.array([255 - byte // 2 for byte in digest[3:6]], np.float32)
    if request.memory:
        square = np.mean([image.reshape(-1, 3).max(axis=0) for image in request.memory], axis=0)
    across = np.where(np.arange(width) // 8 % 2, 110, -60).astype(np.float32)[None, :, None]
    frames = np.empty((request.frames, height, width, 3), np.uint8)
    for index in range(request.frames):
        frame = np.broadcast_to(background + across, (height, width, 3)).copy()
        left = 4 + (index * 3 + digest[6]) % (width - 24)
        frame[height // 3 : height // 3 + 16, left : left + 16] = square
        frames[index] = frame.clip(0, 255)
    if request.seam is not None:
        known = len(request.seam)
        frames[:known] = request.seam
        for index in range(known, request.frames):  # fade from the seam, so that the join does not jump
            part = min(1.0, (index - known + 1) / 16)
            frames[index] = (request.seam[-1] * (1 - part) + frames[index] * part).astype(np.uint8)
    return frames


def toy(*, steps: int | None = None, guidance: float | None = None) -> ToyGenerator:
    """Make the toy from the command line: `--generator tests.support.toy_generator:toy`."""
    return ToyGenerator()
