"""The beach and the river. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places.plants import TRUNK, bush, palm, pine, round_tree
from filmagent.training.papercut.world.places.scene import LAMP, LEFT, RIGHT, SNOW, Scene, floor, ridge


@dataclass(frozen=True)
class _Beach:
    sea: Colour
    sand: Colour
    cloth: Colour
    palm_x: float
    palms: int
    far: str
    """What is seen on the sea."""
    shelter: str


def _beach(dice: Random) -> _Beach:
    return _Beach(
        sea=dice.choice(((78, 166, 186), (92, 150, 200), (104, 182, 172))),
        sand=dice.choice(((242, 220, 168), (238, 208, 172), (236, 226, 194))),
        cloth=dice.choice(((216, 100, 88), (240, 184, 84), (98, 146, 178), (206, 130, 158))),
        palm_x=dice.choice((0.3, 1.42)),
        palms=dice.choice((1, 2)),
        far=dice.choice(("sail", "island", "lighthouse")),
        shelter=dice.choice(("parasol", "hut")),
    )


def draw_beach(scene: Scene, dice: Random) -> None:
    """The sea behind sand, a palm on one side and a shelter on the other."""
    scene.sky(dice)
    look = _beach(dice)
    far, side = scene.pen(0.15), 1 if look.palm_x < 0.9 else -1
    far_x = 0.875 + 0.26 * side
    if look.far == "island":
        far.blob(
            [(far_x - 0.34, 0.49), (far_x - 0.1, 0.6), (far_x + 0.12, 0.57), (far_x + 0.36, 0.49)], (134, 168, 150)
        )
    far.box((LEFT, -0.6), (RIGHT, 0.52), shade(look.sea, 0.92))
    _on_the_sea(scene, look, far_x)
    scene.haze(0.8)
    ridge(scene.pen(0.35), 0.455, 0.008, 7.0, 0.0, mix(look.sea, (214, 238, 236), 0.16), lift=0.01)
    ridge(scene.pen(0.6), 0.405, 0.01, 6.0, 1.0, mix(look.sea, (214, 238, 236), 0.36), lift=0.01)
    scene.haze(0.3)
    ridge(scene.pen(0.95), 0.362, 0.014, 3.2, 2.0, (244, 246, 240))
    ridge(scene.pen(1.0), 0.338, 0.014, 3.2, 2.0, scene.ground(shade(look.sand, 0.9)))
    floor(scene, look.sand, top=0.3, swing=0.012, phase=2.0)
    near = scene.pen(1.0)
    if look.shelter == "parasol":
        _parasol(near, look.palm_x + side * 0.98, look.cloth, scene.snowy)
    else:
        _bathing_hut(near, look.palm_x + side * 0.98, look.cloth, scene.snowy)
    for index in range(look.palms):
        palm(near, look.palm_x - side * 0.24 * index, 0.28, 0.46 - 0.1 * index, side, (92, 146, 96), scene.snowy)


def _on_the_sea(scene: Scene, look: _Beach, x: float) -> None:
    pen = scene.pen(0.2)
    if look.far == "sail":
        pen.polygon([(x - 0.1, 0.5), (x + 0.12, 0.5), (x + 0.08, 0.46), (x - 0.07, 0.46)], TRUNK, lift=0.008)
        pen.polygon([(x, 0.51), (x, 0.7), (x - 0.1, 0.52)], (246, 240, 226), lift=0.01)
        pen.polygon([(x + 0.015, 0.51), (x + 0.015, 0.66), (x + 0.1, 0.52)], look.cloth)
    elif look.far == "lighthouse":
        pen.blob([(x - 0.18, 0.48), (x - 0.06, 0.545), (x + 0.1, 0.54), (x + 0.2, 0.48)], (134, 128, 128), lift=0.01)
        pen.polygon(
            [(x - 0.05, 0.53), (x + 0.05, 0.53), (x + 0.032, 0.72), (x - 0.032, 0.72)], (244, 236, 224), lift=0.01
        )
        pen.box((x - 0.043, 0.59), (x + 0.043, 0.64), look.cloth)
        scene.shining(0.2).box((x - 0.028, 0.72), (x + 0.028, 0.76), LAMP)
        pen.polygon([(x - 0.045, 0.76), (x + 0.045, 0.76), (x, 0.81)], look.cloth)


def _parasol(pen: Pen, x: float, cloth: Colour, snowy: bool) -> None:
    pen.stroke([(x, 0.27), (x + 0.03, 0.66)], 0.022, (230, 216, 196))
    panels = ((-0.24, -0.08), (-0.08, 0.08), (0.08, 0.24))
    dome = [(-0.24, 0.54), (-0.18, 0.62), (-0.06, 0.68), (0.06, 0.68), (0.18, 0.62), (0.24, 0.54)]
    pen.polygon([(x + 0.02 + a, b) for a, b in dome], SNOW if snowy else cloth, lift=0.02)
    low, high = panels[1]
    pen.polygon([(x + 0.02 + low, 0.54), (x + 0.02 + high, 0.54), (x + 0.04, 0.685), (x, 0.685)], (246, 238, 222))


def _bathing_hut(pen: Pen, x: float, cloth: Colour, snowy: bool) -> None:
    pen.box((x - 0.15, 0.27), (x + 0.15, 0.52), (244, 236, 220), lift=0.02)
    for dx in (-0.15, -0.03, 0.09):
        pen.box((x + dx, 0.27), (x + dx + 0.06, 0.52), cloth)
    pen.polygon([(x - 0.2, 0.51), (x + 0.2, 0.51), (x, 0.68)], SNOW if snowy else shade(cloth, 0.84), lift=0.016)


@dataclass(frozen=True)
class _River:
    water: Colour
    grass: Colour
    leaves: Colour
    crossing: str
    crossing_x: float
    bend: float
    """-1 or 1: the side that the river comes from in the distance."""
    firs: bool


def _river(dice: Random) -> _River:
    grass, leaves = dice.choice(
        (((182, 202, 132), (104, 152, 104)), ((196, 198, 134), (194, 142, 82)), ((160, 196, 150), (84, 138, 124)))
    )
    return _River(
        water=dice.choice(((92, 162, 200), (104, 176, 184), (112, 150, 206))),
        grass=grass,
        leaves=leaves,
        crossing=dice.choice(("stone", "wood", "none")),
        crossing_x=dice.choice((0.5, 1.25)),
        bend=dice.choice((-1.0, 1.0)),
        firs=dice.random() < 0.4,
    )


def draw_river(scene: Scene, dice: Random) -> None:
    """A river that winds out of the hills and crosses the frame behind the near bank."""
    scene.sky(dice)
    look = _river(dice)
    ridge(
        scene.pen(0.15),
        0.56,
        0.045,
        2.6,
        look.bend,
        scene.ground(mix(look.leaves, (186, 208, 214), 0.6), 0.15),
        lift=0.012,
    )
    scene.haze(0.7)
    meadow = scene.pen(0.5)
    ridge(meadow, 0.49, 0.02, 1.9, 2 * look.bend, scene.ground(shade(look.grass, 0.94)), lift=0.014)
    _winding(scene, meadow, look)
    trees = (-0.2, 0.06, 0.3, 1.46, 1.66, 1.95)
    middle = scene.pen(0.6)
    for index, x in enumerate(trees):
        height = 0.34 + 0.08 * (index * 2 % 3)
        (pine if look.firs else round_tree)(
            middle, x, 0.42, height, shade(look.leaves, 0.95 + 0.07 * (index % 2)), scene.snowy
        )
    scene.haze(0.4)
    water = scene.pen(0.8)
    ridge(water, 0.405, 0.01, 2.8, look.bend, look.water, lift=0.01)
    for x, y in ((0.22, 0.36), (0.8, 0.3), (1.2, 0.355), (1.62, 0.31)):
        water.box((x - 0.12, y - 0.008), (x + 0.12, y + 0.008), mix(look.water, (240, 248, 248), 0.5))
    _crossing(scene, look)
    floor(scene, look.grass, top=0.245, swing=0.016, phase=look.bend + 1)
    for x in (0.875 - 0.66 * look.bend, 0.875 + 0.5 * look.bend):
        _reeds(scene, x)


def _winding(scene: Scene, pen: Pen, look: _River) -> None:
    b = look.bend
    near = [(0.875 - 0.3 * b, 0.36), (0.875 + 0.08 * b, 0.42), (0.875 + 0.2 * b, 0.45), (0.875 + 0.08 * b, 0.478)]
    back = [(0.875 + 0.14 * b, 0.478), (0.875 + 0.36 * b, 0.452), (0.875 + 0.42 * b, 0.42), (0.875 + 0.5 * b, 0.36)]
    pen.polygon([*near, *back], mix(look.water, (220, 236, 240), 0.2))


def _crossing(scene: Scene, look: _River) -> None:
    pen, x = scene.pen(0.8), look.crossing_x
    if look.crossing == "stone":
        stone: Colour = (186, 176, 170)
        arch = [(-0.4, 0.3), (-0.4, 0.45), (-0.2, 0.52), (0, 0.545), (0.2, 0.52), (0.4, 0.45), (0.4, 0.3), (0.22, 0.3)]
        arch += [(0.19, 0.39), (0.1, 0.44), (0, 0.455), (-0.1, 0.44), (-0.19, 0.39), (-0.22, 0.3)]
        pen.polygon([(x + a, b) for a, b in arch], stone, lift=0.02)
        rail = [(x - 0.4, 0.45), (x - 0.2, 0.52), (x, 0.545), (x + 0.2, 0.52), (x + 0.4, 0.45)]
        pen.curve(rail, 0.034, SNOW if scene.snowy else shade(stone, 0.84))
    elif look.crossing == "wood":
        for dx in (-0.36, -0.12, 0.12, 0.36):
            pen.box((x + dx - 0.018, 0.29), (x + dx + 0.018, 0.54), shade(TRUNK, 0.9))
        pen.box((x - 0.46, 0.405), (x + 0.46, 0.445), SNOW if scene.snowy else (178, 132, 96), lift=0.018)
        pen.box((x - 0.46, 0.51), (x + 0.46, 0.535), (178, 132, 96), lift=0.01)


def _reeds(scene: Scene, x: float) -> None:
    pen = scene.pen(1.0)
    for dx, tall in ((-0.07, 0.17), (-0.02, 0.24), (0.04, 0.2), (0.09, 0.14)):
        pen.stroke([(x + dx * 0.6, 0.22), (x + dx, 0.22 + tall)], 0.018, (122, 148, 92))
        pen.ellipse((x + dx, 0.22 + tall), (0.017, 0.042), SNOW if scene.snowy else (138, 98, 72))
    bush(pen, x, 0.2, 0.08, (132, 160, 100), scene.snowy)
