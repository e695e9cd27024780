"""The generator port: what a shot is made from, and what comes back.

Whoever implements `Generator` can film for filmagent: papercut, Wan2.2 with StoryMem, a vendor's service.
Knows nothing of run folders, graphs, agents or critics. Frames are uint8 RGB arrays, time first. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from filmagent.schemas.story import LinkKind, Shot, Story
from filmagent.schemas.take import ModelUse

Frames = NDArray[np.uint8]
"""RGB video, shape (frames, height, width, 3), values 0 to 255."""
Image = NDArray[np.uint8]
"""RGB picture, shape (height, width, 3), values 0 to 255."""


@dataclass(frozen=True)
class FrameSize:
    """A picture size in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Capabilities:
    """What a generator can do; read before anything expensive."""

    name: str
    links: frozenset[LinkKind]
    native_size: FrameSize
    size_multiple: int
    """Width and height must be multiples of this many pixels."""
    max_pixels: int
    """Largest width times height that is accepted."""
    frames: int
    """Native length of a generated shot, overlap frames included; of the form 4 n + 1 for Wan."""
    fps: int
    max_memory: int
    """Memory frames it was trained for."""
    models: tuple[ModelUse, ...]
    max_frames: int = 0
    """Longest shot in frames; 0: only the native length."""
    delivery_scale: int = 1
    """Whole-number enlargement of the film for watching; takes keep their native size."""


@dataclass(frozen=True)
class ShotPrompt:
    """A caption in the words that a generator understands."""

    text: str
    notes: tuple[str, ...] = ()
    """What could not be said as asked and is said instead."""


@dataclass(frozen=True)
class GenerationRequest:
    """Everything that makes one shot. Equal requests give equal frames."""

    prompt: str
    link: LinkKind
    seed: int
    size: FrameSize
    frames: int
    """Frames to generate, overlap frames included."""
    negative_prompt: str = ""
    memory: tuple[Image, ...] = ()
    """Memory frames, oldest first; any size."""
    seam: Frames | None = None
    """Last frames of the take before: none at a cut, 1 for MI2V, 5 for MM2V."""
    on_step: Callable[[int, int], None] = field(default=lambda step, steps: None, compare=False)
    """Called after every denoising step with (steps done, steps in all)."""
    cancelled: Callable[[], bool] = field(default=lambda: False, compare=False)
    """Asked after every step; True ends in `GenerationCancelledError`."""


@dataclass(frozen=True)
class GeneratedShot:
    """A finished shot, overlap frames already dropped."""

    frames: Frames
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Measured wall-clock seconds per stage, such as {"denoise": 2.1, "decode": 0.4}."""


@runtime_checkable
class Generator(Protocol):
    """Makes shots. Loads its weights on the first `generate`, never at construction."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do. Cheap: no weights are loaded."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """Everything besides the request that changes the frames: revisions, steps, guidance, adapters."""
        ...

    def translate(self, story: Story, shot: Shot) -> ShotPrompt:
        """Say a shot's caption in this generator's words. Pure and cheap."""
        ...

    def generate(self, request: GenerationRequest) -> GeneratedShot:
        """Make one shot.

        Raises:
            GenerationError: the shot cannot be made (out of memory, broken weights, impossible request).
            GenerationCancelledError: `request.cancelled` said so.
        """
        ...
