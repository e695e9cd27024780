"""Asks the cells of CLIP's picture tower who covers them and how they look: a lesson that ends with the training.

Captions say what is in a picture and never where, and a figure is a hundredth of it: from them alone kinds are learned
very slowly. The renderer knows where everybody is. Once the tower's maps tell a cat from a fox, its pooling only has to
collect what is there already. Knows no sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import KINDS
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, IDENTITY
from filmagent.training.papercut.world import Figure, ShotScript

NOBODY = -1
UNASKED = -100
"""The label that cross-entropy leaves out."""
ANSWERS = {
    "somebody": (False, True),
    "kind": KINDS,
    **{question: FIGURE_QUESTIONS[question] for question in IDENTITY},
}
"""What every cell is asked; only the first where nobody is."""
KIND_COUNTS = 4.0
"""How many other questions the kind counts for: the hardest, and nothing can be said of somebody without it."""
STAGES = ("layer2", "layer3", "layer4")
"""The tower's maps that answer together, at an eighth, a sixteenth and a 32nd of the picture's side."""


class CellQuestions(nn.Module):
    """Reads the answers from the maps of an open_clip ModifiedResNet."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        """For a tower whose first stage has so many channels."""
        super().__init__()
        self.into = nn.ModuleList(nn.Conv2d(width * 8 * 2**stage, hidden, 1) for stage in range(len(STAGES)))
        self.out = nn.Conv2d(hidden, sum(map(len, ANSWERS.values())), 1)
        self._maps: dict[str, Tensor] = {}

    def listen_to(self, tower: Any) -> None:
        """Keep the tower's maps whenever it looks at pictures."""
        for stage in STAGES:
            getattr(tower, stage).register_forward_hook(
                lambda module, given, made, stage=stage: self._maps.__setitem__(stage, made)
            )

    def loss(self, who: Tensor, scripts: Sequence[ShotScript]) -> Tensor:
        """Cross-entropy, a weighted mean over the questions, of the pictures that the tower saw last.

        Args:
            who: whose figure every pixel of these pictures shows [B, height, width]: read at the centres of cells.
            scripts: of the same pictures.
        """
        # The tower may have computed in bfloat16; these questions are small and are asked in float32.
        maps = [self._maps[stage].float() for stage in STAGES]
        size = maps[0].shape[-2:]
        known = [
            F.interpolate(into(each), size=size, mode="bilinear", align_corners=False)
            for into, each in zip(self.into, maps, strict=True)
        ]
        logits = self.out(F.silu(torch.stack(known).sum(0))).float()
        shown = F.interpolate(who[:, None].float(), size=size, mode="nearest-exact")[:, 0]
        asked = answers_of(shown, scripts)
        parts = logits.split([len(each) for each in ANSWERS.values()], dim=1)
        losses = [
            F.cross_entropy(part, labels, ignore_index=UNASKED) * (KIND_COUNTS if question == "kind" else 1.0)
            for question, part, labels in zip(ANSWERS, parts, asked.unbind(1), strict=True)
            if (labels != UNASKED).any()
        ]
        return torch.stack(losses).sum() / (len(ANSWERS) - 1 + KIND_COUNTS)


def see_maps(tower: Any, images: Tensor) -> None:
    """Let an open_clip ModifiedResNet see images of any size as far as its last map, before what it pools."""
    seen = tower.stem(images)
    for stage in (tower.layer1, tower.layer2, tower.layer3, tower.layer4):
        seen = stage(seen)


def who_covers(
    masks: dict[int, np.ndarray[Any, np.dtype[np.bool_]]], height: int, width: int
) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Whose figure every pixel shows, int [height, width], or `NOBODY`; masks [height, width] by figure."""
    who = np.full((height, width), NOBODY, np.int8)
    for figure, mask in masks.items():
        who[mask] = figure
    return who


def answers_of(who: Tensor, scripts: Sequence[ShotScript]) -> Tensor:
    """The true answers [B, questions, h, w] where `who` [B, h, w] tells which figure of each script a pixel shows."""
    count = max((len(script.figures) for script in scripts), default=0)
    table = torch.full((len(scripts), 1 + count, len(ANSWERS)), UNASKED)
    table[:, 0, 0] = 0
    for row, script in enumerate(scripts):
        for index, figure in enumerate(script.figures):
            table[row, 1 + index] = torch.tensor([_answer(figure, question) for question in ANSWERS])
    rows = torch.arange(len(scripts)).view(-1, 1, 1)
    return table[rows, who.long() + 1].permute(0, 3, 1, 2)


def _answer(figure: Figure, question: str) -> int:
    if question == "somebody":
        return 1
    value = getattr(figure, question) or None
    if question == "pattern_colour" and not figure.pattern:
        return UNASKED
    return ANSWERS[question].index(value)
