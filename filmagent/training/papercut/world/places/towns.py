"""The city, the village and the garden. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places.plants import bush, round_tree
from filmagent.training.papercut.world.places.scene import LAMP, LEFT, RIGHT, SNOW, Scene, floor, ridge

_PANE: Colour = (206, 222, 228)


@dataclass(frozen=True)
class _City:
    walls: tuple[Colour, Colour, Colour]
    tops: tuple[float, ...]
    roofs: tuple[str, ...]
    lamp_x: float
    street: Colour


def _city(dice: Random) -> _City:
    return _City(
        walls=dice.choice(
            (
                ((126, 142, 176), (158, 168, 190), (104, 120, 158)),
                ((188, 130, 114), (212, 168, 142), (160, 108, 106)),
                ((150, 168, 160), (204, 190, 160), (116, 146, 148)),
                ((164, 142, 176), (208, 174, 178), (128, 118, 164)),
            )
        ),
        tops=dice.choice(
            (
                (0.7, 0.86, 0.66, 0.92, 0.72, 0.84),
                (0.88, 0.7, 0.8, 0.64, 0.94, 0.7),
                (0.66, 0.94, 0.76, 0.7, 0.86, 0.9),
            )
        ),
        roofs=dice.choice((("flat", "peak", "step"), ("step", "flat", "dome"), ("dome", "step", "peak"))),
        lamp_x=dice.choice((0.42, 1.3)),
        street=dice.choice(((196, 190, 190), (206, 196, 180))),
    )


def draw_city(scene: Scene, dice: Random) -> None:
    """High houses behind a street, a street lamp before it."""
    scene.sky(dice)
    look = _city(dice)
    far = scene.pen(0.2)
    skyline = mix(look.walls[0], (206, 214, 226), 0.55)
    for index in range(8):
        x = -0.3 + index * 0.3
        far.box((x, 0.2), (x + 0.22, 0.62 + 0.09 * (index * 3 % 4)), skyline)
    scene.haze(0.9)
    widths = (0.27, 0.3, 0.25, 0.29, 0.26, 0.3)
    x = -0.3
    for index in range(9):
        top, wide = look.tops[index % 6], widths[index % 6]
        _tower(scene, x, wide, top, look.walls[index % 3], look.roofs[index % 3], index)
        x += wide + (0.02 if index % 2 else 0.0)
    scene.haze(0.4)
    floor(scene, look.street, top=0.37, swing=0.0)
    near = scene.pen(1.0)
    near.box((LEFT, 0.275), (RIGHT, 0.352), scene.ground((128, 128, 142)))
    for index in range(8):
        near.box((-0.3 + 0.3 * index, 0.305), (-0.14 + 0.3 * index, 0.323), (228, 222, 206))
    _street_lamp(scene, near, look.lamp_x)


def _tower(scene: Scene, x: float, wide: float, top: float, wall: Colour, roof: str, number: int) -> None:
    pen, shining = scene.pen(0.6), scene.shining(0.6)
    pen.box((x, 0.2), (x + wide, top), wall, lift=0.018)
    cap = SNOW if scene.snowy else shade(wall, 0.8)
    if roof == "peak":
        pen.polygon([(x - 0.01, top), (x + wide + 0.01, top), (x + wide / 2, top + 0.11)], cap)
    elif roof == "step":
        pen.box((x + wide * 0.25, top), (x + wide * 0.75, top + 0.06), cap)
    elif roof == "dome":
        pen.ellipse((x + wide / 2, top), (wide * 0.36, 0.08), cap)
    pen.box((x - 0.008, top - 0.02), (x + wide + 0.008, top + 0.014), cap)
    for row in range(int((top - 0.48) / 0.13) + 1):
        for column in range(2):
            burns = _burns(scene.time, row, column, number)
            low = (x + wide * (0.16 + 0.4 * column), top - 0.13 - row * 0.13)
            high = (low[0] + wide * 0.28, low[1] + 0.072)
            (shining if burns else pen).box(low, high, LAMP if burns else mix(wall, _PANE, 0.75))


def _burns(time: str, row: int, column: int, number: int) -> bool:
    """Whether a light burns in a window: in every other one in the evening, in two of three at night."""
    if time == "night":
        return (row + column + number) % 3 != 0
    return time == "evening" and (row + column) % 2 == 1


def _street_lamp(scene: Scene, pen: Pen, x: float) -> None:
    iron: Colour = (72, 76, 96)
    pen.box((x - 0.014, 0.25), (x + 0.014, 0.66), iron, lift=0.016)
    pen.box((x - 0.035, 0.25), (x + 0.035, 0.275), iron)
    if scene.lamps:
        scene.glow(1.0).ellipse((x, 0.7), (0.075, 0.075), (214, 168, 104))
    scene.shining(1.0).ellipse((x, 0.7), (0.046, 0.052), LAMP if scene.lamps else (240, 234, 214))
    pen.polygon([(x - 0.055, 0.74), (x + 0.055, 0.74), (x, 0.79)], SNOW if scene.snowy else iron)


@dataclass(frozen=True)
class _Village:
    roofs: tuple[Colour, Colour]
    walls: tuple[Colour, Colour]
    houses: tuple[tuple[float, float], ...]
    """(x of the middle, width), from left to right."""
    tower: str
    tower_x: float
    ground: Colour


def _village(dice: Random) -> _Village:
    houses, tower_x = dice.choice(
        (
            (((0.24, 0.42), (0.78, 0.36), (1.46, 0.44)), 1.1),
            (((0.2, 0.38), (1.0, 0.44), (1.5, 0.36)), 0.58),
            (((0.5, 0.46), (1.3, 0.46)), 0.92),
        )
    )
    return _Village(
        roofs=dice.choice(
            (((198, 96, 78), (172, 82, 76)), ((104, 124, 158), (124, 110, 148)), ((206, 156, 92), (176, 124, 84)))
        ),
        walls=dice.choice((((244, 230, 204), (232, 206, 178)), ((236, 216, 206), (216, 222, 212)))),
        houses=houses,
        tower=dice.choice(("church", "windmill", "tree")),
        tower_x=tower_x,
        ground=dice.choice(((202, 190, 140), (188, 202, 142), (214, 194, 156))),
    )


def draw_village(scene: Scene, dice: Random) -> None:
    """Gabled houses under hills, with a church, a windmill or a great tree."""
    scene.sky(dice)
    look = _village(dice)
    ridge(scene.pen(0.15), 0.55, 0.04, 2.7, look.tower_x, scene.ground((164, 194, 172), 0.15), lift=0.012)
    scene.haze(0.7)
    ridge(scene.pen(0.35), 0.46, 0.03, 2.2, 2 + look.tower_x, scene.ground((150, 186, 128), 0.35), lift=0.014)
    _tower_of_village(scene, look)
    scene.haze(0.4)
    around = [(-0.3, 0.4), *look.houses, (2.06, 0.42)]
    for index, (x, wide) in enumerate(around):
        _house(scene, x, wide, look.walls[index % 2], look.roofs[index % 2], index % 2)
    floor(scene, look.ground, top=0.35, swing=0.01, phase=1.0)
    near = scene.pen(1.0)
    lane = [
        (look.tower_x - 0.05, 0.355),
        (look.tower_x + 0.05, 0.355),
        (look.tower_x + 0.14, 0.25),
        (1.2, -0.6),
        (0.5, -0.6),
    ]
    near.polygon([*lane, (look.tower_x - 0.16, 0.25)], scene.ground(mix(look.ground, (244, 230, 200), 0.5)))
    for x in (look.houses[0][0] - 0.24, look.houses[-1][0] + 0.26):
        bush(near, x, 0.32, 0.09, (118, 158, 104), scene.snowy)


def _house(scene: Scene, x: float, wide: float, wall: Colour, roof: Colour, number: int) -> None:
    pen, shining = scene.pen(0.7), scene.shining(0.7)
    left, top = x - wide / 2, 0.53 + 0.04 * number
    pen.box((x + wide * 0.18, top + 0.06), (x + wide * 0.3, top + 0.25), shade(roof, 0.8))
    pen.box((left, 0.3), (left + wide, top), wall, lift=0.018)
    pen.polygon([(left - 0.05, top - 0.01), (left + wide + 0.05, top - 0.01), (x, top + 0.22)], roof, lift=0.016)
    if scene.snowy:
        pen.polygon(
            [
                (x - wide * 0.4, top + 0.08),
                (x - 0.06, top + 0.13),
                (x + 0.06, top + 0.1),
                (x + wide * 0.4, top + 0.08),
                (x, top + 0.23),
            ],
            SNOW,
        )
    pen.box((left + wide * 0.6, 0.3), (left + wide * 0.84, 0.475), shade(roof, 0.72))
    glass = LAMP if scene.lamps else (164, 200, 214)
    shining.box((left + wide * 0.14, 0.41), (left + wide * 0.42, 0.5), glass)
    pen.box((left + wide * 0.26, 0.41), (left + wide * 0.3, 0.5), wall)


def _tower_of_village(scene: Scene, look: _Village) -> None:
    pen, x, wall = scene.pen(0.55), look.tower_x, look.walls[0]
    if look.tower == "tree":
        round_tree(pen, x, 0.36, 0.52, (112, 154, 96), scene.snowy)
        return
    if look.tower == "church":
        pen.box((x - 0.09, 0.3), (x + 0.09, 0.7), wall, lift=0.016)
        pen.polygon([(x - 0.12, 0.69), (x + 0.12, 0.69), (x, 0.94)], SNOW if scene.snowy else look.roofs[1], lift=0.014)
        scene.shining(0.55).ellipse((x, 0.62), (0.036, 0.036), LAMP if scene.lamps else (120, 132, 150))
        return
    pen.polygon([(x - 0.11, 0.3), (x + 0.11, 0.3), (x + 0.065, 0.66), (x - 0.065, 0.66)], wall, lift=0.016)
    pen.polygon([(x - 0.09, 0.65), (x + 0.09, 0.65), (x, 0.76)], SNOW if scene.snowy else look.roofs[0])
    for a, b in ((0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)):
        tip = (x + a * 0.24, 0.66 + b * 0.24)
        pen.polygon([(x, 0.66), tip, (tip[0] - b * 0.07, tip[1] + a * 0.07)], (238, 226, 204), lift=0.008)


@dataclass(frozen=True)
class _Garden:
    blooms: tuple[Colour, Colour]
    fence: Colour
    lawn: Colour
    hedge: Colour
    centre: str
    """What stands on one side behind the fence."""
    side: int


def _garden(dice: Random) -> _Garden:
    return _Garden(
        blooms=dice.choice(
            (
                ((222, 120, 150), (246, 232, 222)),
                ((240, 186, 84), (226, 112, 88)),
                ((146, 128, 202), (238, 206, 224)),
                ((206, 88, 96), (244, 204, 110)),
            )
        ),
        fence=dice.choice(((246, 240, 226), (246, 240, 226), (176, 206, 202))),
        lawn=dice.choice(((178, 206, 138), (190, 204, 128), (166, 204, 152))),
        hedge=dice.choice(((96, 148, 108), (84, 138, 126))),
        centre=dice.choice(("arch", "apple tree", "glasshouse", "sunflowers")),
        side=dice.choice((-1, 1)),
    )


def draw_garden(scene: Scene, dice: Random) -> None:
    """A picket fence before a hedge, with round flower bushes and one great thing."""
    scene.sky(dice)
    look = _garden(dice)
    far, middle = scene.pen(0.3), scene.pen(0.6)
    for x in (-0.05, 0.3, 0.62, 0.98, 1.3, 1.66, 2.0):
        far.ellipse((x, 0.46), (0.24, 0.13), mix(look.hedge, (196, 216, 190), 0.4))
    scene.haze(0.7)
    middle.box((LEFT, 0.2), (RIGHT, 0.5), look.hedge, lift=0.016)
    if scene.snowy:
        middle.box((LEFT, 0.48), (RIGHT, 0.515), SNOW)
    for x in (0.18, 1.57):
        middle.ellipse((x, 0.56), (0.1, 0.1), shade(look.hedge, 1.08), lift=0.014)
        if scene.snowy:
            middle.ellipse((x, 0.62), (0.075, 0.045), SNOW)
    x = 0.875 + look.side * 0.36
    if look.centre != "arch":
        _behind_the_fence(scene, look, x)
    scene.haze(0.4)
    _fence(scene, look)
    floor(scene, look.lawn, top=0.33, swing=0.0)
    near = scene.pen(1.0)
    if look.centre == "arch":
        _arch(scene, near, look, x)
    for index, bush_x in enumerate((-0.16, 0.08, 0.36, 1.4, 1.68, 1.92)):
        if look.centre == "arch" and abs(bush_x - x) < 0.24:
            continue
        _flower_bush(scene, near, bush_x, look.blooms[index % 2], look.hedge)


def _fence(scene: Scene, look: _Garden) -> None:
    pen = scene.pen(0.85)
    pen.box((LEFT, 0.4), (RIGHT, 0.428), SNOW if scene.snowy else shade(look.fence, 0.88), lift=0.012)
    for index in range(19):
        x = -0.24 + 0.12 * index
        picket = [(x, 0.3), (x + 0.062, 0.3), (x + 0.062, 0.47), (x + 0.031, 0.505), (x, 0.47)]
        pen.polygon(picket, look.fence)


def _behind_the_fence(scene: Scene, look: _Garden, x: float) -> None:
    pen = scene.pen(0.7)
    if look.centre == "apple tree":
        round_tree(pen, x, 0.36, 0.56, (128, 168, 100), scene.snowy, fruit=(210, 88, 80))
    elif look.centre == "glasshouse":
        glass = LAMP if scene.lamps else (198, 222, 222)
        frame: Colour = (240, 240, 232)
        pen.polygon([(x - 0.3, 0.3), (x - 0.3, 0.62), (x, 0.8), (x + 0.3, 0.62), (x + 0.3, 0.3)], frame, lift=0.02)
        for low, high in ((-0.26, -0.1), (-0.08, 0.08), (0.1, 0.26)):
            rise = 0.6
            tops = [(x + high, rise + 0.16 - abs(high) * 0.58), (x + low, rise + 0.16 - abs(low) * 0.58)]
            scene.shining(0.7).polygon([(x + low, 0.36), (x + high, 0.36), *tops], mix(glass, (150, 180, 150), 0.25))
        pen.box((x - 0.3, 0.59), (x + 0.3, 0.62), SNOW if scene.snowy else frame)
    else:
        for dx, tall in ((-0.16, 0.3), (0.0, 0.38), (0.16, 0.28)):
            pen.box((x + dx - 0.014, 0.36), (x + dx + 0.014, 0.36 + tall), (112, 152, 92))
            pen.ellipse((x + dx, 0.38 + tall), (0.085, 0.085), SNOW if scene.snowy else (242, 190, 80), lift=0.016)
            pen.ellipse((x + dx, 0.38 + tall), (0.045, 0.045), (128, 88, 64))


def _arch(scene: Scene, pen: Pen, look: _Garden, x: float) -> None:
    hoop = [
        (x - 0.17, 0.28),
        (x - 0.17, 0.6),
        (x - 0.1, 0.71),
        (x, 0.745),
        (x + 0.1, 0.71),
        (x + 0.17, 0.6),
        (x + 0.17, 0.28),
    ]
    pen.curve(hoop, 0.06, shade(look.hedge, 1.06), lift=0.016)
    spots = ((-0.17, 0.4), (-0.18, 0.56), (-0.1, 0.7), (0.02, 0.75), (0.13, 0.69), (0.18, 0.54), (0.16, 0.38))
    for index, (dx, y) in enumerate(spots):
        colour = SNOW if scene.snowy and y > 0.6 else look.blooms[index % 2]
        pen.ellipse((x + dx, y), (0.037, 0.037), colour, lift=0.008)


def _flower_bush(scene: Scene, pen: Pen, x: float, bloom: Colour, leaves: Colour) -> None:
    bush(pen, x, 0.28, 0.13, shade(leaves, 1.04), scene.snowy)
    for dx, dy in ((-0.075, 0.045), (0.0, 0.09), (0.08, 0.04)):
        pen.ellipse((x + dx, 0.28 + dy), (0.029, 0.029), bloom, lift=0.006)
