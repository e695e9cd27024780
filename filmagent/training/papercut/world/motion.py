"""Where a figure stands in the frame as a shot goes on. Knows no poses and draws nothing."""

from __future__ import annotations

from filmagent.training.papercut.world.script import Performance, ShotScript

_SPEED = {"walks": 0.07, "runs": 0.12, "carries": 0.06}
"""Frame widths a second."""
_SPEED_IN_COMPANY = {"walks": 0.035, "runs": 0.05, "carries": 0.03}
_EDGE = 0.14


def place_at(script: ShotScript, part: Performance, seconds: float) -> float:
    """The figure's x in frame widths, `seconds` into the shot; nobody walks out of the frame."""
    speeds = _SPEED_IN_COMPANY if len(script.performances) > 1 else _SPEED
    x = part.x + part.facing * speeds.get(part.action, 0.0) * seconds
    return max(min(x, max(part.x, 1 - _EDGE)), min(part.x, _EDGE))
