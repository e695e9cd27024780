"""The heads of the four-legged kinds, around their middle. Knows no bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filmagent.training.papercut.world.cast.faces import draw_eyes
from filmagent.training.papercut.world.cast.look import DARK, ROSE, WHITE, Look
from filmagent.training.papercut.world.cast.patterns import lay_head_pattern
from filmagent.training.papercut.world.palette import Colour, mix
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.poses import Pose


@dataclass(frozen=True)
class Head:
    """A round head seen from the front; ears are polygons of the side ahead, mirrored for the other."""

    radii: Point
    ear: tuple[Point, ...]
    inner: tuple[Point, ...]
    inner_tone: Callable[[Look], Colour]
    face: Callable[[Pen, Look, float], None]
    eyes_apart: float = 0.115
    round_ears: bool = False
    ears_in_front: bool = False


def draw_round_head(pen: Pen, look: Look, pose: Pose, head: Head) -> None:
    """A round head with its ears, face and eyes."""
    shift = 0.03 + 0.035 * pose.head_turn
    if not head.ears_in_front:
        _ears(pen, look, head)
    pen.ellipse((0.0, 0.0), head.radii, look.main, lift=0.02)
    lay_head_pattern(pen, look, head.radii)
    if head.ears_in_front:
        _ears(pen, look, head)
    head.face(pen, look, shift)
    draw_eyes(pen, (shift, 0.045), head.eyes_apart, pose, look.dark)


def _ears(pen: Pen, look: Look, head: Head) -> None:
    cut = pen.blob if head.round_ears else pen.polygon
    for side in (-1, 1):
        cut([(x * side, y) for x, y in head.ear], look.dark if head.ears_in_front else look.main)
        if head.inner:
            cut([(x * side, y) for x, y in head.inner], head.inner_tone(look))


def _muzzle(pen: Pen, look: Look, shift: float, radii: Point, drop: float) -> None:
    pen.ellipse((shift, -drop), radii, look.light if sum(look.main) < 690 else look.dark)


def cat_face(pen: Pen, look: Look, shift: float) -> None:
    """A small muzzle with whiskers."""
    for side in (-1, 1):
        for rise in (-0.02, -0.08):
            pen.ribbon(
                [(shift + side * 0.1, -0.1), (shift + side * 0.33, -0.1 + rise * 0.9 + 0.03)],
                (0.03, 0.03),
                mix(look.dark, DARK, 0.3),
            )
    _muzzle(pen, look, shift, (0.11, 0.075), 0.11)
    pen.polygon([(shift - 0.045, -0.055), (shift + 0.045, -0.055), (shift, -0.11)], ROSE)


def dog_face(pen: Pen, look: Look, shift: float) -> None:
    """A big muzzle with a big nose and a tongue."""
    pen.ellipse((shift + 0.015, -0.23), (0.05, 0.075), (226, 92, 104))
    _muzzle(pen, look, shift, (0.16, 0.11), 0.125)
    pen.ellipse((shift + 0.01, -0.075), (0.07, 0.05), DARK)


def fox_face(pen: Pen, look: Look, shift: float) -> None:
    """White cheeks that meet in a pointed snout."""
    for side in (-1, 1):
        pen.polygon([(side * 0.33, -0.08), (side * 0.1 + shift, -0.05), (shift, -0.29), (side * 0.17, -0.25)], WHITE)
    pen.polygon([(shift - 0.12, 0.02), (shift + 0.12, 0.02), (shift + 0.01, -0.27)], look.main)
    pen.ellipse((shift + 0.005, -0.265), (0.058, 0.046), DARK)


def rabbit_face(pen: Pen, look: Look, shift: float) -> None:
    """Two front teeth under a small nose."""
    pen.box((shift - 0.042, -0.22), (shift + 0.042, -0.12), WHITE)
    _muzzle(pen, look, shift, (0.12, 0.07), 0.1)
    pen.ellipse((shift, -0.07), (0.042, 0.032), ROSE)


def bear_face(pen: Pen, look: Look, shift: float) -> None:
    """A broad muzzle."""
    _muzzle(pen, look, shift, (0.155, 0.115), 0.115)
    pen.ellipse((shift, -0.065), (0.068, 0.05), DARK)
    pen.ribbon([(shift - 0.06, -0.155), (shift, -0.18), (shift + 0.06, -0.155)], (0.03, 0.03), DARK)


def mouse_face(pen: Pen, look: Look, shift: float) -> None:
    """A snout that ends in a pink nose."""
    _muzzle(pen, look, shift + 0.02, (0.1, 0.085), 0.12)
    pen.ellipse((shift + 0.03, -0.12), (0.05, 0.045), (232, 110, 132))


def draw_horse_head(pen: Pen, look: Look, pose: Pose) -> None:
    """A long head with a forelock, both eyes on its upper part."""
    shift = 0.02 + 0.04 * pose.head_turn
    mane = mix(look.dark, DARK, 0.55)
    pen.ribbon([(-0.06, 0.2), (-0.2, 0.06), (-0.24, -0.16), (-0.3, -0.34)], (0.12, 0.17, 0.17, 0.08), mane)
    for x in (-0.1, 0.1):
        pen.polygon([(x - 0.065, 0.1), (x + 0.065, 0.1), (x + 0.02, 0.3)], look.main)
    pen.ribbon([(0.0, 0.04), (0.04, -0.06), (0.17, -0.24)], (0.33, 0.31, 0.22), look.main, lift=0.02)
    if look.pattern == "patches":
        pen.ellipse((-0.05, 0.04), (0.09, 0.11), look.mark)
    pen.ellipse((0.18, -0.25), (0.125, 0.1), look.light, angle=-0.6)
    pen.ellipse((0.24, -0.25), (0.026, 0.026), DARK)
    pen.ellipse((0.14, -0.29), (0.026, 0.026), DARK)
    pen.polygon([(-0.09, 0.2), (0.08, 0.2), (0.03, 0.08)], mane)
    draw_eyes(pen, (0.015 + shift, 0.035), 0.1, pose, look.dark, 0.9)
