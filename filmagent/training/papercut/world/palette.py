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
    "blue": (66, 118, 216),
    "pink": (244, 144, 176),
    "red": (214, 46, 48),
    "green": (38, 156, 84),
    "purple": (134, 72, 184),
}

Tint = tuple[float, float, float]

PLACE_LIGHT: dict[str, Tint] = {"day": (1.0, 1.0, 1.0), "evening": (0.98, 0.76, 0.66), "night": (0.32, 0.37, 0.56)}

# Figures stay brighter than the place behind them, so that a colour can still be named at night.
FIGURE_LIGHT: dict[str, Tint] = {"day": (1.0, 1.0, 1.0), "evening": (1.0, 0.87, 0.79), "night": (0.76, 0.78, 0.9)}


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
