"""Where a layer of paper stands in the picture: shot size, camera and depth as one transformation. Draws nothing.

Stage units: the frame of a wide shot is 1 high and `STAGE_WIDTH` wide, x from its left edge, y up from its lower one.
The horizon stays at `HORIZON` whatever the zoom. Depth 1 is the figures' plane, depth 0 is infinitely far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import aggdraw

from filmagent.training.papercut.world.palette import Tint
from filmagent.training.papercut.world.pen import Pen

HEIGHT, WIDTH, FRAMES, FPS = 128, 224, 17, 8
STAGE_WIDTH = WIDTH / HEIGHT
HORIZON = 0.4
ZOOM = {"wide": 1.0, "medium": 1.25, "close": 1.6}
PAN = 2
"""Latent cells a second that a panning camera moves in the figures' plane of a wide shot: one a step."""
CELL = 8
"""Pixels of a latent cell's side."""
TOKEN = 2 * CELL / WIDTH
"""Frame widths of a token of two by two latent cells, 16 pixels."""
STEP = 0.5
"""Seconds of a step: bodies, layers and camera go on at once, and stand still until the next one."""
EXPOSURE = 0.25
"""Seconds for which limbs and weather are left as they are: animated on twos, as stop motion is at 8 pictures a
second. A step has two pictures."""
PUSH = 0.06
"""Zoom a second that a camera gains as it pushes in."""


def held(seconds: float, exposure: float = EXPOSURE) -> float:
    """The moment that is shown at `seconds`: the end of its exposure, so that a shot's first picture is its own."""
    return math.ceil(round(seconds / exposure, 6)) * exposure


@dataclass(frozen=True)
class Stage:
    """What the camera sees at one moment."""

    size: str
    camera: str = "still"
    seconds: float = 0.0

    def slide(self, depth: float = 1.0) -> float:
        """Pixels that a layer at `depth` has moved to the left: whole latent cells, at once, in every step.

        So layers move at few speeds, in steps with the puppets, and what is seen of each is the same latents again.
        """
        cells = round(PAN * STEP * depth * ZOOM[self.size])
        moved = held(self.seconds, STEP) / STEP
        return CELL * cells * moved * {"left": -1, "right": 1}.get(self.camera, 0)

    def push(self, depth: float = 1.0) -> float:
        """How much larger a layer at `depth` has become, 1 or more."""
        return 1 + PUSH * held(self.seconds, STEP) * depth if self.camera == "in" else 1.0

    def pen(self, canvas: aggdraw.Draw, depth: float, light: Tint) -> Pen:
        """A pen in stage units for a layer at `depth`."""
        scale = HEIGHT * ZOOM[self.size] * self.push(depth)
        x = WIDTH / 2 - STAGE_WIDTH / 2 * scale - self.slide(depth)
        return Pen(canvas, origin=(x, HEIGHT * (1 - HORIZON) + HORIZON * scale), scale=scale, light=light)
