"""Eyes, noses and mouths that many kinds share, around a head's centre. Knows no kinds."""

from __future__ import annotations

from filmagent.training.papercut.world.cast.look import DARK, WHITE
from filmagent.training.papercut.world.palette import Colour
from filmagent.training.papercut.world.pen import Pen, Point
from filmagent.training.papercut.world.poses import Pose


def draw_eyes(pen: Pen, centre: Point, apart: float, pose: Pose, edge: Colour, size: float = 1.0) -> None:
    """Two big eyes `apart` to each side of a centre that look where the pose looks; closed arcs in sleep."""
    for side in (-1, 1):
        x, y = centre[0] + side * apart, centre[1]
        if pose.asleep:
            pen.ribbon([(x - 0.06 * size, y), (x, y - 0.045 * size), (x + 0.06 * size, y)], (0.032, 0.036, 0.032), DARK)
            continue
        pen.ellipse((x, y), (0.082 * size, 0.094 * size), edge)
        pen.ellipse((x, y), (0.07 * size, 0.082 * size), WHITE)
        look = (x + (0.014 + 0.028 * (pose.head_turn + pose.glance)) * size, y - (0.02 * pose.bow + 0.004) * size)
        pen.ellipse(look, (0.043 * size, 0.054 * size), DARK)


def draw_apple(pen: Pen, centre: Point) -> None:
    """A small red apple."""
    x, y = centre
    pen.ellipse((x, y), (0.075, 0.07), (216, 44, 46))
    pen.ribbon([(x, y + 0.05), (x + 0.02, y + 0.11)], (0.035, 0.03), (92, 60, 40))
    pen.ellipse((x + 0.06, y + 0.1), (0.045, 0.025), (74, 160, 76), angle=0.4)
