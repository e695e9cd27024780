"""The railway station: a hall over a platform. Knows no figures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from filmagent.training.papercut.world.palette import SKY, Colour, mix, shade
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.places.rooms import view
from filmagent.training.papercut.world.places.scene import LAMP, LEFT, RIGHT, Scene

_IRON: Colour = (84, 92, 112)


@dataclass(frozen=True)
class _Station:
    train: Colour
    steam: bool
    """A steam engine, else a railcar."""
    way: int
    """Which way the train looks."""
    wall: Colour
    arches: tuple[float, ...]
    clock_x: float
    platform: Colour


def _station(dice: Random) -> _Station:
    way = dice.choice((-1, 1))
    return _Station(
        train=dice.choice(((186, 84, 82), (84, 132, 124), (92, 118, 166), (224, 170, 84))),
        steam=dice.random() < 0.5,
        way=way,
        wall=dice.choice(((214, 196, 176), (190, 196, 204), (206, 176, 160))),
        arches=dice.choice(((0.1, 0.62, 1.14, 1.66), (-0.14, 0.36, 0.875, 1.39, 1.9))),
        clock_x=0.875 - way * dice.choice((0.1, 0.4)),
        platform=dice.choice(((206, 200, 192), (198, 188, 178))),
    )


def draw_station(scene: Scene, dice: Random) -> None:
    """Arched windows under an iron roof, a train, a clock over the platform."""
    look = _station(dice)
    back = scene.pen(0.35)
    back.box((LEFT, -0.6), (RIGHT, 1.6), look.wall)
    for x in look.arches:
        _arch(scene, back, x, look)
    roof = scene.pen(0.5)
    roof.box((LEFT, 0.93), (RIGHT, 1.6), _IRON, lift=0.02)
    for index in range(7):
        x = LEFT + 0.25 + 0.46 * index
        roof.polygon([(x - 0.18, 0.94), (x + 0.18, 0.94), (x + 0.03, 0.87), (x - 0.03, 0.87)], _IRON)
    track = scene.pen(0.75)
    track.box((LEFT, -0.6), (RIGHT, 0.385), (88, 84, 96))
    _train(scene, look)
    _platform(scene, look)
    _clock(scene, look)


def _arch(scene: Scene, pen: Pen, x: float, look: _Station) -> None:
    frame = mix(look.wall, (250, 244, 232), 0.6)
    pen.ellipse((x, 0.72), (0.215, 0.2), frame, lift=0.012)
    pen.box((x - 0.215, 0.3), (x + 0.215, 0.72), frame)
    view(scene, 0.35, x, 0.4, 0.18, 0.72)
    half = [
        (x + 0.18 * a, 0.715 + 0.165 * b)
        for a, b in ((-1, 0), (-0.87, 0.5), (-0.5, 0.87), (0, 1), (0.5, 0.87), (0.87, 0.5), (1, 0))
    ]
    scene.glow(0.35).polygon(half, SKY[scene.time][0])
    pen.box((x - 0.012, 0.4), (x + 0.012, 0.88), frame)
    pen.box((x - 0.18, 0.7), (x + 0.18, 0.724), frame)


def _train(scene: Scene, look: _Station) -> None:
    pen, s = scene.pen(0.75), look.way
    nose = 0.875 + 0.62 * s

    def x(back: float) -> float:
        return nose - s * back

    def box(back: float, low: float, front: float, high: float, colour: Colour, lift: float = 0.0) -> None:
        pen.box((min(x(back), x(front)), low), (max(x(back), x(front)), high), colour, lift)

    coach = 0.62 if look.steam else 0.0
    end = 2.4
    box(end, 0.37, coach, 0.4, (70, 70, 84))
    box(end, 0.39, coach + 0.03, 0.64, look.train, 0.02)
    if not look.steam:
        front = [(x(0.05), 0.39), (x(-0.06), 0.41), (x(-0.03), 0.54), (x(0.06), 0.64)]
        pen.polygon(front, look.train, lift=0.014)
    box(end, 0.63, coach + 0.01, 0.675, shade(look.train, 0.72), 0.012)
    box(end, 0.43, coach + 0.03, 0.455, mix(look.train, (250, 240, 220), 0.6))
    glass: Colour = LAMP if scene.lamps else (206, 222, 226)
    for index in range(7):
        back = coach + 0.12 + 0.24 * index
        low, high = sorted((x(back), x(back + 0.15)))
        scene.shining(0.75).box((low, 0.5), (high, 0.595), glass)
    if look.steam:
        _engine(scene, pen, nose, s, look.train)


def _engine(scene: Scene, pen: Pen, nose: float, s: int, colour: Colour) -> None:
    def at(back: float, y: float) -> tuple[float, float]:
        return nose - s * back, y

    dark = shade(colour, 0.6)
    for back, y, size in ((0.02, 0.8, 0.06), (0.12, 0.85, 0.085), (0.28, 0.88, 0.07)):
        pen.ellipse(at(back, y), (size, size * 0.8), (236, 234, 230), lift=0.008)
    pen.polygon([at(0.07, 0.6), at(0.15, 0.6), at(0.165, 0.73), at(0.055, 0.73)], dark)
    pen.polygon(
        [at(0.4, 0.42), at(0.03, 0.42), at(0.0, 0.46), at(0.0, 0.58), at(0.03, 0.61), at(0.4, 0.61)], colour, lift=0.02
    )
    pen.polygon([at(0.6, 0.4), at(0.36, 0.4), at(0.36, 0.7), at(0.6, 0.7)], shade(colour, 0.86), lift=0.014)
    pen.polygon([at(0.63, 0.69), at(0.33, 0.69), at(0.36, 0.74), at(0.6, 0.74)], dark)
    glass: Colour = LAMP if scene.lamps else (206, 222, 226)
    scene.shining(0.75).polygon([at(0.55, 0.56), at(0.42, 0.56), at(0.42, 0.65), at(0.55, 0.65)], glass)
    for back in (0.1, 0.26, 0.48):
        pen.ellipse(at(back, 0.4), (0.058, 0.058), (70, 70, 84), lift=0.008)
        pen.ellipse(at(back, 0.4), (0.025, 0.025), (206, 188, 160))
    pen.polygon([at(0.02, 0.37), at(-0.09, 0.37), at(0.0, 0.43)], dark)
    scene.shining(0.75).ellipse(at(0.0, 0.55), (0.028, 0.028), LAMP)


def _platform(scene: Scene, look: _Station) -> None:
    pen = scene.pen(1.0)
    pen.box((LEFT, -0.6), (RIGHT, 0.355), look.platform, lift=0.016)
    pen.box((LEFT, 0.3), (RIGHT, 0.326), (240, 206, 110))
    pen.box((LEFT, -0.6), (RIGHT, 0.13), shade(look.platform, 0.94))


def _clock(scene: Scene, look: _Station) -> None:
    pen, x = scene.pen(0.85), look.clock_x
    pen.box((x - 0.014, 0.84), (x + 0.014, 1.6), _IRON)
    pen.ellipse((x, 0.765), (0.1, 0.1), _IRON, lift=0.02)
    scene.shining(0.85).ellipse((x, 0.765), (0.078, 0.078), (255, 240, 196) if scene.lamps else (248, 244, 232))
    pen.stroke([(x, 0.82), (x, 0.765), (x + 0.042, 0.745)], 0.018, _IRON)
    for post in (-0.15, 1.9):
        pen.box((post - 0.035, 0.3), (post + 0.035, 1.6), _IRON, lift=0.018)
