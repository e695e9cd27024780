"""Draws the figures of the papercut world and the things they carry. Knows neither place nor time."""

from __future__ import annotations

from collections.abc import Callable

from filmagent.training.papercut.world.cast.beasts import BEASTS
from filmagent.training.papercut.world.cast.birds_and_frogs import draw_bird, draw_frog
from filmagent.training.papercut.world.cast.four_legged import Beast, draw_beast
from filmagent.training.papercut.world.cast.look import Look, look_of
from filmagent.training.papercut.world.cast.people import PEOPLE, Person, draw_person
from filmagent.training.papercut.world.cast.props import draw_prop
from filmagent.training.papercut.world.cast.robot import draw_robot
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.poses import Pose
from filmagent.training.papercut.world.script import Figure

__all__ = ["draw_figure", "draw_prop"]

_Drawer = Callable[[Pen, Look, Pose, str | None], None]


def _beast(beast: Beast) -> _Drawer:
    return lambda pen, look, pose, prop: draw_beast(pen, look, pose, prop, beast)


def _person(person: Person) -> _Drawer:
    return lambda pen, look, pose, prop: draw_person(pen, look, pose, prop, person)


_DRAWERS: dict[str, _Drawer] = {
    **{kind: _beast(beast) for kind, beast in BEASTS.items()},
    **{kind: _person(person) for kind, person in PEOPLE.items()},
    "bird": draw_bird,
    "frog": draw_frog,
    "robot": draw_robot,
}


def draw_figure(pen: Pen, figure: Figure, pose: Pose, prop: str | None = None) -> None:
    """One figure one unit high, its feet on the pen's origin, facing ahead; with what it carries.

    The figure's build is the caller's: a pen of another scale. Raises KeyError for a word the world does not have.
    """
    _DRAWERS[figure.kind](pen.moved(0.0, pose.lift), look_of(figure), pose, prop)
