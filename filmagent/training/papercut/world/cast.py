"""Draws the eight kinds of figure, one unit high, feet at the origin, facing forward. Knows neither place nor time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from filmagent.training.papercut.world.palette import PAPER, Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.poses import Pose

WHITE: Colour = (250, 248, 242)
DARK: Colour = (34, 30, 38)
BEAK: Colour = (240, 150, 36)
SKIN: Colour = (244, 204, 168)
HAIR: Colour = (96, 58, 34)
METAL: Colour = (196, 202, 210)


@dataclass(frozen=True)
class Tones:
    """The papers one figure is cut from."""

    main: Colour
    dark: Colour
    light: Colour
    scarf: Colour


def draw_figure(pen: Pen, kind: str, colour: str, scarf: str, pose: Pose) -> None:
    """Draw one figure in one pose."""
    main = PAPER[colour]
    light = mix(main, WHITE, 0.55)
    tones = Tones(main=main, dark=shade(main, 0.74), light=light, scarf=PAPER[scarf])
    lifted = replace(pen, origin=(pen.origin[0], pen.origin[1] - pose.lift * pen.scale))
    _DRAWERS[kind](lifted, tones, pose)


@dataclass(frozen=True)
class Build:
    """What tells one four-legged kind from another."""

    body: Point
    head: Point
    ears: Callable[[Pen, Tones, Point], None]
    tail: Callable[[Pen, Tones, Point, float], None]
    face: Callable[[Pen, Tones, Point], None]
    leg: float = 0.11


def _four_legged(pen: Pen, tones: Tones, pose: Pose, build: Build) -> None:
    wide, high = build.body
    swell = 1 + 0.05 * pose.breath
    if pose.stance == "stand":
        middle, head, rump = (-0.1, 0.38), (0.25 + 0.07 * pose.head_turn, 0.68), (-0.1 - wide * 0.9, 0.42)
        for offset, sign in ((-0.85, 1), (-0.5, -1), (0.5, 1), (0.85, -1)):
            hip = (middle[0] + offset * wide, 0.3)
            foot = (hip[0] + sign * 0.12 * pose.stride, build.leg / 2)
            pen.stroke([hip, foot], build.leg, tones.dark if sign < 0 else tones.main)
        build.tail(pen, tones, rump, 0.3 * pose.stride)
        pen.ellipse(middle, (wide, high), tones.main)
        pen.ellipse((middle[0], middle[1] - high * 0.5), (wide * 0.7, high * 0.42), tones.light)
    elif pose.stance == "sit":
        head = (0.12, 0.68 + 0.01 * pose.breath)
        build.tail(pen, tones, (-0.26, 0.14), 0.2 * pose.breath)
        pen.ellipse((-0.06, 0.27), (0.26 * swell, 0.28), tones.main)
        pen.ellipse((0.06, 0.27), (0.13, 0.2), tones.light)
        pen.stroke([(0.0, 0.26), (0.02, 0.06)], build.leg, tones.main)
        pen.stroke([(0.17, 0.26), (0.19, 0.06)], build.leg, tones.main)
        pen.ellipse((-0.2, 0.08), (0.16, 0.08), tones.dark)
    else:
        head = (0.3, 0.26)
        build.tail(pen, tones, (-0.44, 0.14), 0.0)
        pen.ellipse((-0.12, 0.2), (0.4, 0.2 * swell), tones.main)
        pen.ellipse((-0.12, 0.08), (0.34, 0.08), tones.dark)
    _scarf(pen, tones, head, build.head)
    build.ears(pen, tones, head)
    pen.ellipse(head, build.head, tones.main)
    build.face(pen, tones, head)
    _eyes(pen, head, 0.11, pose)


def _scarf(pen: Pen, tones: Tones, head: Point, radii: Point) -> None:
    y = head[1] - radii[1] * 0.92
    pen.stroke([(head[0] - 0.17, y), (head[0] + 0.15, y)], 0.13, tones.scarf)
    pen.stroke([(head[0] - 0.15, y), (head[0] - 0.2, y - 0.2)], 0.1, tones.scarf)


def _eyes(pen: Pen, head: Point, apart: float, pose: Pose) -> None:
    for side in (-1, 1):
        centre = (head[0] + 0.03 + side * apart, head[1] + 0.03)
        if pose.asleep:
            pen.stroke([(centre[0] - 0.05, centre[1] - 0.02), (centre[0] + 0.05, centre[1] - 0.02)], 0.03, DARK)
            continue
        pen.ellipse(centre, (0.062, 0.07), WHITE)
        pen.ellipse((centre[0] + 0.015 + 0.03 * pose.head_turn, centre[1]), (0.036, 0.045), DARK)


def _nose(pen: Pen, head: Point, drop: float, size: float) -> None:
    pen.ellipse((head[0] + 0.04, head[1] - drop), (size, size * 0.75), DARK)


def _cat_ears(pen: Pen, tones: Tones, head: Point) -> None:
    for side in (-1, 1):
        x = head[0] + side * 0.17
        pen.polygon(
            [(x - 0.11, head[1] + 0.1), (x + 0.11, head[1] + 0.1), (x + side * 0.06, head[1] + 0.4)], tones.main
        )
        pen.polygon(
            [(x - 0.05, head[1] + 0.14), (x + 0.05, head[1] + 0.14), (x + side * 0.04, head[1] + 0.31)], tones.light
        )


def _cat_tail(pen: Pen, tones: Tones, root: Point, sway: float) -> None:
    x, y = root
    pen.stroke(
        [(x + 0.06, y), (x - 0.1, y + 0.1), (x - 0.12 + sway * 0.2, y + 0.3), (x - 0.02 + sway * 0.3, y + 0.44)],
        0.09,
        tones.main,
    )


def _cat_face(pen: Pen, tones: Tones, head: Point) -> None:
    pen.ellipse((head[0] + 0.04, head[1] - 0.11), (0.11, 0.075), tones.light)
    _nose(pen, head, 0.08, 0.035)
    for side in (-1, 1):
        for drop in (0.08, 0.14):
            start = (head[0] + 0.04 + side * 0.14, head[1] - 0.1)
            pen.stroke([start, (start[0] + side * 0.19, head[1] - drop)], 0.022, tones.light)


def _dog_ears(pen: Pen, tones: Tones, head: Point) -> None:
    for side in (-1, 1):
        pen.ellipse((head[0] + side * 0.28, head[1] - 0.02), (0.1, 0.24), tones.dark, angle=side * 0.3)


def _dog_tail(pen: Pen, tones: Tones, root: Point, sway: float) -> None:
    pen.stroke([(root[0] + 0.05, root[1]), (root[0] - 0.12 + sway * 0.2, root[1] + 0.2)], 0.11, tones.dark)


def _dog_face(pen: Pen, tones: Tones, head: Point) -> None:
    pen.ellipse((head[0] + 0.05, head[1] - 0.12), (0.16, 0.12), tones.light)
    _nose(pen, head, 0.06, 0.062)
    pen.ellipse((head[0] + 0.07, head[1] - 0.23), (0.045, 0.07), (232, 100, 110))
    _dog_ears(pen, tones, head)


def _fox_ears(pen: Pen, tones: Tones, head: Point) -> None:
    for side in (-1, 1):
        x = head[0] + side * 0.2
        pen.polygon(
            [(x - 0.13, head[1] + 0.06), (x + 0.13, head[1] + 0.06), (x + side * 0.1, head[1] + 0.46)], tones.main
        )
        pen.polygon(
            [
                (x + side * 0.1 - 0.045, head[1] + 0.3),
                (x + side * 0.1 + 0.035, head[1] + 0.3),
                (x + side * 0.1, head[1] + 0.46),
            ],
            DARK,
        )


def _fox_tail(pen: Pen, tones: Tones, root: Point, sway: float) -> None:
    x, y = root
    tip = (x - 0.34, y + 0.22 + sway * 0.15)
    pen.ellipse((x - 0.16, y + 0.08 + sway * 0.08), (0.27, 0.13), tones.main, angle=-0.6)
    pen.ellipse((tip[0] + 0.02, tip[1] - 0.01), (0.11, 0.095), WHITE, angle=-0.6)


def _fox_face(pen: Pen, tones: Tones, head: Point) -> None:
    x, y = head
    pen.polygon([(x - 0.27, y - 0.06), (x + 0.04, y - 0.02), (x + 0.05, y - 0.3)], WHITE)
    pen.polygon([(x + 0.33, y - 0.06), (x + 0.04, y - 0.02), (x + 0.05, y - 0.3)], WHITE)
    pen.polygon([(x - 0.06, y - 0.02), (x + 0.14, y - 0.02), (x + 0.05, y - 0.28)], tones.main)
    _nose(pen, (x + 0.01, y), 0.27, 0.05)


def _rabbit_ears(pen: Pen, tones: Tones, head: Point) -> None:
    for side in (-1, 1):
        centre = (head[0] - 0.02 + side * 0.1, head[1] + 0.33)
        pen.ellipse(centre, (0.09, 0.25), tones.main, angle=-side * 0.14)
        pen.ellipse(centre, (0.042, 0.18), tones.light, angle=-side * 0.14)


def _rabbit_tail(pen: Pen, tones: Tones, root: Point, sway: float) -> None:
    pen.ellipse((root[0] - 0.02, root[1] + 0.02 + sway * 0.02), (0.11, 0.11), WHITE)


def _rabbit_face(pen: Pen, tones: Tones, head: Point) -> None:
    pen.ellipse((head[0] + 0.04, head[1] - 0.11), (0.12, 0.08), tones.light)
    _nose(pen, head, 0.07, 0.035)
    pen.box((head[0], head[1] - 0.2), (head[0] + 0.08, head[1] - 0.11), WHITE)


def _bear_ears(pen: Pen, tones: Tones, head: Point) -> None:
    for side in (-1, 1):
        pen.ellipse((head[0] + side * 0.23, head[1] + 0.2), (0.12, 0.12), tones.main)
        pen.ellipse((head[0] + side * 0.23, head[1] + 0.2), (0.065, 0.065), tones.light)


def _bear_tail(pen: Pen, tones: Tones, root: Point, sway: float) -> None:
    pen.ellipse((root[0], root[1] + 0.04 + sway * 0.01), (0.08, 0.08), tones.dark)


def _bear_face(pen: Pen, tones: Tones, head: Point) -> None:
    pen.ellipse((head[0] + 0.04, head[1] - 0.1), (0.16, 0.12), tones.light)
    _nose(pen, head, 0.05, 0.06)


def _bird(pen: Pen, tones: Tones, pose: Pose) -> None:
    drop = {"stand": 0.0, "sit": -0.12, "lie": -0.14}[pose.stance]
    if pose.stance == "stand":
        for offset, sign in ((-0.08, 1), (0.08, -1)):
            pen.stroke(
                [
                    (offset, 0.2),
                    (offset + sign * 0.07 * pose.stride, 0.03),
                    (offset + 0.1 + sign * 0.07 * pose.stride, 0.03),
                ],
                0.05,
                BEAK,
            )
    body = (-0.04, 0.42 + drop)
    head = (0.18 + 0.06 * pose.head_turn, 0.8 + drop - (0.16 if pose.asleep else 0.0))
    pen.polygon(
        [(-0.26, body[1] + 0.1), (-0.62, body[1] + 0.14), (-0.56, body[1] - 0.04), (-0.22, body[1] - 0.12)], tones.dark
    )
    pen.ellipse(body, (0.34, 0.29 * (1 + 0.03 * pose.breath)), tones.main)
    pen.ellipse((body[0] + 0.1, body[1] - 0.08), (0.2, 0.17), tones.light)
    _scarf(pen, tones, head, (0.2, 0.18))
    pen.polygon(
        [(head[0] + 0.15, head[1] + 0.08), (head[0] + 0.4, head[1] - 0.02), (head[0] + 0.15, head[1] - 0.11)], BEAK
    )
    pen.ellipse(head, (0.21, 0.2), tones.main)
    flap = 0.5 + 2.4 * pose.lift + 0.3 * abs(pose.stride)
    pen.ellipse((body[0] - 0.14, body[1] + 0.04 * flap), (0.22, 0.12), tones.dark, angle=-0.35 * flap)
    _eyes(pen, (head[0] + 0.02, head[1] + 0.01), 0.075, pose)


def _girl(pen: Pen, tones: Tones, pose: Pose) -> None:
    if pose.stance == "lie":
        pen = replace(
            pen,
            turn=math.pi / 2,
            origin=(pen.origin[0] + pen.facing * 0.5 * pen.scale, pen.origin[1] - 0.22 * pen.scale),
        )
    drop = -0.16 if pose.stance == "sit" else 0.0
    hip = 0.28 + drop
    for side in (-1, 1):
        knee = (side * 0.08 + side * 0.12 * pose.stride, 0.06)
        feet = [(side * 0.06, hip), (0.26, 0.08), (0.34, 0.05)] if pose.stance == "sit" else [(side * 0.08, hip), knee]
        pen.stroke(feet, 0.09, SKIN if pose.stance != "sit" or side > 0 else shade(SKIN, 0.9))
    head = (0.04 * pose.head_turn, 0.82 + drop)
    for side in (-1, 1):
        pen.ellipse((head[0] + side * 0.25, head[1] - 0.1), (0.08, 0.16), HAIR, angle=side * 0.3)
    pen.ellipse((head[0], head[1] + 0.03), (0.24, 0.23), HAIR)
    pen.polygon([(-0.12, 0.62 + drop), (0.12, 0.62 + drop), (0.27, 0.2 + drop), (-0.27, 0.2 + drop)], tones.main)
    pen.polygon([(-0.25, 0.27 + drop), (0.25, 0.27 + drop), (0.27, 0.2 + drop), (-0.27, 0.2 + drop)], tones.light)
    for side in (-1, 1):
        pen.stroke(
            [(side * 0.12, 0.57 + drop), (side * 0.26, 0.4 + drop + 0.08 * side * pose.stride)], 0.08, tones.dark
        )
    _scarf(pen, tones, head, (0.2, 0.2))
    pen.ellipse((head[0] + 0.02, head[1] - 0.02), (0.19, 0.19), SKIN)
    pen.polygon(
        [
            (head[0] - 0.2, head[1] + 0.04),
            (head[0] - 0.08, head[1] + 0.21),
            (head[0] + 0.16, head[1] + 0.19),
            (head[0] + 0.22, head[1] + 0.06),
            (head[0], head[1] + 0.11),
        ],
        HAIR,
    )
    _eyes(pen, (head[0] - 0.01, head[1] - 0.04), 0.085, pose)
    pen.stroke([(head[0] - 0.02, head[1] - 0.12), (head[0] + 0.07, head[1] - 0.12)], 0.03, (206, 84, 84))


def _robot(pen: Pen, tones: Tones, pose: Pose) -> None:
    if pose.stance == "lie":
        pen = replace(
            pen,
            turn=math.pi / 2,
            origin=(pen.origin[0] + pen.facing * 0.5 * pen.scale, pen.origin[1] - 0.24 * pen.scale),
        )
    drop = -0.14 if pose.stance == "sit" else 0.0
    for side in (-1, 1):
        shift = side * 0.1 * pose.stride
        if pose.stance == "sit":
            pen.box((-0.1, 0.0), (0.38, 0.12), METAL)
            pen.box((0.28, 0.0), (0.4, 0.18), tones.dark)
        else:
            pen.box((side * 0.13 - 0.06 + shift * 0.5, 0.06), (side * 0.13 + 0.06 + shift * 0.5, 0.26), METAL)
            pen.box((side * 0.13 - 0.1 + shift, 0.0), (side * 0.13 + 0.12 + shift, 0.1), tones.dark)
    for side in (-1, 1):
        pen.stroke([(side * 0.27, 0.52 + drop), (side * 0.38, 0.36 + drop + 0.1 * side * pose.stride)], 0.09, METAL)
    pen.box((-0.26, 0.22 + drop), (0.26, 0.6 + drop), tones.main)
    pen.box((-0.13, 0.3 + drop), (0.13, 0.44 + drop), tones.light)
    head = (0.05 * pose.head_turn, 0.8 + drop)
    pen.stroke([(head[0], head[1] + 0.15), (head[0], head[1] + 0.3)], 0.04, METAL)
    pen.ellipse((head[0], head[1] + 0.32), (0.065, 0.065), (230, 60, 60))
    _scarf(pen, tones, head, (0.2, 0.2))
    pen.box((head[0] - 0.25, head[1] - 0.16), (head[0] + 0.25, head[1] + 0.17), tones.main)
    pen.box((head[0] - 0.19, head[1] - 0.1), (head[0] + 0.21, head[1] + 0.1), DARK)
    for side in (-1, 1):
        centre = (head[0] + 0.02 + side * 0.1 + 0.03 * pose.head_turn, head[1])
        pen.ellipse(centre, (0.06, 0.02 if pose.asleep else 0.06), (110, 236, 240))


_BUILDS = {
    "cat": Build(body=(0.34, 0.19), head=(0.27, 0.23), ears=_cat_ears, tail=_cat_tail, face=_cat_face),
    "dog": Build(body=(0.38, 0.2), head=(0.25, 0.25), ears=_dog_ears, tail=_dog_tail, face=_dog_face, leg=0.12),
    "fox": Build(body=(0.34, 0.16), head=(0.27, 0.2), ears=_fox_ears, tail=_fox_tail, face=_fox_face, leg=0.09),
    "rabbit": Build(
        body=(0.28, 0.22), head=(0.22, 0.21), ears=_rabbit_ears, tail=_rabbit_tail, face=_rabbit_face, leg=0.1
    ),
    "bear": Build(body=(0.43, 0.29), head=(0.28, 0.26), ears=_bear_ears, tail=_bear_tail, face=_bear_face, leg=0.18),
}


def _by_build(build: Build) -> Callable[[Pen, Tones, Pose], None]:
    def draw(pen: Pen, tones: Tones, pose: Pose) -> None:
        _four_legged(pen, tones, pose, build)

    return draw


_DRAWERS: dict[str, Callable[[Pen, Tones, Pose], None]] = {
    **{kind: _by_build(build) for kind, build in _BUILDS.items()},
    "bird": _bird,
    "girl": _girl,
    "robot": _robot,
}
