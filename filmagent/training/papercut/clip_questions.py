"""The questions that the scorers ask of a picture, with the world's true answers: kind, colour and scarf of figures.

Each question has sentences that differ in one word; the loss is the cross-entropy of the true one. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from filmagent.generation.papercut.vocabulary import COLOURS, KINDS, SCARF_COLOURS
from filmagent.scoring.words import with_article
from filmagent.training.papercut.world import ShotScript

ALL_COLOURS = tuple(dict.fromkeys((*COLOURS, *SCARF_COLOURS)))
"""A scarf's colour is offered for the figure too, and the other way round: the scorers do not know which is which."""


@dataclass(frozen=True)
class Answers:
    """Every figure of a batch: the picture it is in and what is true of it, as indices [figures]."""

    picture: Tensor
    kind: Tensor
    other_kind: Tensor
    """Kind of the other figure in the picture; the figure's own where it is alone."""
    colour: Tensor
    scarf: Tensor


def questions() -> tuple[str, ...]:
    """All sentences: kinds, then each kind in each colour, then each kind with a scarf of each colour."""
    kinds = [with_article(kind) for kind in KINDS]
    colours = [with_article(f"{colour} {kind}") for kind in KINDS for colour in ALL_COLOURS]
    scarves = [f"a {kind} with a {colour} scarf" for kind in KINDS for colour in ALL_COLOURS]
    return (*kinds, *colours, *scarves)


def answered(scripts: Sequence[ShotScript]) -> Answers:
    """The true answers for one picture of each script."""
    rows = []
    for index, script in enumerate(scripts):
        figures = [script.figures[part.subject] for part in script.performances]
        for figure in figures:
            other = next((one for one in figures if one is not figure), figure)
            rows.append(
                (
                    index,
                    KINDS.index(figure.kind),
                    KINDS.index(other.kind),
                    ALL_COLOURS.index(figure.colour),
                    ALL_COLOURS.index(figure.scarf),
                )
            )
    columns = torch.tensor(rows, dtype=torch.long).reshape(-1, 5).unbind(1)
    return Answers(*columns)


def zero_shot_loss(logits: Tensor, answers: Answers) -> Tensor:
    """Mean cross-entropy of the three questions about every figure; 0 when nobody is in any picture.

    Args:
        logits: pictures by `questions()`, scaled cosines.
        answers: of the same pictures.
    """
    if len(answers.picture) == 0:
        return logits.sum() * 0
    of_figures = logits[answers.picture]
    kinds = of_figures[:, : len(KINDS)]
    rest = of_figures[:, len(KINDS) :].reshape(-1, 2, len(KINDS), len(ALL_COLOURS))
    everybody = torch.arange(len(of_figures))
    elsewhere = F.one_hot(answers.other_kind, len(KINDS)).bool() & (answers.other_kind != answers.kind)[:, None]
    colours, scarves = rest[everybody, 0, answers.kind], rest[everybody, 1, answers.kind]
    return (
        F.cross_entropy(kinds.masked_fill(elsewhere, -torch.inf), answers.kind)
        + F.cross_entropy(colours, answers.colour)
        + F.cross_entropy(scarves, answers.scarf)
    ) / 3
