"""Draws the robot: boxes, a screen for a face and an antenna."""

from __future__ import annotations

import math

from filmagent.training.papercut.world.cast.faces import draw_apple
from filmagent.training.papercut.world.cast.garments import wear_bow, wear_hat, wear_scarf, wear_vest
from filmagent.training.papercut.world.cast.look import DARK, METAL, Look
from filmagent.training.papercut.world.cast.patterns import lay_pattern
from filmagent.training.papercut.world.cast.props import draw_prop
from filmagent.training.papercut.world.cast.torso import Panel
from filmagent.training.papercut.world.palette import Colour, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.poses import Pose

_GLOW: Colour = (120, 238, 236)


def draw_robot(pen: Pen, look: Look, pose: Pose, prop: str | None) -> None:
    """A robot whose body and head are of the figure's colour."""
    drop = 0.0
    if pose.stance == "lie":
        pen = pen.moved(0.46, 0.34).turned(math.pi / 2)
    elif pose.stance == "sit":
        drop = 0.16
    low = pen.moved(0.0, -drop)
    for side in (-1, 1):
        _leg(low, pose, side, drop)
    upper = low.turned(-0.45 * pose.lean - (0.7 * pose.bow if not pose.eats else 0.0), (0.0, 0.24))
    _arm(upper, look, pose, prop, near=False)
    torso = Panel((0.0, 0.22), (0.0, 0.58), 0.27, 0.25)
    upper.polygon(torso.outline(), look.main, lift=0.012)
    lay_pattern(upper, look, torso)
    wear_vest(upper, look, torso)
    if look.garment != "vest":
        for x, paper in ((-0.08, (226, 66, 60)), (0.08, (250, 206, 80))):
            upper.ellipse((x, 0.33), (0.035, 0.035), paper)
    wear_scarf(upper, look, (0.0, 0.575), 0.2)
    _head(upper, look, pose)
    wear_bow(upper, look, (0.03, 0.56))
    if prop:
        draw_prop(upper.moved(0.42, 0.3).resized(0.9), prop)
    _arm(upper, look, pose, prop, near=True)


def _leg(pen: Pen, pose: Pose, side: int, drop: float) -> None:
    paper, foot_paper = (shade(METAL, 0.82), shade(METAL, 0.48)) if side < 0 else (METAL, shade(METAL, 0.58))
    if pose.stance == "sit":
        y = drop + 0.06
        pen.ribbon([(0.0, y), (0.34 + 0.06 * side, y)], (0.11, 0.11), paper)
        pen.box((0.33 + 0.06 * side, drop), (0.43 + 0.06 * side, drop + 0.19), foot_paper)
        return
    x = side * 0.13 + 0.12 * side * pose.stride
    y = 0.07 * pose.tuck
    pen.ribbon([(side * 0.13, 0.25), (x, y + 0.07)], (0.11, 0.11), paper)
    pen.box((x - 0.09, y), (x + 0.13, y + 0.1), foot_paper)


def _arm(pen: Pen, look: Look, pose: Pose, prop: str | None, near: bool) -> None:
    side = 1 if near else -1
    x, y = side * 0.27, 0.5
    elbow, hand = (x + side * 0.09, y - 0.12), (x + side * 0.08 - 0.1 * side * pose.stride, y - 0.24)
    if prop:
        elbow, hand = (x + 0.06, y - 0.14), (0.38 + 0.05 * side, y - 0.14)
    elif pose.eats and near:
        away = 1 - pose.bow
        elbow, hand = (x + 0.14, y - 0.1), (0.3 + 0.12 * away, y + 0.12 - 0.26 * away)
    elif pose.stance == "lie":
        elbow, hand = (x + side * 0.02, y - 0.12), (x, y - 0.24)
    elif pose.reach and near:
        elbow, hand = (x + 0.15, y - 0.06), (x + 0.22 - 0.08 * pose.wave, y - 0.2 + 0.5 * pose.reach)
    elif pose.tuck:
        hand = (x + side * (0.1 + 0.06 * pose.tuck), y - 0.24 + 0.2 * pose.tuck)
    paper = METAL if near else shade(METAL, 0.82)
    pen.ribbon([(x, y), elbow, hand], (0.085, 0.085, 0.085), paper, lift=0.008 if near else 0.0)
    pen.ellipse(hand, (0.062, 0.062), shade(METAL, 0.58))
    if pose.eats and near:
        draw_apple(pen, (hand[0] + 0.02, hand[1] + 0.07))


def _head(pen: Pen, look: Look, pose: Pose) -> None:
    head = pen.moved(0.03 * pose.head_turn, 0.76).turned(-0.2 * pose.bow)
    if look.garment != "hat":
        head.ribbon([(0.0, 0.15), (0.0, 0.28)], (0.045, 0.045), METAL)
        head.ellipse((0.0, 0.3), (0.062, 0.062), (230, 62, 58))
    for side in (-1, 1):
        head.box((side * 0.28 - 0.045, -0.06), (side * 0.28 + 0.045, 0.08), shade(METAL, 0.7))
    head.box((-0.27, -0.17), (0.27, 0.18), look.main, lift=0.02)
    shift = 0.02 + 0.035 * pose.head_turn
    head.box((shift - 0.21, -0.12), (shift + 0.21, 0.12), DARK)
    for side in (-1, 1):
        centre = (shift + side * 0.1 + 0.02 * pose.head_turn, 0.03)
        head.ellipse(centre, (0.06, 0.02 if pose.asleep else 0.066), _GLOW)
        if not pose.asleep:
            head.ellipse((centre[0] + 0.015 + 0.015 * pose.head_turn + 0.02 * pose.glance, 0.025), (0.028, 0.034), DARK)
    head.ribbon([(shift - 0.07, -0.075), (shift + 0.07, -0.075)], (0.034, 0.034), _GLOW)
    wear_hat(head, look, (0.0, 0.18), 0.21)
