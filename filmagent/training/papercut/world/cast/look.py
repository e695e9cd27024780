"""Which papers a figure is cut from: its words turned into colours. Knows no shapes."""

from __future__ import annotations

from dataclasses import dataclass

from filmagent.training.papercut.world.palette import PAPER, Colour, mix, shade
from filmagent.training.papercut.world.script import Figure

WHITE: Colour = (250, 248, 242)
DARK: Colour = (38, 33, 44)
BEAK: Colour = (242, 152, 40)
ROSE: Colour = (240, 150, 158)
SKIN: Colour = (246, 206, 172)
METAL: Colour = (176, 184, 196)


@dataclass(frozen=True)
class Look:
    """The papers of one figure: its own in three tones, its pattern's and its garment's."""

    main: Colour
    dark: Colour
    light: Colour
    garment: str
    cloth: Colour
    cloth_dark: Colour
    pattern: str | None
    mark: Colour


def look_of(figure: Figure) -> Look:
    """The papers of a figure."""
    main, cloth = PAPER[figure.colour], PAPER[figure.garment_colour]
    return Look(
        main=main,
        dark=shade(mix(main, (70, 50, 90), 0.12), 0.82),
        light=mix(main, WHITE, 0.5),
        garment=figure.garment,
        cloth=cloth,
        cloth_dark=shade(cloth, 0.78),
        pattern=figure.pattern,
        mark=PAPER[figure.pattern_colour] if figure.pattern_colour else main,
    )
