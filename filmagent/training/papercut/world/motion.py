"""Where a figure stands in the frame as a shot goes on. Knows no poses and draws nothing.

In a step of half a second a figure goes a whole latent cell or a whole token. Together with movements that repeat in
such times (`poses`) that makes a walk the same latents again and again, a little further on.
"""

from __future__ import annotations

from filmagent.training.papercut.world.script import Performance, ShotScript
from filmagent.training.papercut.world.stage import STEP, TOKEN, held

_SPEED = {"walks": TOKEN, "runs": 2 * TOKEN, "carries": TOKEN}
"""Frame widths a second: 8 or 16 pixels a step."""
_SPEED_IN_COMPANY = dict.fromkeys(_SPEED, TOKEN)
_EDGE = 2 * TOKEN


def place_at(script: ShotScript, part: Performance, seconds: float) -> float:
    """The figure's x in frame widths, `seconds` into the shot: it goes on at once, step by step, and nobody walks
    out of the frame."""
    speeds = _SPEED_IN_COMPANY if len(script.performances) > 1 else _SPEED
    x = part.x + part.facing * speeds.get(part.action, 0.0) * held(seconds, STEP)
    return max(min(x, max(part.x, 1 - _EDGE)), min(part.x, _EDGE))
