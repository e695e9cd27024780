"""Which colours the paper has and how the light of a time of day changes them. Knows no shapes."""

from __future__ import annotations

Colour = tuple[int, int, int]

PAPER: dict[str, Colour] = {
    "white": (246, 242, 232),
    "black": (58, 54, 66),
    "grey": (150, 153, 162),
    "brown": (132, 84, 52),
    "orange": (238, 136, 42),
    "yellow": (248, 210, 72),
    "pink": (244, 144, 176),
    "green": (38, 156, 84),
    "blue": (66, 118, 216),
    "red": (214, 46, 48),
    "purple": (134, 72, 184),
}

Tint = tuple[float, float, float]

PLACE_LIGHT: dict[str, Tint] = {
    "morning": (1.0, 0.93, 0.88),
    "day": (1.0, 1.0, 1.0),
    "evening": (0.95, 0.75, 0.69),
    "night": (0.38, 0.43, 0.61),
}

ROOM_LIGHT: dict[str, Tint] = {
    "morning": (1.0, 0.95, 0.89),
    "day": (1.0, 1.0, 1.0),
    "evening": (0.92, 0.78, 0.7),
    "night": (0.56, 0.52, 0.62),
}

WEATHER_LIGHT: dict[str, Tint] = {
    "clear": (1.0, 1.0, 1.0),
    "rain": (0.82, 0.87, 0.92),
    "snow": (0.97, 0.99, 1.02),
    "fog": (0.95, 0.96, 0.98),
}

SKY: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "morning": ((196, 202, 222), (226, 212, 216), (246, 218, 200), (252, 232, 196)),
    "day": ((132, 188, 220), (160, 206, 228), (190, 221, 232), (220, 235, 232)),
    "evening": ((96, 84, 146), (150, 98, 152), (212, 122, 128), (246, 170, 108)),
    "night": ((22, 28, 62), (29, 39, 80), (40, 53, 98), (58, 72, 118)),
}
"""Four papers from the zenith down to the horizon."""

SUN: dict[str, Colour] = {
    "morning": (255, 240, 200),
    "day": (255, 228, 122),
    "evening": (255, 134, 82),
    "night": (240, 236, 214),
}
"""The sun, at night the moon."""

HAZE: dict[str, Colour] = {
    "morning": (230, 222, 220),
    "day": (214, 222, 228),
    "evening": (190, 156, 164),
    "night": (82, 92, 122),
}
"""The pale air that fog, rain and snow put between the layers."""

# Figures stay brighter than the place behind them, so that a colour can still be named at night.
FIGURE_LIGHT: dict[str, Tint] = {
    "morning": (1.0, 0.96, 0.92),
    "day": (1.0, 1.0, 1.0),
    "evening": (1.0, 0.87, 0.79),
    "night": (0.76, 0.78, 0.9),
}


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (factor below 1) or brighter."""
    red, green, blue = (max(0, min(255, round(value * factor))) for value in colour)
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of the second colour in the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lit(colour: Colour, light: Tint) -> Colour:
    """The colour under a light."""
    red, green, blue = (max(0, min(255, round(value * part))) for value, part in zip(colour, light, strict=True))
    return red, green, blue
