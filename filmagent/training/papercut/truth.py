"""Asks the middle of the denoiser who is where, and the text encoder whom every word speaks of: the world knows both.

Only used while training; nothing of it is exported. Knows no noise and no pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import KINDS, MAX_ROLES
from filmagent.training.papercut.captions import Said
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


WHERE = tuple((count, index) for count in range(1, MAX_ROLES + 1) for index in range(count))
"""Of how many figures a word's is which, from left to right."""


class WordHeads(nn.Module):
    """Linear questions to the encoded words: which of how many figures each speaks of, and of what kind that is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ask = nn.Linear(width, 1 + len(WHERE) + 1 + len(KINDS))

    def loss(self, text: Tensor, said: Sequence[Said]) -> Tensor:
        """Sum of both mean cross-entropies; text [B, room, width]. Sentences without words are not asked."""
        truth = torch.full((2, *text.shape[:2]), UNKNOWN)
        for row, each in enumerate(said):
            truth[:, row, : len(each.roles)] = answers_of_words(each)[:, : text.shape[1]]
        if not (truth != UNKNOWN).any():
            return text.sum() * 0
        answers = self.ask(F.layer_norm(text.float(), text.shape[-1:])).split([1 + len(WHERE), 1 + len(KINDS)], dim=-1)
        asked = truth.to(text.device)
        losses = [
            F.cross_entropy(answer.flatten(0, 1), asked[index].flatten(), ignore_index=UNKNOWN)
            for index, answer in enumerate(answers)
        ]
        return torch.stack(losses).sum()


def answers_of_words(said: Said) -> Tensor:
    """Answers [2, words] for a sentence, from `WHERE` and `KINDS`, one-based; 0 where a word speaks of nobody."""
    count = max(said.roles, default=-1) + 1
    kinds = {role: 1 + KINDS.index(word) for word, role in zip(said.sentence.split(), said.roles, strict=True)
             if role >= 0 and word in KINDS}  # fmt: skip
    where = [1 + WHERE.index((count, role)) if role >= 0 else 0 for role in said.roles]
    return torch.tensor([where, [kinds.get(role, 0) for role in said.roles]]).view(2, -1)
