"""Draws the bird and the frog, who share a plan with nobody."""

from __future__ import annotations

from filmagent.training.papercut.world.cast.faces import draw_apple, draw_eyes
from filmagent.training.papercut.world.cast.garments import wear_bow, wear_hat, wear_scarf, wear_vest
from filmagent.training.papercut.world.cast.look import BEAK, DARK, ROSE, Look
from filmagent.training.papercut.world.cast.patterns import lay_head_pattern, lay_pattern
from filmagent.training.papercut.world.cast.props import draw_prop
from filmagent.training.papercut.world.cast.torso import Oval
from filmagent.training.papercut.world.palette import mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.poses import Pose


def draw_bird(pen: Pen, look: Look, pose: Pose, prop: str | None) -> None:
    """A round bird on two thin legs with a beak, a wing and a tail of feathers."""
    drop = 0.0 if pose.stance == "stand" else 0.13
    if pose.stance == "stand":
        for side in (1, -1):
            foot = (-0.02 + 0.09 * side * pose.stride, 0.02 + 0.08 * pose.tuck)
            paper = BEAK if side > 0 else shade(BEAK, 0.8)
            pen.ribbon([(-0.04 + 0.06 * side, 0.24), foot], (0.05, 0.05), paper)
            pen.ribbon([(foot[0] - 0.04, foot[1]), (foot[0] + 0.1, foot[1])], (0.05, 0.045), paper)
    body = pen.turned(-0.5 * pose.bow - 0.5 * pose.lean, (-0.05, 0.3)) if pose.stance == "stand" else pen
    y = 0.42 - drop
    for rise, paper in ((0.02, look.dark), (0.16, look.main)):
        body.ribbon([(-0.22, y), (-0.46, y + rise + 0.02), (-0.58, y + rise + 0.08)], (0.2, 0.15, 0.1), paper)
    torso = Oval((-0.06, y), 0.35, 0.275 + 0.008 * pose.breath, 0.35)
    body.polygon(torso.outline(), look.main, lift=0.012)
    lay_pattern(body, look, torso)
    wear_vest(body, look, torso)
    raised = 0.2 * pose.stride + 1.0 * pose.tuck + 0.35 * pose.lean
    _wing(body, look, y, raised if not pose.reach or pose.tuck else 1.15 * pose.reach + 0.35 * pose.wave)
    x, up = (0.14 + 0.04 * pose.head_turn, y + 0.34)
    if pose.asleep:
        x, up = 0.1, y + 0.2
    neck = (x - 0.01, up - 0.19)
    wear_scarf(body, look, neck, 0.17)
    head = body.moved(x + 0.05 * pose.bow, up - 0.1 * pose.bow).turned(0.15 * pose.head_turn - 0.5 * pose.bow)
    for tip in () if look.garment == "hat" else ((-0.16, 0.31), (-0.04, 0.35)):
        head.ribbon([(-0.02, 0.14), tip], (0.09, 0.05), look.dark)
    shift = 0.05 * pose.head_turn
    beak = [(0.1 + shift, 0.06), (0.42 + shift, -0.04), (0.1 + shift, -0.12)]
    head.ellipse((0.0, 0.0), (0.215, 0.205), look.main, lift=0.02)
    lay_head_pattern(head, look, (0.215, 0.205))
    head.polygon(beak, BEAK, lift=0.01)
    head.polygon([(0.1 + shift, -0.05), (0.36 + shift, -0.055), (0.1 + shift, -0.14)], shade(BEAK, 0.82))
    draw_eyes(head, (0.03 + shift, 0.055), 0.092, pose, look.dark, 0.95)
    wear_hat(head, look, (-0.02, 0.17), 0.18)
    wear_bow(body, look, (neck[0] + 0.05, neck[1] - 0.05))
    if pose.eats:
        draw_apple(pen, (0.5, 0.07))
    if prop:
        draw_prop(body.moved(x + 0.38, up - 0.38).resized(0.85), prop)


def _wing(pen: Pen, look: Look, y: float, raised: float) -> None:
    wing = pen.moved(-0.11 * raised, 0.05 * raised).turned(-raised, (0.0, y + 0.06))
    tip = [(0.02, y + 0.04), (-0.16, y + 0.01), (-0.34, y - 0.1)]
    wing.ribbon(tip, (0.16, 0.22, 0.07), look.dark, lift=0.012)


