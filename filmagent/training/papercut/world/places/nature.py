"""The forest, the meadow, the mountain and the desert. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places.plants import TRUNK, bush, cactus, flower, pine, round_tree
from filmagent.training.papercut.world.places.scene import LEFT, SNOW, Scene, floor, ridge


@dataclass(frozen=True)
class _Forest:
    leaves: Colour
    floor: Colour
    firs: bool
    near: tuple[float, ...]
    """Where the great trunks stand whose crowns lie above the frame."""
    row: tuple[float, ...]
    thing: str
    thing_x: float


def _forest(dice: Random) -> _Forest:
    leaves, ground = dice.choice(
        (
            ((82, 134, 96), (172, 176, 118)),
            ((66, 122, 122), (158, 178, 146)),
            ((196, 128, 72), (196, 172, 124)),
            ((142, 152, 74), (188, 178, 120)),
        )
    )
    near = dice.choice(((0.26,), (1.5,), (0.2, 1.42), (0.4, 1.62)))
    row = dice.choice(((-0.26, 0.04, 0.52, 0.9, 1.2, 1.7, 2.0), (-0.2, 0.3, 0.68, 1.1, 1.36, 1.8)))
    thing_x = 1.3 if near[0] < 0.3 else 0.46
    return _Forest(leaves, ground, dice.random() < 0.5, near, row, dice.choice(("mushroom", "stump", "fern")), thing_x)


def draw_forest(scene: Scene, dice: Random) -> None:
    """A wall of trees behind a clearing, with great trunks in front."""
    scene.sky(dice, tint=(168, 206, 160), clouds=False)
    look = _forest(dice)
    far, middle = scene.pen(0.25), scene.pen(0.55)
    pale = mix(look.leaves, (206, 222, 206), 0.55)
    for index, x in enumerate((-0.1, 0.2, 0.45, 0.75, 1.0, 1.28, 1.55, 1.85)):
        _tree(far, x, 0.3, 0.46 + 0.07 * (index * 2 % 3), pale, look.firs, scene.snowy)
    scene.haze(0.7)
    ridge(scene.pen(0.4), 0.41, 0.012, 3.0, 1.0, scene.ground(mix(look.leaves, (206, 214, 170), 0.35), 0.4))
    for index, x in enumerate(look.row):
        tone = shade(look.leaves, 0.94 + 0.1 * (index % 2))
        _tree(middle, x, 0.36, 0.4 + 0.12 * (index % 2), tone, look.firs, scene.snowy)
    scene.haze(0.5)
    floor(scene, look.floor)
    near = scene.pen(1.0)
    for x in look.near:
        _great_trunk(near, x, shade(look.leaves, 0.74))
    _forest_thing(scene, near, look)
    _fringe_of_leaves(near, shade(look.leaves, 0.7), scene.snowy)


def _tree(pen: Pen, x: float, base: float, height: float, colour: Colour, fir: bool, snowy: bool) -> None:
    (pine if fir else round_tree)(pen, x, base, height, colour, snowy)


def _great_trunk(pen: Pen, x: float, leaves: Colour) -> None:
    bark = shade(TRUNK, 0.74)
    foot = [(x - 0.13, 0.27), (x - 0.06, 0.34), (x - 0.05, 1.5), (x + 0.05, 1.5), (x + 0.06, 0.35), (x + 0.14, 0.28)]
    pen.polygon([*foot, (x, 0.295)], bark, lift=0.026)
    pen.stroke([(x + 0.02, 0.62), (x + 0.16, 0.76)], 0.034, bark)
    pen.ellipse((x + 0.19, 0.78), (0.1, 0.06), leaves, angle=0.5, lift=0.014)
    pen.ellipse((x - 0.008, 0.56), (0.018, 0.028), shade(bark, 0.72))


def _fringe_of_leaves(pen: Pen, colour: Colour, snowy: bool) -> None:
    """A fringe of leaves that hangs into the frame from above."""
    for index in range(9):
        x = LEFT + 0.16 + index * 0.33
        pen.ellipse((x, 1.06), (0.24, 0.15 + 0.05 * (index % 2)), colour, lift=0.016)


def _forest_thing(scene: Scene, pen: Pen, look: _Forest) -> None:
    x = look.thing_x
    if look.thing == "mushroom":
        for dx, size in ((0.0, 1.0), (0.12, 0.66)):
            pen.box((x + dx - 0.022 * size, 0.29), (x + dx + 0.022 * size, 0.29 + 0.08 * size), (238, 226, 204))
            cap = [(-0.085, 0.065), (-0.06, 0.12), (0, 0.145), (0.06, 0.12), (0.085, 0.065), (0, 0.055)]
            colour = SNOW if scene.snowy else (192, 88, 78)
            pen.blob([(x + dx + a * size, 0.29 + b * size) for a, b in cap], colour, lift=0.012)
    elif look.thing == "stump":
        pen.polygon([(x - 0.12, 0.28), (x - 0.085, 0.4), (x + 0.085, 0.4), (x + 0.12, 0.28)], TRUNK, lift=0.016)
        pen.ellipse((x, 0.4), (0.085, 0.026), SNOW if scene.snowy else (206, 174, 132))
    else:
        bush(pen, x, 0.28, 0.12, shade(look.leaves, 0.86), scene.snowy)
        bush(pen, x + 0.14, 0.27, 0.08, look.leaves, scene.snowy)


@dataclass(frozen=True)
class _Meadow:
    grass: Colour
    petals: tuple[Colour, Colour]
    hills: float
    """Where the waves of the hills begin."""
    thing: str
    thing_x: float


def _meadow(dice: Random) -> _Meadow:
    grass = dice.choice(((186, 206, 122), (166, 202, 138), (204, 202, 124)))
    petals = dice.choice(
        (
            ((222, 98, 88), (246, 232, 206)),
            ((238, 234, 222), (246, 204, 96)),
            ((160, 128, 196), (226, 170, 200)),
            ((244, 196, 84), (232, 140, 92)),
        )
    )
    thing = dice.choice(("tree", "hay", "poplars", "balloon"))
    return _Meadow(grass, petals, dice.choice((0.0, 1.6, 3.3)), thing, dice.choice((0.38, 1.36)))


def draw_meadow(scene: Scene, dice: Random) -> None:
    """Wide rolling hills, striped with flowers."""
    scene.sky(dice)
    look = _meadow(dice)
    if look.thing == "balloon":
        _balloon(scene, look)
    ridge(
        scene.pen(0.15),
        0.5,
        0.04,
        2.4,
        look.hills,
        scene.ground(mix(look.grass, (150, 190, 190), 0.6), 0.15),
        lift=0.012,
    )
    scene.haze(0.7)
    ridge(
        scene.pen(0.35),
        0.45,
        0.035,
        1.9,
        look.hills + 2,
        scene.ground(mix(look.grass, (122, 170, 118), 0.5), 0.35),
        lift=0.014,
    )
    if look.thing == "poplars":
        for index in range(4):
            x, tall = look.thing_x - 0.21 + 0.14 * index, 0.3 + 0.07 * (index % 2)
            scene.pen(0.4).ellipse((x, 0.42 + tall / 2), (0.045, tall / 2), (104, 142, 96), lift=0.012)
    ridge(
        scene.pen(0.6),
        0.405,
        0.022,
        2.6,
        look.hills + 4,
        scene.ground(mix(look.petals[0], look.grass, 0.3), 0.6),
        lift=0.014,
    )
    scene.haze(0.4)
    middle = scene.pen(0.7)
    if look.thing == "tree":
        round_tree(middle, look.thing_x, 0.36, 0.5, (112, 154, 92), scene.snowy)
    elif look.thing == "hay":
        for dx, size in ((-0.1, 0.18), (0.2, 0.13)):
            bush(middle, look.thing_x + dx, 0.35, size, (226, 188, 108), scene.snowy)
    floor(scene, look.grass, top=0.355, swing=0.014, phase=look.hills)
    near = scene.pen(1.0)
    if scene.snowy:
        for x in (0.12, 0.44, 1.3, 1.62):
            bush(near, x, 0.29, 0.08, shade(look.grass, 0.72), snowy=True)
    else:
        for index, x in enumerate((-0.08, 0.12, 0.28, 0.44, 1.22, 1.38, 1.56, 1.72, 1.88)):
            flower(near, x, 0.28 + 0.02 * (index * 2 % 3), 0.09 + 0.03 * (index % 2), look.petals[index % 2])


def _balloon(scene: Scene, look: _Meadow) -> None:
    pen, x = scene.pen(0.2), 1.74 - look.thing_x
    pen.polygon([(x - 0.06, 0.62), (x + 0.06, 0.62), (x + 0.025, 0.55), (x - 0.025, 0.55)], (214, 190, 160))
    pen.ellipse((x, 0.7), (0.115, 0.125), look.petals[0], lift=0.016)
    pen.ellipse((x, 0.7), (0.05, 0.125), look.petals[1])
    pen.box((x - 0.03, 0.515), (x + 0.03, 0.56), TRUNK)


@dataclass(frozen=True)
class _Mountain:
    rock: Colour
    ground: Colour
    peaks: tuple[tuple[float, float, float], ...]
    """(x, top, half width) from far to near."""
    thing: str
    thing_x: float


def _mountain(dice: Random) -> _Mountain:
    rock, ground = dice.choice(
        (
            ((126, 142, 172), (186, 186, 172)),
            ((150, 132, 168), (190, 180, 176)),
            ((168, 134, 122), (200, 184, 158)),
            ((112, 150, 158), (176, 188, 168)),
        )
    )
    peaks = dice.choice(
        (
            ((0.4, 0.82, 0.5), (1.36, 0.76, 0.5), (0.86, 0.95, 0.5)),
            ((1.0, 0.74, 0.5), (1.56, 0.8, 0.46), (0.46, 0.93, 0.56)),
            ((0.2, 0.78, 0.46), (0.74, 0.72, 0.46), (1.28, 0.93, 0.56)),
        )
    )
    return _Mountain(rock, ground, peaks, dice.choice(("pines", "boulders", "hut")), dice.choice((0.36, 1.4)))


def draw_mountain(scene: Scene, dice: Random) -> None:
    """Three snow-capped peaks over a stony pass."""
    scene.sky(dice)
    look = _mountain(dice)
    for x, top, wide in ((-0.2, 0.66, 0.5), (2.0, 0.68, 0.5), *look.peaks[:2]):
        _peak(scene.pen(0.12), x, top, wide, mix(look.rock, (214, 218, 226), 0.35), scene)
    scene.haze(0.6)
    _peak(scene.pen(0.2), *look.peaks[2], look.rock, scene)
    scene.haze(0.4)
    ridge(scene.pen(0.45), 0.43, 0.02, 3.4, 1.0, scene.ground(mix(look.rock, (112, 140, 116), 0.55), 0.45), lift=0.014)
    middle = scene.pen(0.65)
    spots = (-0.24, -0.12, 1.86, 2.0, look.thing_x - 0.14, look.thing_x + 0.14)
    for index, x in enumerate(spots if look.thing != "boulders" else spots[:4]):
        pine(middle, x, 0.35, 0.3 - 0.06 * (index % 2), (84, 120, 104), scene.snowy)
    if look.thing == "pines":
        pine(middle, look.thing_x, 0.34, 0.38, (74, 110, 98), scene.snowy)
    if look.thing == "hut":
        _hut(scene, middle, look.thing_x)
    floor(scene, look.ground, top=0.35, swing=0.012, phase=1.0)
    near = scene.pen(1.0)
    stones = (
        ((look.thing_x, 0.19), (look.thing_x + 0.22, 0.1))
        if look.thing == "boulders"
        else ((1.74 - look.thing_x, 0.09),)
    )
    for x, size in stones:
        _boulder(near, x, size, shade(look.rock, 0.92), scene)


def _peak(pen: Pen, x: float, top: float, wide: float, rock: Colour, scene: Scene) -> None:
    base, share = 0.36, 0.6 if scene.snowy else 0.36
    pen.polygon([(x - wide, base), (x + wide, base), (x, top)], rock, lift=0.016)
    pen.polygon(
        [(x, top), (x + wide, base), (x + wide * 0.24, base), (x + wide * 0.07, (top + base) / 2)], shade(rock, 0.86)
    )
    low, brim = top - (top - base) * share, wide * share
    edge = [(-1.0, 0.0), (-0.5, 0.07), (-0.2, -0.04), (0.14, 0.06), (0.5, -0.03), (1.0, 0.0)]
    pen.polygon([*((x + a * brim, low + b) for a, b in edge), (x, top)], (244, 246, 248))


def _boulder(pen: Pen, x: float, size: float, colour: Colour, scene: Scene) -> None:
    outline = [(-1, 0), (-0.8, 0.6), (-0.2, 0.95), (0.5, 0.75), (1, 0.1), (0.2, -0.1)]
    pen.polygon([(x + a * size, 0.27 + b * size) for a, b in outline], colour, lift=0.016)
    top = [(-0.8, 0.6), (-0.2, 0.95), (0.5, 0.75), (0.1, 0.5)]
    pen.polygon([(x + a * size, 0.27 + b * size) for a, b in top], SNOW if scene.snowy else shade(colour, 1.14))


def _hut(scene: Scene, pen: Pen, x: float) -> None:
    pen.box((x - 0.15, 0.32), (x + 0.15, 0.48), (156, 116, 88), lift=0.016)
    roof = SNOW if scene.snowy else (124, 84, 74)
    pen.polygon([(x - 0.21, 0.47), (x + 0.21, 0.47), (x, 0.63)], roof, lift=0.014)
    (scene.shining(0.65)).box((x - 0.1, 0.38), (x - 0.02, 0.45), (255, 222, 128) if scene.lamps else (206, 220, 222))
    pen.box((x + 0.03, 0.32), (x + 0.1, 0.44), (104, 74, 60))


@dataclass(frozen=True)
class _Desert:
    sand: Colour
    rock: Colour
    dunes: float
    mesa: tuple[tuple[float, float, float], ...]
    """(x, top, half width)."""
    cacti: tuple[tuple[float, float], ...]
    """(x, height)."""
    plant: Colour


def _desert(dice: Random) -> _Desert:
    sand, rock = dice.choice(
        (
            ((234, 200, 138), (206, 140, 104)),
            ((232, 182, 146), (184, 116, 112)),
            ((226, 206, 164), (194, 156, 120)),
        )
    )
    mesa = dice.choice(
        (((0.5, 0.62, 0.24), (1.5, 0.54, 0.16)), ((1.3, 0.64, 0.26), (0.34, 0.53, 0.14)), ((0.86, 0.56, 0.3),))
    )
    cacti = dice.choice(
        (((0.34, 0.44), (1.5, 0.26)), ((1.4, 0.46), (0.3, 0.22)), ((0.28, 0.36), (1.46, 0.4), (0.5, 0.18)))
    )
    return _Desert(sand, rock, dice.choice((0.0, 1.5, 3.0)), mesa, cacti, dice.choice(((92, 140, 104), (112, 146, 88))))


def draw_desert(scene: Scene, dice: Random) -> None:
    """Table rocks, dunes and great cacti."""
    scene.sky(dice, tint=(255, 214, 150), clouds=scene.weather != "clear")
    look = _desert(dice)
    for x, top, wide in look.mesa:
        pen = scene.pen(0.2)
        rock = mix(look.rock, (236, 206, 180), 0.25)
        outline = [(x - wide * 1.3, 0.36), (x - wide, top - 0.04), (x - wide * 0.9, top), (x + wide * 0.86, top)]
        pen.polygon([*outline, (x + wide, top - 0.05), (x + wide * 1.3, 0.36)], rock, lift=0.016)
        pen.polygon(
            [(x + wide * 0.3, 0.36), (x + wide * 0.4, top), *[(x + wide * 0.86, top), (x + wide * 1.3, 0.36)]],
            shade(rock, 0.9),
        )
        pen.box(
            (x - wide * 0.9, top - 0.025), (x + wide * 0.86, top + 0.012), SNOW if scene.snowy else shade(rock, 1.12)
        )
    scene.haze(0.8)
    ridge(scene.pen(0.4), 0.44, 0.03, 2.8, look.dunes, scene.ground(shade(look.sand, 0.94), 0.4), lift=0.014)
    scene.haze(0.4)
    ridge(scene.pen(0.65), 0.4, 0.026, 2.2, look.dunes + 2.4, scene.ground(shade(look.sand, 0.88), 0.65), lift=0.014)
    floor(scene, look.sand, top=0.35, swing=0.014, phase=look.dunes)
    near = scene.pen(1.0)
    for x, height in look.cacti:
        cactus(near, x, 0.3, height, look.plant, scene.snowy)
