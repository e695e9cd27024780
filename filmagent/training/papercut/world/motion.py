"""Where a figure stands in the frame as a shot goes on. Knows no poses and draws nothing.

Half a second is one latent frame, and a step of that time is a whole latent cell or a whole token. Together with
movements that repeat in such times (`poses`) that makes a walk the same latents again and again, a little further on.
"""

from __future__ import annotations

from filmagent.training.papercut.world.script import Performance, ShotScript
from filmagent.training.papercut.world.stage import LATENT_FRAME, TOKEN, held

_SPEED = {"walks": TOKEN, "runs": 2 * TOKEN, "carries": TOKEN}
"""Frame widths a second: 8 or 16 pixels a latent frame."""
_SPEED_IN_COMPANY = dict.fromkeys(_SPEED, TOKEN)
_EDGE = 2 * TOKEN


def place_at(script: ShotScript, part: Performance, seconds: float) -> float:
    """The figure's x in frame widths, `seconds` into the shot: it goes on at once, every latent frame, and nobody walks
    out of the frame."""
    speeds = _SPEED_IN_COMPANY if len(script.performances) > 1 else _SPEED
    x = part.x + part.facing * speeds.get(part.action, 0.0) * held(seconds, LATENT_FRAME)
    return max(min(x, max(part.x, 1 - _EDGE)), min(part.x, _EDGE))
