"""Draws every four-legged kind after one plan that stands, sits or lies. What tells the kinds apart is data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filmagent.training.papercut.world.cast.faces import draw_apple
from filmagent.training.papercut.world.cast.garments import wear_bow, wear_hat, wear_scarf, wear_vest
from filmagent.training.papercut.world.cast.look import Look
from filmagent.training.papercut.world.cast.patterns import lay_pattern
from filmagent.training.papercut.world.cast.props import draw_prop
from filmagent.training.papercut.world.cast.torso import Oval
from filmagent.training.papercut.world.palette import Colour
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.poses import Pose


@dataclass(frozen=True)
class Tail:
    """A tail from where it leaves the body: points, widths, and what share of its end is of another paper."""

    points: tuple[Point, ...]
    widths: tuple[float, ...]
    tone: Callable[[Look], Colour]
    tip: Colour | None = None


@dataclass(frozen=True)
class Beast:
    """What tells one four-legged kind from another."""

    body_at: Point
    body: Point
    """Half its length and half its height."""
    leg: float
    head_at: Point
    """The middle of the head while standing."""
    head: Point
    """Radii of the head."""
    tail: Tail
    draw_head: Callable[[Pen, Look, Pose], None]
    foot: Callable[[Look], Colour]
    neck: float = 0.0
    """Width of a neck that shows; 0 for none."""
    sit_at: Point = (0.1, 0.7)
    """The middle of the head while sitting."""
    lie_at: Point = (0.3, 0.27)
    mouth: Point = (0.2, -0.16)
    """Where it holds things, from the middle of the head."""
    collar: Point = (-0.02, -0.22)
    """Where it wears scarf and bow, from the middle of the head."""
    hat: Point = (0.0, 0.18)
    """The crown of the head, from its middle."""


def draw_beast(pen: Pen, look: Look, pose: Pose, prop: str | None, beast: Beast) -> None:
    """One four-legged figure."""
    if pose.stance == "stand":
        body = pen.turned(0.35 * pose.lean + 0.12 * pose.tuck, beast.body_at)
        torso = Oval(beast.body_at, *beast.body)
        length, height = beast.body
        rear = (beast.body_at[0] - 0.9 * length, beast.body_at[1] + 0.3 * height)
        _legs(pen, look, pose, beast, near=False)
        _tail(body, look, beast.tail, rear, 0.06 * pose.stride + 0.05 * pose.wave)
        x, y = beast.head_at
        down = pose.bow
        low = (x + 0.14, beast.lie_at[1] + 0.06)
        head_at = (x + 0.05 * pose.head_turn + 0.04 * pose.lean + (low[0] - x) * down, y + (low[1] - y) * down)
        if beast.neck:
            chest = (beast.body_at[0] + 0.66 * length, beast.body_at[1] + 0.1 * height)
            body.ribbon([chest, head_at], (beast.neck * 1.25, beast.neck), look.main)
        _coat(body, look, torso)
        _legs(pen, look, pose, beast, near=True)
    elif pose.stance == "sit":
        body = pen
        head_at = (beast.sit_at[0], beast.sit_at[1] + 0.012 * pose.breath)
        torso = Oval((-0.08, 0.3), 0.31 + 0.006 * pose.breath, 0.19 + 0.35 * (beast.body[1] - 0.16), 1.3)
        _tail(body, look, beast.tail, (-0.26, 0.12), 0.03 * pose.breath)
        if beast.neck:
            body.ribbon([(0.0, 0.45), head_at], (beast.neck * 1.2, beast.neck), look.main)
        _coat(body, look, torso)
        pen.ellipse((-0.15, 0.12), (0.17, 0.12), look.dark)
        _leg(pen, look, beast, (0.0, 0.3), (0.07, beast.leg / 2), far=True)
        _leg(pen, look, beast, (0.1, 0.32), (0.17, beast.leg / 2), far=False)
    else:
        body = pen
        half = max(0.2, beast.body[1])
        head_at = (beast.lie_at[0], beast.lie_at[1] + 0.008 * pose.breath)
        torso = Oval((-0.1, half * 0.95), 0.4, half * (0.95 + 0.05 * pose.breath))
        _tail(body, look, beast.tail, (-0.42, 0.12), 0.0, flat=0.3)
        _coat(body, look, torso)
        pen.ellipse((-0.3, 0.1), (0.17, 0.1), look.dark)
        pen.ribbon([(0.08, beast.leg / 2), (0.46, beast.leg * 0.45)], (beast.leg, beast.leg * 0.9), look.dark)
    _head(pen, look, pose, prop, beast, head_at)


def _head(pen: Pen, look: Look, pose: Pose, prop: str | None, beast: Beast, at: Point) -> None:
    tilt = 0.2 * pose.head_turn - 0.35 * pose.bow if pose.stance == "stand" else 0.0
    head = pen.moved(*at).turned(tilt)
    neck = (at[0] + beast.collar[0], max(at[1] + beast.collar[1], 0.1))
    wear_scarf(pen, look, neck, beast.head[0] * 0.78)
    beast.draw_head(head, look, pose)
    wear_hat(head, look, beast.hat, 0.19)
    knot = at[1] - beast.head[1] - 0.075
    sunk = max(0.0, 0.15 - knot)
    wear_bow(pen, look, (at[0] + 0.02 - min(2.5 * sunk, 1.1 * beast.head[0]), knot + sunk))
    if pose.eats:
        draw_apple(pen, (beast.head_at[0] + beast.head[0] + 0.16, 0.07))
    if pose.reach and pose.stance == "stand":
        _paw(pen, look, pose, beast)
    if prop:
        held = pen.moved(at[0] + beast.mouth[0] + 0.12, at[1] + beast.mouth[1] - 0.27).resized(0.9)
        draw_prop(held, prop)


def _coat(pen: Pen, look: Look, torso: Oval) -> None:
    pen.polygon(torso.outline(), look.main, lift=0.012)
    lay_pattern(pen, look, torso)
    wear_vest(pen, look, torso)


def _legs(pen: Pen, look: Look, pose: Pose, beast: Beast, near: bool) -> None:
    (x, y), (length, height) = beast.body_at, beast.body
    side = 1 if near else -1
    for place, swing in ((0.62, side), (-0.68, -side)):
        if near and place > 0 and pose.reach:
            continue
        hip = (x + place * length + (0.0 if near else 0.09), y - (0.7 * height if near else 0.04))
        reach = 0.13 * swing * pose.stride + (0.1 if place > 0 else -0.14) * pose.tuck
        _leg(pen, look, beast, hip, (hip[0] + reach, beast.leg / 2 + 0.07 * pose.tuck), far=not near)


def _leg(pen: Pen, look: Look, beast: Beast, hip: Point, foot: Point, far: bool) -> None:
    pen.ribbon([hip, foot], (beast.leg * 1.25, beast.leg), look.dark if far else look.main)
    pen.ellipse((foot[0] + 0.025, foot[1]), (beast.leg * 0.62, beast.leg * 0.5), beast.foot(look))


def _paw(pen: Pen, look: Look, pose: Pose, beast: Beast) -> None:
    x, y = beast.body_at[0] + 0.7 * beast.body[0], beast.body_at[1] - 0.02
    end = (x + 0.3 + 0.22 * pose.reach, y - 0.22 + (0.46 + 0.09 * pose.wave) * pose.reach)
    pen.ribbon([(x, y), (x + 0.24, y - 0.1), end], (beast.leg * 1.2, beast.leg, beast.leg), look.main, lift=0.012)
    pen.ellipse(end, (beast.leg * 0.62, beast.leg * 0.62), beast.foot(look))


def _tail(pen: Pen, look: Look, tail: Tail, root: Point, sway: float, flat: float = 1.0) -> None:
    count = len(tail.points) - 1
    points = [
        (root[0] + x + sway * index / count, root[1] + (y * flat if y > 0 else max(y * flat, 0.06 - root[1])))
        for index, (x, y) in enumerate(tail.points)
    ]
    pen.ribbon(points, tail.widths, tail.tone(look))
    if tail.tip:
        (x, y), (nx, ny) = points[-2:]
        pen.ribbon([((x + nx) / 2, (y + ny) / 2), (nx, ny)], (tail.widths[-2] * 0.82, tail.widths[-1]), tail.tip)
