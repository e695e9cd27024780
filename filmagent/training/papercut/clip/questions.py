"""The questions that the scorers ask of a picture, with the world's true answers: kinds, colours, colours of things.

Each question has sentences that differ in one word; the loss is the cross-entropy of the true one. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from filmagent.generation.papercut.vocabulary import (
    COLOURS,
    GARMENT_COLOURS,
    GARMENTS,
    KINDS,
    PATTERN_COLOURS,
    PATTERNS,
    PLACES,
)
from filmagent.scoring.words import coloured_phrase, with_article
from filmagent.training.papercut.world import Figure, ShotScript

ALL_COLOURS = tuple(dict.fromkeys((*COLOURS, *GARMENT_COLOURS, *PATTERN_COLOURS)))
"""A garment's colour is offered for the figure too, and the other way round: the scorers do not know which is which."""
THINGS = (*GARMENTS, *PATTERNS)
NOT_THERE = -100
"""The answer about a thing that the figure has not; cross-entropy leaves it out."""


@dataclass(frozen=True)
class Answers:
    """Every figure of a batch: the picture it is in and what is true of it, as indices [figures]; places [pictures]."""

    picture: Tensor
    kind: Tensor
    elsewhere: Tensor
    """Kinds of the others in its picture, bool [figures, kinds]: these are not offered."""
    colour: Tensor
    thing: Tensor
    place: Tensor


def questions(thing: str) -> tuple[str, ...]:
    """All sentences: places, kinds, each kind in each colour, each kind with `thing` in each colour."""
    places = [f"the {place}" for place in PLACES]
    kinds = [with_article(kind) for kind in KINDS]
    colours = [with_article(f"{colour} {kind}") for kind in KINDS for colour in ALL_COLOURS]
    things = [with_article(coloured_phrase(kind, colour, thing)) for kind in KINDS for colour in ALL_COLOURS]
    return (*places, *kinds, *colours, *things)


def answered(scripts: Sequence[ShotScript], thing: str) -> Answers:
    """The true answers for one picture of each script."""
    rows, elsewhere = [], []
    for index, script in enumerate(scripts):
        figures = [script.figures[part.subject] for part in script.performances]
        for figure in figures:
            colour = _colour_of(figure, thing)
            rows.append(
                (
                    index,
                    KINDS.index(figure.kind),
                    ALL_COLOURS.index(figure.colour),
                    ALL_COLOURS.index(colour) if colour else NOT_THERE,
                )
            )
            others = {other.kind for other in figures if other is not figure}
            elsewhere.append([kind in others for kind in KINDS])
    picture, kind, colour_of, thing_of = torch.tensor(rows, dtype=torch.long).reshape(-1, 4).unbind(1)
    return Answers(
        picture=picture,
        kind=kind,
        elsewhere=torch.tensor(elsewhere, dtype=torch.bool).reshape(-1, len(KINDS)),
        colour=colour_of,
        thing=thing_of,
        place=torch.tensor([PLACES.index(script.setting.place) for script in scripts]),
    )


def _colour_of(figure: Figure, thing: str) -> str | None:
    if thing == figure.garment:
        return figure.garment_colour
    return figure.pattern_colour if thing == figure.pattern else None


def zero_shot_loss(logits: Tensor, answers: Answers) -> Tensor:
    """Mean cross-entropy of the questions that have an answer in the batch.

    Args:
        logits: pictures by `questions()`, scaled cosines.
        answers: of the same pictures, about the same thing.
    """
    places, rest = logits[:, : len(PLACES)], logits[:, len(PLACES) :]
    losses = [F.cross_entropy(places, answers.place)]
    if len(answers.picture):
        of_figures = rest[answers.picture]
        kinds = of_figures[:, : len(KINDS)].masked_fill(answers.elsewhere, -torch.inf)
        coloured = of_figures[:, len(KINDS) :].reshape(-1, 2, len(KINDS), len(ALL_COLOURS))
        everybody = torch.arange(len(of_figures))
        losses.append(F.cross_entropy(kinds, answers.kind))
        losses.append(F.cross_entropy(coloured[everybody, 0, answers.kind], answers.colour))
        if (answers.thing != NOT_THERE).any():
            things = coloured[everybody, 1, answers.kind]
            losses.append(F.cross_entropy(things, answers.thing, ignore_index=NOT_THERE))
    return torch.stack(losses).mean()
