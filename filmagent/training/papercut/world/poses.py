"""How a body is held at a moment of an action. Knows no kinds and no colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from filmagent.training.papercut.world.stage import held

_RATE = {
    "walks": 2.0,
    "runs": 2.0,
    "jumps": 1.0,
    "sits": 1.0,
    "sleeps": 1.0,
    "looks": 1.0,
    "waves": 2.0,
    "eats": 1.0,
    "meets": 2.0,
    "carries": 2.0,
}
"""Cycles a second, each of two pictures. At two, limbs swing within a step, the same in every one; at one, a pose is
held for a whole step and the next one shows the other. Bodies and heads never move within a step: who somebody is, is
there the same latents again, whole cells further on. A shot of two seconds has whole cycles, so that what goes on
behind it begins as it did."""


@dataclass(frozen=True)
class Pose:
    """Figure units: heights in figure heights, swings from -1 to 1, shares from 0 to 1, angles in radians."""

    stance: str = "stand"
    """Stand, sit or lie."""
    stride: float = 0.0
    """How far the near fore leg and the far hind leg reach ahead; running strides go beyond 1."""
    lift: float = 0.0
    """Height of the whole figure above the ground."""
    lean: float = 0.0
    """Angle of the body forward."""
    tuck: float = 0.0
    """Share to which the legs are drawn up."""
    head_turn: float = 0.0
    """1 looks ahead, -1 looks back."""
    glance: float = 0.0
    """How far eyes look further ahead than the head."""
    bow: float = 0.0
    """Share of the way down to the ground that the head is bent, or of the way that a hand goes to a mouth."""
    reach: float = 0.0
    """Share of the way up that one fore limb is raised."""
    wave: float = 0.0
    """Swing of the raised fore limb."""
    breath: float = 0.0
    asleep: bool = False
    eats: bool = False
    """Whether there is an apple."""


def pose_at(action: str, seconds: float, phase: float) -> Pose:
    """The pose `seconds` into an action that began `phase` of a cycle in. Raises KeyError for an unknown action."""
    return _ACTIONS[action](math.tau * (_cycles(action, seconds) + phase))


def phase_after(action: str, seconds: float, phase: float) -> float:
    """The phase, from 0 to below 1, in which an action goes on that began at `phase` and lasted `seconds`."""
    return (_cycles(action, seconds) + phase) % 1.0


def _cycles(action: str, seconds: float) -> float:
    """The part of a cycle that has been shown after `seconds`, 0 or a half: a movement is two pictures."""
    return _RATE[action] * held(seconds, 0.5 / _RATE[action]) % 1.0


def _jump(turn: float) -> Pose:
    share = 0.5 + 0.5 * math.cos(turn)
    return Pose(lift=0.2 * share, tuck=share, stride=0.5 * share, reach=0.35 * share)


_ACTIONS: dict[str, Callable[[float], Pose]] = {
    "walks": lambda turn: Pose(stride=math.cos(turn)),
    "runs": lambda turn: Pose(stride=1.7 * math.cos(turn), lean=0.16),
    "jumps": _jump,
    "sits": lambda turn: Pose(stance="sit", breath=math.cos(turn)),
    "sleeps": lambda turn: Pose(stance="lie", breath=math.cos(turn), asleep=True),
    "looks": lambda turn: Pose(head_turn=-1.0, glance=1 - math.cos(turn)),
    "waves": lambda turn: Pose(reach=1.0, wave=math.cos(turn)),
    "eats": lambda turn: Pose(bow=0.9 + 0.1 * math.cos(turn), eats=True),
    "meets": lambda turn: Pose(bow=0.17, reach=0.35 + 0.15 * math.cos(turn)),
    "carries": lambda turn: Pose(stride=math.cos(turn)),
}
"""By the angle within the action's cycle."""
