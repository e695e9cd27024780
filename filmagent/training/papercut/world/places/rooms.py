"""Walls, windows and lamps of a house, its kitchen and its bedroom. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import SKY, SUN, Colour, lit, mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places.scene import LAMP, LEFT, RIGHT, Scene

WHITE: Colour = (246, 240, 228)


def view(scene: Scene, depth: float, x: float, low: float, half: float, high: float) -> None:
    """The sky of the hour behind glass, from `low` to `high` and `half` to both sides of `x`."""
    pen, colours = scene.glow(depth), SKY[scene.time]
    tall = high - low
    pen.box((x - half, low), (x + half, high), colours[1])
    pen.box((x - half, low), (x + half, low + tall * 0.55), colours[2])
    sun = (x + half * 0.4, low + tall * (0.7 if scene.time in ("day", "night") else 0.4))
    pen.ellipse(sun, (tall * 0.13, tall * 0.13), SUN[scene.time])
    hill = [
        (x - half, low),
        (x - half, low + tall * 0.2),
        (x - half * 0.2, low + tall * 0.32),
        (x + half, low + tall * 0.14),
    ]
    green = {"morning": (178, 196, 158), "day": (158, 194, 140), "evening": (150, 116, 124), "night": (34, 48, 76)}
    pen.polygon([*hill, (x + half, low)], green[scene.time])


def window(scene: Scene, x: float, curtain: Colour, low: float = 0.5) -> None:
    """A window with curtains around `x`, its glass from `low` up."""
    pen, high, half = scene.pen(0.6), low + 0.34, 0.21
    pen.box((x - half - 0.035, low - 0.035), (x + half + 0.035, high + 0.035), WHITE, lift=0.018)
    view(scene, 0.6, x, low, half, high)
    pen.box((x - 0.014, low), (x + 0.014, high), WHITE)
    pen.box((x - half, low + 0.16), (x + half, low + 0.184), WHITE)
    pen.box((x - half - 0.06, low - 0.05), (x + half + 0.06, low - 0.02), WHITE, lift=0.01)
    for side in (-1, 1):
        edge = x + side * (half + 0.08)
        cloth = [(edge, high + 0.06), (x + side * 0.1, high + 0.06), (x + side * 0.15, low + 0.14), (edge, low - 0.03)]
        pen.polygon(cloth, curtain, lift=0.014)
    pen.box((x - half - 0.11, high + 0.045), (x + half + 0.11, high + 0.07), shade(curtain, 0.75))


def room(scene: Scene, wall: Colour, boards: Colour, rug: Colour, rug_x: float) -> None:
    """A papered wall, floor boards and a rug around `rug_x`."""
    back, near = scene.pen(0.6), scene.pen(1.0)
    back.box((LEFT, -0.6), (RIGHT, 1.6), wall)
    back.box((LEFT, -0.6), (RIGHT, 0.4), mix(wall, WHITE, 0.75))
    near.box((LEFT, -0.6), (RIGHT, 0.34), boards, lift=0.012)
    near.box((LEFT, -0.6), (RIGHT, 0.15), shade(boards, 0.95))
    near.ellipse((rug_x, 0.15), (0.62, 0.12), rug, lift=0.01)
    near.ellipse((rug_x, 0.15), (0.52, 0.09), mix(rug, WHITE, 0.3))


def lamplight(scene: Scene, x: float, y: float, size: float, wall: Colour) -> None:
    """Rings of warm light on the wall around a burning lamp."""
    if scene.lamps:
        lit_wall = mix(lit(wall, scene.pen(0.6).light), LAMP, 0.2)
        scene.glow(0.6).ellipse((x, y), (size, size), lit_wall)
        scene.glow(0.6).ellipse((x, y), (size * 0.66, size * 0.66), mix(lit_wall, LAMP, 0.24))


@dataclass(frozen=True)
class _Kitchen:
    wall: Colour
    doors: Colour
    boards: Colour
    accent: Colour
    side: int
    """The side of the stove: -1 left, 1 right; the window keeps to the other."""
    fridge: bool
    pots: int


def _kitchen(dice: Random) -> _Kitchen:
    wall, doors = dice.choice(
        (
            ((190, 216, 200), (110, 152, 146)),
            ((244, 220, 172), (196, 138, 98)),
            ((190, 208, 224), (116, 138, 172)),
            ((240, 208, 196), (190, 124, 118)),
        )
    )
    return _Kitchen(
        wall=wall,
        doors=doors,
        boards=dice.choice(((214, 186, 150), (200, 192, 184), (196, 162, 132))),
        accent=dice.choice(((212, 104, 84), (236, 182, 84), (98, 142, 176))),
        side=dice.choice((-1, 1)),
        fridge=dice.random() < 0.5,
        pots=dice.choice((2, 3)),
    )


def draw_kitchen(scene: Scene, dice: Random) -> None:
    """Cupboards with a stove, pots on a shelf, a window, a hanging lamp."""
    look = _kitchen(dice)
    room(scene, look.wall, look.boards, look.accent, 0.875 - 0.1 * look.side)
    middle, s = 0.875, look.side
    lamp_x = middle + 0.08 * s
    lamplight(scene, lamp_x, 0.74, 0.24, look.wall)
    pen = scene.pen(0.6)
    pen.box((LEFT, 0.5), (RIGHT, 0.58), mix(look.wall, WHITE, 0.55))
    for index in range(14):
        pen.box((LEFT + 0.22 * index, 0.5), (LEFT + 0.22 * index + 0.11, 0.58), mix(look.wall, look.doors, 0.35))
    window(scene, middle - (0.38 if look.fridge else 0.42) * s, look.accent, low=0.58)
    _shelf(scene, middle + 0.5 * s, look)
    _cupboards(scene, look)
    if look.fridge:
        _fridge(scene, middle - 0.86 * s, look)
    else:
        _tea(scene, middle - 0.4 * s, look.accent)
    pen.box((lamp_x - 0.01, 0.84), (lamp_x + 0.01, 1.6), (90, 84, 92))
    shade_of_lamp = [(lamp_x - 0.12, 0.77), (lamp_x + 0.12, 0.77), (lamp_x + 0.04, 0.86), (lamp_x - 0.04, 0.86)]
    pen.polygon(shade_of_lamp, look.accent, lift=0.016)
    scene.shining(0.6).ellipse((lamp_x, 0.762), (0.045, 0.026), LAMP)


def _shelf(scene: Scene, x: float, look: _Kitchen) -> None:
    pen = scene.pen(0.65)
    pen.box((x - 0.26, 0.68), (x + 0.26, 0.705), (158, 116, 84), lift=0.016)
    colours = (look.accent, (240, 228, 200), mix(look.doors, WHITE, 0.25))
    for index in range(look.pots):
        left = x - 0.22 + index * (0.46 / look.pots)
        tall = 0.09 + 0.04 * (index % 2)
        pen.box((left, 0.705), (left + 0.12, 0.705 + tall), colours[index], lift=0.01)
        pen.box((left - 0.012, 0.705 + tall), (left + 0.132, 0.73 + tall), shade(colours[index], 0.84))


def _cupboards(scene: Scene, look: _Kitchen) -> None:
    pen, middle, s = scene.pen(0.8), 0.875, look.side
    pen.box((LEFT, 0.3), (RIGHT, 0.49), look.doors, lift=0.014)
    for index in range(9):
        x = LEFT + 0.05 + 0.33 * index
        pen.box((x, 0.325), (x + 0.26, 0.455), shade(look.doors, 1.12))
        pen.ellipse((x + 0.22, 0.4), (0.016, 0.016), (240, 220, 170))
    pen.box((LEFT, 0.48), (RIGHT, 0.52), (236, 222, 198), lift=0.01)
    x = middle + 0.46 * s
    pen.box((x - 0.2, 0.3), (x + 0.2, 0.51), (226, 222, 216), lift=0.016)
    scene.shining(0.8).box((x - 0.14, 0.335), (x + 0.14, 0.43), (240, 168, 92) if scene.lamps else (92, 92, 108))
    pen.box((x - 0.2, 0.455), (x + 0.2, 0.48), (150, 148, 152))
    pen.box((x - 0.12, 0.52), (x + 0.08, 0.62), look.accent, lift=0.012)
    pen.box((x - 0.16, 0.6), (x + 0.12, 0.632), shade(look.accent, 0.82))


def _fridge(scene: Scene, x: float, look: _Kitchen) -> None:
    pen, colour = scene.pen(0.85), mix(look.accent, WHITE, 0.3)
    pen.box((x - 0.17, 0.29), (x + 0.17, 0.82), colour, lift=0.02)
    pen.box((x - 0.17, 0.595), (x + 0.17, 0.615), shade(colour, 0.8))
    for low in (0.5, 0.66):
        pen.box((x + 0.1 * look.side, low), (x + 0.1 * look.side + 0.024, low + 0.07), WHITE)


def _tea(scene: Scene, x: float, colour: Colour) -> None:
    pen = scene.pen(0.8)
    pen.ellipse((x, 0.57), (0.065, 0.055), mix(colour, WHITE, 0.45), lift=0.01)
    pen.stroke([(x + 0.05, 0.56), (x + 0.11, 0.6)], 0.022, mix(colour, WHITE, 0.45))


@dataclass(frozen=True)
class _Bedroom:
    wall: Colour
    blanket: Colour
    wood: Colour
    rug: Colour
    side: int
    """The side of the bed."""
    moon_picture: bool
    lamp: str


def _bedroom(dice: Random) -> _Bedroom:
    wall, blanket, rug = dice.choice(
        (
            ((196, 190, 222), (226, 130, 128), (158, 146, 192)),
            ((232, 206, 196), (104, 150, 156), (206, 144, 136)),
            ((186, 208, 214), (236, 184, 98), (126, 158, 176)),
            ((216, 218, 184), (172, 128, 168), (164, 176, 128)),
        )
    )
    return _Bedroom(
        wall=wall,
        blanket=blanket,
        rug=rug,
        wood=dice.choice(((168, 120, 88), (236, 226, 208), (128, 96, 84))),
        side=dice.choice((-1, 1)),
        moon_picture=dice.random() < 0.5,
        lamp=dice.choice(("table", "standing")),
    )


def draw_bedroom(scene: Scene, dice: Random) -> None:
    """A great bed, a window with curtains, a lamp and a rug."""
    look = _bedroom(dice)
    s = look.side
    room(scene, look.wall, (202, 168, 138), look.rug, 0.875 - 0.12 * s)
    lamp_x, lamp_y = (0.875 - 0.16 * s, 0.62) if look.lamp == "table" else (0.875 - 0.7 * s, 0.68)
    lamplight(scene, lamp_x, lamp_y, 0.24, look.wall)
    window(scene, 0.875 - (0.46 if look.lamp == "table" else 0.3) * s, look.blanket)
    _picture(scene, 0.875 + 0.44 * s, look)
    _bed(scene.pen(0.8), 0.875 + 0.48 * s, s, look)
    _lamp(scene, lamp_x, look)


def _bed(pen: Pen, x: float, way: int, look: _Bedroom) -> None:
    head, foot = x - way * 0.42, x + way * 0.34
    pen.box((min(head, head - way * 0.06), 0.24), (max(head, head - way * 0.06), 0.66), look.wood, lift=0.02)
    pen.ellipse((head - way * 0.03, 0.67), (0.046, 0.046), look.wood)
    pen.box((min(head, foot), 0.3), (max(head, foot), 0.42), WHITE, lift=0.018)
    pen.ellipse((head + way * 0.13, 0.455), (0.12, 0.055), WHITE, lift=0.012)
    quilt = [(head + way * 0.2, 0.27), (head + way * 0.22, 0.45), (head + way * 0.4, 0.49), (foot, 0.46)]
    pen.blob([*quilt, (foot + way * 0.03, 0.36), (foot, 0.26)], look.blanket, lift=0.016)
    pen.polygon(
        [(head + way * 0.2, 0.27), (head + way * 0.21, 0.45), (head + way * 0.29, 0.47), (head + way * 0.28, 0.265)],
        mix(look.blanket, WHITE, 0.5),
    )
    pen.box((min(foot, foot + way * 0.055), 0.23), (max(foot, foot + way * 0.055), 0.52), look.wood, lift=0.016)


def _picture(scene: Scene, x: float, look: _Bedroom) -> None:
    pen = scene.pen(0.6)
    pen.box((x - 0.13, 0.7), (x + 0.13, 0.9), look.wood, lift=0.014)
    pen.box((x - 0.1, 0.73), (x + 0.1, 0.87), mix(look.rug, WHITE, 0.55))
    if look.moon_picture:
        pen.ellipse((x, 0.8), (0.045, 0.045), look.blanket)
    else:
        pen.polygon([(x - 0.1, 0.73), (x + 0.1, 0.73), (x + 0.02, 0.83)], look.blanket)


def _lamp(scene: Scene, x: float, look: _Bedroom) -> None:
    pen, y = scene.pen(0.8), 0.58
    if look.lamp == "table":
        pen.box((x - 0.1, 0.28), (x + 0.1, 0.46), look.wood, lift=0.016)
        pen.box((x - 0.06, 0.35), (x + 0.06, 0.375), shade(look.wood, 0.75))
        pen.box((x - 0.014, 0.46), (x + 0.014, y), (236, 222, 190))
    else:
        y = 0.64
        pen.box((x - 0.016, 0.28), (x + 0.016, y), shade(look.wood, 0.8), lift=0.012)
        pen.box((x - 0.08, 0.27), (x + 0.08, 0.295), shade(look.wood, 0.8))
    cone = [(x - 0.1, y - 0.02), (x + 0.1, y - 0.02), (x + 0.055, y + 0.1), (x - 0.055, y + 0.1)]
    scene.shining(0.8).polygon(cone, LAMP if scene.lamps else (246, 228, 180), lift=0.012)