def draw_frog(pen: Pen, look: Look, pose: Pose, prop: str | None) -> None:
    """A squat frog on folded legs, its eyes on top of a wide head."""
    lying = pose.stance == "lie"
    drop = {"stand": 0.0, "sit": 0.06, "lie": 0.16}[pose.stance]
    stand = pose.stance == "stand"
    swing = 0.08 * pose.stride
    for side in (-1, 1):
        paper = look.main if side > 0 else look.dark
        _frog_leg(pen, look, side, swing * side, pose, drop)
        if not (side > 0 and pose.reach):
            hand = (0.02 + 0.16 * side - swing * side, 0.04 + 0.12 * pose.tuck)
            pen.ribbon([(0.02 + 0.13 * side, 0.34 - drop), hand], (0.1, 0.085), paper)
            pen.ellipse((hand[0] + 0.02, hand[1]), (0.075, 0.04), paper)
    body = pen.turned(-0.25 * pose.lean, (0.0, 0.2)) if stand else pen
    torso = Oval((0.0, 0.36 - drop), 0.27, 0.25 + (0.05 if lying else 0.0), 1.5707)
    if lying:
        torso = Oval((0.0, 0.2), 0.2, 0.34, 1.5707)
    body.polygon(torso.outline(), look.main, lift=0.012)
    body.ellipse((0.03, 0.28 - drop * 0.8), (0.15, 0.14 if not lying else 0.1), look.light)
    lay_pattern(body, look, torso)
    wear_vest(body, look, torso)
    at = (0.04 + 0.04 * pose.head_turn + 0.2 * pose.bow, 0.68 - 1.6 * drop + 0.008 * pose.breath - 0.3 * pose.bow)
    neck = (at[0] - 0.02, at[1] - 0.19)
    wear_scarf(body, look, neck, 0.22)
    head = body.moved(*at).turned(0.1 * pose.head_turn - 0.25 * pose.bow)
    for side in (-1, 1):
        head.ellipse((side * 0.19, 0.17), (0.125, 0.125), look.main)
    head.ellipse((0.0, 0.0), (0.36, 0.205), look.main, lift=0.02)
    lay_head_pattern(head, look, (0.33, 0.17))
    shift = 0.025 + 0.035 * pose.head_turn
    mouth = [(shift - 0.26, -0.02), (shift - 0.12, -0.09), (shift + 0.12, -0.09), (shift + 0.26, -0.02)]
    head.ribbon(mouth, (0.036, 0.042, 0.036), mix(look.dark, DARK, 0.7))
    for side in (-1, 1):
        head.ellipse((shift + side * 0.26, -0.06), (0.05, 0.035), mix(look.main, ROSE, 0.6))
    draw_eyes(head, (shift * 0.6, 0.185), 0.19, pose, look.dark, 1.1)
    wear_hat(head, look, (0.0, 0.16), 0.16)
    wear_bow(body, look, (neck[0] + 0.03, neck[1] - 0.05))
    if pose.eats:
        draw_apple(pen, (0.56, 0.07))
    if pose.reach and stand:
        end = (0.3 + 0.22 * pose.reach, 0.2 + (0.34 + 0.1 * pose.wave) * pose.reach)
        pen.ribbon([(0.12, 0.36), (0.34, 0.28), end], (0.1, 0.085, 0.085), look.main, lift=0.012)
        pen.ellipse(end, (0.07, 0.07), look.light)
    if prop:
        draw_prop(pen.moved(0.36, 0.2).resized(0.9), prop)


def _frog_leg(pen: Pen, look: Look, side: int, swing: float, pose: Pose, drop: float) -> None:
    x = 0.25 * side - 0.02
    foot = (x + 0.1 + swing if side > 0 else x - 0.02 + swing, 0.035)
    if pose.tuck:
        foot = (foot[0] - 0.12 * pose.tuck, foot[1] - 0.0)
    paper = look.dark
    pen.ellipse((x, 0.2 - 0.4 * drop), (0.13, 0.17 - 0.2 * drop), paper, angle=-0.5 * side)
    pen.ribbon([(x - 0.06, 0.12), foot], (0.1, 0.07), paper)
    pen.ribbon([(foot[0] - 0.06, foot[1]), (foot[0] + 0.15, foot[1])], (0.07, 0.07), paper)
