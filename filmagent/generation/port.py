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
    memory_candidates: int = 0
    """Memory frames that it may be offered to choose `max_memory` from by itself; 0: it is shown what it is given."""
    joins_remember: bool = True
    """Whether it looks at memory where a shot goes on from the take before; False: it goes on from that alone."""
    draws_identity: bool = False
    """Whether it can draw a subject from memory beside a shot."""

    def remembers_at(self, link: LinkKind) -> bool:
        """Whether it looks at memory in a shot that begins so."""
        return link == "scene_cut" or self.joins_remember


@dataclass(frozen=True)
class IdentityPrompt:
    """The picture of one subject that a shot's memory should be able to give back."""

    subject: str
    """Id of the subject."""
    text: str
    """What it looks like, in the generator's words."""


@dataclass(frozen=True)
class ShotPrompt:
    """A caption in the words that a generator understands."""

    text: str
    notes: tuple[str, ...] = ()
    """What could not be said as asked and is said instead."""
    identity: IdentityPrompt | None = None
    """The shot's main subject, for a generator that can draw it from memory; None: it cannot, or nobody is there."""


@dataclass(frozen=True)
class Candidate:
    """What a generator that chooses its own memory is told of one memory frame beside the picture."""

    frame: int | None
    """Its place in the film, in frames from the film's start; None: it is of no time, such as a photograph."""
    experts: tuple[str, ...] = ()
    """Who may choose it, by the names in `GeneratedShot.chosen`; empty: everybody."""
    pinned: bool = False
    """It is shown whatever the choice."""


@dataclass(frozen=True)
class Recollection:
    """What a generator that chooses its own memory is told beside the pictures; others refuse it."""

    candidates: tuple[Candidate, ...]
    """One for every memory frame of the request, in the same order."""
    start: int
    """Place in the film of the shot's first generated frame, in frames; overlap frames lie before what is new."""
    show: int
    """At most this many are shown at a time."""
    identity: str = ""
    """Text of a picture of a subject that is drawn from memory beside the shot; empty: none is drawn."""


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
    recollection: Recollection | None = None
    """For generators that choose their own memory, about `memory`; None for all others."""
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
    machine: str = ""
    """What made it, as far as speed depends on it: device, precision, place of the weights. Empty: not told."""
    notes: tuple[str, ...] = ()
    """Every fallback on the way, such as a step down the memory ladder; each ends up in the manifest."""
    chosen: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Who chose which memory frames, as indices into the request's; empty: all were shown, nobody chose."""
    identity: Image | None = None
    """The picture that `Recollection.identity` asked for."""


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
