"""The living room that the vocabulary calls home. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import Colour, mix, shade
from filmagent.training.papercut.world.places.rooms import WHITE, lamplight, room, window
from filmagent.training.papercut.world.places.scene import LAMP, Scene

_MIDDLE = 0.875
_WARM_WALLS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((238, 206, 160), (96, 138, 134), (196, 92, 78)),
    ((214, 200, 176), (182, 96, 84), (112, 136, 156)),
    ((206, 216, 190), (206, 142, 92), (142, 120, 160)),
    ((232, 200, 190), (110, 116, 160), (214, 160, 96)),
)
"""Wall, sofa and rug that go together."""


@dataclass(frozen=True)
class _Home:
    wall: Colour
    sofa: Colour
    rug: Colour
    side: int
    """The side of the sofa; the fireplace or the bookcase keeps to the other."""
    fireplace: bool
    picture: Colour
    boards: Colour
    window: float
    """Where the window is, from the middle."""


def _home(dice: Random) -> _Home:
    boards = dice.choice(((190, 142, 104), (206, 176, 142), (150, 112, 92)))
    window_at = dice.choice((-0.16, -0.08, 0.0, 0.08, 0.14))
    wall, sofa, rug = dice.choice(_WARM_WALLS)
    side, fireplace = dice.choice((-1, 1)), dice.random() < 0.5
    picture = dice.choice(((122, 158, 178), (226, 184, 98), (158, 186, 140)))
    return _Home(wall, sofa, rug, side, fireplace, picture, boards, window_at)


def draw_home(scene: Scene, dice: Random) -> None:
    """A sofa under a picture, a window in the middle, a fireplace or a bookcase, a standing lamp."""
    look = _home(dice)
    s = look.side
    room(scene, look.wall, look.boards, look.rug, _MIDDLE)
    lamp_x = _MIDDLE + 0.86 * s
    lamplight(scene, lamp_x, 0.74, 0.26, look.wall)
    window(scene, _MIDDLE + look.window, look.rug, low=0.56)
    _sofa(scene, _MIDDLE + 0.5 * s, look)
    if look.fireplace:
        _fireplace(scene, _MIDDLE - 0.62 * s)
    else:
        _bookcase(scene, _MIDDLE - 0.64 * s, look)
    _lamp(scene, lamp_x, look.picture)


def _sofa(scene: Scene, x: float, look: _Home) -> None:
    wall, pen = scene.pen(0.6), scene.pen(0.8)
    wall.box((x - 0.13, 0.7), (x + 0.13, 0.88), WHITE, lift=0.014)
    wall.box((x - 0.105, 0.725), (x + 0.105, 0.855), look.picture)
    wall.polygon(
        [(x - 0.105, 0.725), (x - 0.02, 0.81), (x + 0.05, 0.75), (x + 0.105, 0.79), (x + 0.105, 0.725)],
        shade(look.picture, 0.78),
    )
    pen.box((x - 0.3, 0.34), (x + 0.3, 0.62), look.sofa, lift=0.016)
    pen.box((x - 0.28, 0.3), (x + 0.28, 0.45), shade(look.sofa, 1.12), lift=0.01)
    for side in (-1, 1):
        pen.box((x + side * 0.32 - 0.055, 0.29), (x + side * 0.32 + 0.055, 0.52), shade(look.sofa, 0.88), lift=0.01)
    pen.box((x - 0.2, 0.45), (x - 0.04, 0.58), mix(look.rug, WHITE, 0.35), lift=0.008)


def _fireplace(scene: Scene, x: float) -> None:
    pen = scene.pen(0.7)
    brick: Colour = (176, 104, 86)
    pen.box((x - 0.16, 0.6), (x + 0.16, 1.6), shade(brick, 0.94))
    pen.box((x - 0.26, 0.3), (x + 0.26, 0.62), brick, lift=0.016)
    pen.box((x - 0.3, 0.61), (x + 0.3, 0.655), (224, 206, 178), lift=0.012)
    pen.box((x - 0.15, 0.3), (x + 0.15, 0.53), (52, 40, 46))
    fire = scene.shining(0.7)
    fire.blob([(x - 0.09, 0.31), (x - 0.06, 0.42), (x, 0.49), (x + 0.06, 0.41), (x + 0.09, 0.31)], (240, 130, 62))
    fire.blob([(x - 0.045, 0.31), (x - 0.02, 0.38), (x + 0.01, 0.42), (x + 0.045, 0.31)], LAMP)


def _bookcase(scene: Scene, x: float, look: _Home) -> None:
    pen = scene.pen(0.7)
    wood: Colour = (150, 108, 80)
    pen.box((x - 0.22, 0.3), (x + 0.22, 0.9), wood, lift=0.016)
    colours = (look.sofa, look.rug, look.picture, (236, 222, 198))
    for shelf in range(3):
        low = 0.34 + 0.19 * shelf
        pen.box((x - 0.19, low), (x + 0.19, low + 0.15), shade(wood, 0.7))
        for book in range(4):
            left = x - 0.18 + 0.09 * book
            pen.box((left, low), (left + 0.07, low + 0.1 + 0.02 * ((book + shelf) % 3)), colours[(book + shelf) % 4])


def _lamp(scene: Scene, x: float, colour: Colour) -> None:
    pen = scene.pen(0.75)
    pen.box((x - 0.014, 0.32), (x + 0.014, 0.7), (96, 80, 76))
    pen.ellipse((x, 0.32), (0.09, 0.025), (96, 80, 76))
    shade_of_lamp = [(x - 0.12, 0.68), (x + 0.12, 0.68), (x + 0.07, 0.84), (x - 0.07, 0.84)]
    (scene.shining(0.75) if scene.lamps else pen).polygon(shade_of_lamp, LAMP if scene.lamps else colour, lift=0.014)
