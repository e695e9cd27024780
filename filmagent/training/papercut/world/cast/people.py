"""Draws girl, boy, woman and man after one plan that stands, sits or lies. What tells them apart is data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from filmagent.training.papercut.world.cast.faces import draw_apple, draw_eyes
from filmagent.training.papercut.world.cast.garments import wear_bow, wear_hat, wear_scarf, wear_vest
from filmagent.training.papercut.world.cast.look import DARK, SKIN, WHITE, Look
from filmagent.training.papercut.world.cast.patterns import lay_pattern
from filmagent.training.papercut.world.cast.props import draw_prop
from filmagent.training.papercut.world.cast.torso import Panel
from filmagent.training.papercut.world.palette import Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.poses import Pose


@dataclass(frozen=True)
class Person:
    """What tells one person from another."""

    hair: Colour
    style: str
    """Braids, short, bun or beard."""
    head_y: float
    head: Point
    shoulder_y: float
    half_shoulder: float
    hem_y: float
    half_hem: float
    leg: float
    trousers: float = 0.0
    """Share of the leg that trousers cover; 0 under a dress."""


PEOPLE = {
    "girl": Person((112, 68, 38), "braids", 0.75, (0.215, 0.21), 0.56, 0.12, 0.2, 0.27, 0.09),
    "boy": Person((70, 50, 40), "short", 0.76, (0.215, 0.21), 0.56, 0.155, 0.27, 0.175, 0.105, 0.5),
    "woman": Person((176, 78, 40), "bun", 0.8, (0.17, 0.175), 0.64, 0.115, 0.07, 0.31, 0.09),
    "man": Person((86, 58, 40), "beard", 0.83, (0.165, 0.17), 0.68, 0.21, 0.33, 0.19, 0.12, 1.0),
}
"""Every person."""
_SHOE: Colour = (74, 58, 58)


def draw_person(pen: Pen, look: Look, pose: Pose, prop: str | None, person: Person) -> None:
    """One person in clothes of the figure's colour."""
    drop = 0.0
    if pose.stance == "lie":
        aside = person.head[0] * 1.45 if person.style == "braids" else max(person.half_shoulder, 0.15) + 0.11
        pen = pen.moved(0.46, aside).turned(math.pi / 2)
    elif pose.stance == "sit":
        drop = person.hem_y - (0.1 if person.trousers else 0.05)
    low = pen.moved(0.0, -drop)
    hem = (0.0, person.hem_y)
    _legs(low, look, pose, person, drop)
    upper = low.turned(-0.55 * pose.lean - (0.8 * pose.bow if not pose.eats else 0.0), hem)
    if person.style in {"braids", "bun"}:
        _hair_behind(upper, pose, person)
    _arm(upper, look, pose, person, near=False, prop=prop)
    narrow = 0.7 if pose.stance == "lie" and not person.trousers else 1.0
    torso = Panel(hem, (0.0, person.shoulder_y), person.half_hem * narrow, person.half_shoulder)
    if pose.stance == "sit" and not person.trousers:
        low.ribbon([(0.0, drop + 0.1), (0.32, drop + 0.08)], (0.2, 0.15), look.dark)
    upper.polygon(torso.outline(), look.main, lift=0.012)
    lay_pattern(upper, look, torso)
    wear_vest(upper, look, torso)
    neck = (0.0, person.shoulder_y - 0.015)
    wear_scarf(upper, look, neck, 0.16)
    _head(upper, look, pose, person)
    wear_bow(upper, look, (neck[0] + 0.02, neck[1] - 0.03))
    if prop:
        draw_prop(upper.moved(0.33, person.shoulder_y - 0.3).resized(0.9), prop)
    _arm(upper, look, pose, person, near=True, prop=prop)


def _legs(pen: Pen, look: Look, pose: Pose, person: Person, drop: float) -> None:
    cloth = mix(look.dark, DARK, 0.25)
    hip = person.hem_y + 0.06
    for side in (-1, 1):
        far = side < 0
        paper = shade(SKIN, 0.9) if far else SKIN
        if pose.stance == "sit":
            start, foot = (0.02, drop + person.leg * 0.7), (0.36 + 0.05 * side, drop + person.leg * 0.6)
        else:
            x = side * 0.075 + (0.1 if person.hem_y < 0.15 else 0.14) * side * pose.stride
            start = (side * 0.075, hip)
            foot = (x - 0.05 * pose.tuck, person.leg / 2 + 0.07 * pose.tuck)
        pen.ribbon([start, foot], (person.leg * 1.1, person.leg), paper)
        if person.trousers:
            end = tuple(a + (b - a) * person.trousers for a, b in zip(start, foot, strict=True))
            leg = person.leg * 1.35
            pen.ribbon(
                [start, (end[0], end[1])],
                (leg, leg * (0.9 if person.trousers == 1.0 else 1.1)),
                shade(cloth, 0.86) if far else cloth,
            )
        toe = (foot[0] + 0.07, foot[1] - 0.005)
        if pose.stance == "sit":
            toe = (foot[0] + 0.01, foot[1] + 0.06)
        pen.ribbon([foot, toe], (0.085, 0.075), shade(_SHOE, 0.8) if far else _SHOE)


