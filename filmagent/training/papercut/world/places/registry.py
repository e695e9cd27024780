"""Draws a place by its name. Knows no figures and nothing that falls in front of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import aggdraw
from PIL import Image

from filmagent.generation.papercut.vocabulary import INDOORS
from filmagent.training.papercut.world.places.living_room import draw_home
from filmagent.training.papercut.world.places.nature import draw_desert, draw_forest, draw_meadow, draw_mountain
from filmagent.training.papercut.world.places.rooms import draw_bedroom, draw_kitchen
from filmagent.training.papercut.world.places.scene import Scene
from filmagent.training.papercut.world.places.station import draw_station
from filmagent.training.papercut.world.places.towns import draw_city, draw_garden, draw_village
from filmagent.training.papercut.world.places.waters import draw_beach, draw_river
from filmagent.training.papercut.world.script import Setting
from filmagent.training.papercut.world.stage import HEIGHT, WIDTH, Stage

DRAWERS: dict[str, Callable[[Scene, Random], None]] = {
    "forest": draw_forest,
    "meadow": draw_meadow,
    "beach": draw_beach,
    "city": draw_city,
    "village": draw_village,
    "mountain": draw_mountain,
    "river": draw_river,
    "home": draw_home,
    "kitchen": draw_kitchen,
    "bedroom": draw_bedroom,
    "station": draw_station,
    "desert": draw_desert,
    "garden": draw_garden,
}


def draw_place(setting: Setting, time: str, weather: str, stage: Stage) -> Image.Image:
    """The empty place in RGB, `stage.WIDTH` x `stage.HEIGHT`; equal arguments give the identical picture.

    All words are the vocabulary's. Weather is not seen in `INDOORS` places.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT))
    canvas = aggdraw.Draw(image)
    indoors = setting.place in INDOORS
    scene = Scene(canvas, stage, time, "clear" if indoors else weather, indoors)
    DRAWERS[setting.place](scene, Random(f"{setting.place}/{setting.layout}"))
    canvas.flush()
    return image
