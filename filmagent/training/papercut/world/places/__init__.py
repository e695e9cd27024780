"""The sets of the papercut theatre: places, each in as many layouts as one asks for, times of day and weathers."""

from filmagent.training.papercut.world.places.registry import draw_place
from filmagent.training.papercut.world.places.weather import draw_weather

__all__ = ["draw_place", "draw_weather"]
