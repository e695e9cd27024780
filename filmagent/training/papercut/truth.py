"""Asks the middle of the denoiser who is where: questions that the renderer can answer for every token.

Only used while training; nothing of it is exported. Knows no noise and no pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import KINDS
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, IDENTITY, Answer
from filmagent.training.papercut.world import ShotScript

QUESTIONS: dict[str, tuple[Answer, ...]] = {
    "kind": (None, *KINDS),
    **{question: FIGURE_QUESTIONS[question] for question in IDENTITY},
}
"""What is asked of every token, and the possible answers; only `kind` has an answer where nobody is."""
UNKNOWN = -100
"""The label of a question that has no answer at a token; cross-entropy leaves it out."""


def labels(script: ShotScript, who: Tensor) -> Tensor:
    """Answers [questions, tokens], int64, for tokens that show the figures `who` [frames, rows, columns], -1 nobody."""
    flat = who.flatten().long()
    rows = []
    for question, answers in QUESTIONS.items():
        nobody = 0 if question == "kind" else UNKNOWN
        table = [nobody]
        for figure in script.figures:
            said = getattr(figure, question)
            table.append(answers.index(said) if said in answers else UNKNOWN)
        rows.append(torch.tensor(table)[flat + 1])
    return torch.stack(rows)


class TruthHeads(nn.Module):
    """Linear questions to the hidden states of one block, which a hook keeps for them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ask = nn.Linear(width, sum(len(answers) for answers in QUESTIONS.values()))
        self.hidden: Tensor | None = None

    def listen_to(self, block: nn.Module) -> None:
        """Keep the block's output [B, tokens, width] whenever it runs."""

        def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
            self.hidden = output

        block.register_forward_hook(keep)

    def loss(self, truth: Tensor) -> Tensor:
        """Mean cross-entropy over the questions, of the block's last run; truth [B, questions, tokens]."""
        if self.hidden is None:
            raise RuntimeError("the block that the truth heads listen to has not run")
        logits = F.layer_norm(self.hidden.float(), self.hidden.shape[-1:])
        answers = self.ask(logits).split([len(each) for each in QUESTIONS.values()], dim=-1)
        found = [
            F.cross_entropy(answer.transpose(1, 2), truth[:, index], ignore_index=UNKNOWN, reduction="sum")
            / (truth[:, index] != UNKNOWN).sum().clamp(min=1)
            for index, answer in enumerate(answers)
        ]
        self.hidden = None
        return torch.stack(found).mean()