def _arm(pen: Pen, look: Look, pose: Pose, person: Person, near: bool, prop: str | None) -> None:
    side = 1 if near else -1
    x, y = side * person.half_shoulder * 0.92, person.shoulder_y - 0.05
    elbow, hand = (x + side * 0.07, y - 0.13), (x + side * 0.08 - 0.1 * side * pose.stride, y - 0.25)
    if prop:
        elbow, hand = (x + 0.08, y - 0.14), (0.28 + 0.06 * side, y - 0.16)
    elif pose.eats and near:
        away = 1 - pose.bow
        elbow, hand = (x + 0.1, y - 0.13 - 0.02 * away), (0.16 + 0.2 * away, y + 0.02 - 0.2 * away)
    elif pose.reach and near:
        elbow = (x + 0.16, y - 0.1 + 0.04 * pose.reach)
        hand = (x + 0.29 - 0.09 * pose.wave, y - 0.2 + 0.44 * pose.reach)
    elif pose.stance == "lie":
        elbow, hand = (x + side * 0.02, y - 0.12), (x, y - 0.25)
    elif pose.stance == "sit":
        elbow, hand = (x + side * 0.06, y - 0.12), (x + 0.08, y - 0.24)
    elif pose.tuck:
        hand = (x + side * (0.1 + 0.1 * pose.tuck), y - 0.25 + 0.2 * pose.tuck)
    pen.ribbon([(x, y), elbow, hand], (0.1, 0.09, 0.085), look.dark, lift=0.008 if near else 0.0)
    pen.ellipse(hand, (0.052, 0.052), SKIN if near else shade(SKIN, 0.92))
    if pose.eats and near:
        draw_apple(pen, (hand[0] + 0.02, hand[1] + 0.06))


def _hair_behind(pen: Pen, pose: Pose, person: Person) -> None:
    (wide, high), y = person.head, person.head_y
    if person.style == "bun":
        pen.ellipse((-0.1, y + high * 0.98), (0.105, 0.1), person.hair)
    else:
        for side in (-1, 1):
            x = side * wide * 1.05
            sway = 0.03 * pose.stride
            braid = [(x * 0.85, y), (x * 1.15, y - 0.13), (x * 1.2 - sway, y - 0.27)]
            pen.ribbon(braid, (0.1, 0.12, 0.08), person.hair)
    pen.ellipse((-0.02, y + 0.025), (wide * 1.1, high * 1.1), person.hair)


def _head(pen: Pen, look: Look, pose: Pose, person: Person) -> None:
    (wide, high), size = person.head, person.head[0] / 0.215
    nod = -0.25 * pose.bow if not pose.eats else -0.12 * pose.bow
    head = pen.moved(0.03 * pose.head_turn + 0.02, person.head_y).turned(nod)
    shift = 0.025 + 0.028 * pose.head_turn
    if person.style not in {"braids", "bun"}:
        head.ellipse((-0.025, 0.03), (wide * 1.1, high * 1.06), person.hair)
    head.ellipse((0.0, 0.0), (wide, high), SKIN, lift=0.018)
    if person.style == "beard":
        beard = [
            (-wide * 1.04, -0.02),
            (-wide * 0.9, -high * 0.85),
            (0.03, -high * 1.5),
            (wide, -high * 0.8),
            (wide * 1.02, -0.04),
            (shift, -0.085),
        ]
        head.blob(beard, person.hair)
        head.ribbon([(shift - 0.05, -0.125), (shift + 0.05, -0.125)], (0.034, 0.034), (206, 92, 84))
    else:
        smile = [(shift - 0.06 * size, -0.115 * size), (shift, -0.14 * size), (shift + 0.06 * size, -0.115 * size)]
        head.ribbon(smile, (0.032, 0.034, 0.032), (204, 84, 80))
        for side in (-1, 1):
            head.ellipse((shift + side * 0.14 * size, -0.085 * size), (0.035, 0.028), (242, 164, 148))
    _fringe(head, person, wide, high)
    draw_eyes(head, (shift, 0.0), 0.088 * size, pose, shade(SKIN, 0.82), 0.9 * size)
    wear_hat(head, look, (-0.01, high * 0.72), wide * 0.98)
    if person.style == "braids" and look.garment != "hat":
        for side in (-1, 1):
            head.ellipse((side * wide * 1.12, -0.24), (0.05, 0.04), WHITE)


def _fringe(pen: Pen, person: Person, wide: float, high: float) -> None:
    if person.style == "short":
        tufts = [
            (-1.08, -0.1),
            (-1.02, 0.5),
            (-0.5, 1.12),
            (0.1, 1.2),
            (0.7, 1.0),
            (1.02, 0.35),
            (0.6, 0.5),
            (0.35, 0.42),
            (0.0, 0.55),
            (-0.4, 0.42),
            (-0.7, 0.4),
        ]
    elif person.style == "beard":
        tufts = [
            (-1.06, 0.1),
            (-1.0, 0.6),
            (-0.4, 1.12),
            (0.4, 1.12),
            (1.0, 0.55),
            (0.5, 0.62),
            (-0.5, 0.55),
            (-0.85, 0.3),
        ]
    else:
        tufts = [
            (-1.04, -0.1),
            (-0.9, 0.6),
            (-0.3, 1.04),
            (0.4, 1.03),
            (0.95, 0.5),
            (1.04, 0.0),
            (0.75, 0.35),
            (0.1, 0.62),
            (-0.6, 0.4),
        ]
    pen.polygon([(x * wide, y * high) for x, y in tufts], person.hair)
