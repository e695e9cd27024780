"""How a body is held at a moment of an action. Knows no kinds and no colours."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Pose:
    """Figure units: heights in figure heights, swings and turns from -1 to 1."""

    stance: str = "stand"
    stride: float = 0.0
    lift: float = 0.0
    head_turn: float = 0.0
    breath: float = 0.0
    asleep: bool = False


def pose_at(action: str, seconds: float, phase: float) -> Pose:
    """The pose `seconds` into an action that began `phase` of a cycle in."""
    if action == "walks":
        swing = math.sin(math.tau * (0.9 * seconds + phase))
        return Pose(stride=swing, lift=0.02 * abs(swing))
    if action == "runs":
        swing = math.sin(math.tau * (1.5 * seconds + phase))
        return Pose(stride=1.5 * swing, lift=0.07 * abs(swing))
    if action == "jumps":
        return Pose(stride=0.4, lift=0.22 * abs(math.sin(math.pi * (0.95 * seconds + phase))))
    if action == "looks":
        return Pose(head_turn=math.sin(math.tau * (0.5 * seconds + phase)))
    breath = math.sin(math.tau * (0.5 * seconds + phase))
    if action == "sits":
        return Pose(stance="sit", breath=breath)
    return Pose(stance="lie", breath=breath, asleep=True)
