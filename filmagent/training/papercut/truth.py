"""Asks the middle of the denoiser who is where, and the text encoder whom every word speaks of: the world knows both.

Only used while training; nothing of it is exported. Knows no noise and no pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import ACTIONS, KINDS, LAYOUTS, MAX_ROLES, PLACES
from filmagent.training.papercut.captions import Said
from filmagent.training.papercut.probe.questions import FIGURE_QUESTIONS, IDENTITY, Answer
from filmagent.training.papercut.world import HEIGHT, WIDTH, Setting, ShotScript, standing
from filmagent.training.papercut.world.stage import EXPOSURE, Stage

PLACE, LAYOUT = "place", "layout"
"""Where a frame is, and how that is arranged: asked of all its tokens, those of a keyframe about its own place, so that
memory can be searched for the place of a shot."""
QUESTIONS: dict[str, tuple[Answer | int, ...]] = {
    "kind": (None, *KINDS),
    **{question: FIGURE_QUESTIONS[question] for question in IDENTITY},
    "action": ACTIONS,
    "facing": (-1, 1),
    PLACE: PLACES,
    LAYOUT: tuple(range(len(LAYOUTS))),
}
"""What is asked of every token, and the possible answers; only `kind` and where it is have one where nobody is."""
DEEDS = ("action", "facing")
"""Questions about what somebody does, not about who it is: only asked of the shot, not of memory."""
BODY_WEIGHT = 10.0
"""Squares of body coordinates are about a tenth: so they weigh as much as a question."""
MEMORY_SHARE = 0.3
"""How much the answers at memory's tokens count beside those at the shot's: who is in a clean picture is soon known,
who must be in a noisy one is the question that memory has to answer."""
UNKNOWN = -100
"""The label of a question that has no answer at a token; cross-entropy leaves it out."""


def labels(script: ShotScript, who: Tensor, remembered: Sequence[Setting] = ()) -> Tensor:
    """Answers [questions, tokens], int64, for tokens that show the figures `who` [frames, rows, columns], -1 nobody.

    As many frames in front as `remembered` has settings are memory, and were filmed there: who is in them is the same
    as in the shot, what they do is not asked.
    """
    flat, a_frame = who.flatten().long(), who[0].numel()
    of_memory = torch.arange(len(flat)) < len(remembered) * a_frame
    settings = [*remembered, *[script.setting] * (len(who) - len(remembered))]
    acting = {part.subject: part for part in script.performances}
    rows = []
    for question, answers in QUESTIONS.items():
        if question in (PLACE, LAYOUT):
            row = torch.tensor([answers.index(getattr(each, question)) for each in settings]).repeat_interleave(a_frame)
        else:
            table = [0 if question == "kind" else UNKNOWN]
            for index, figure in enumerate(script.figures):
                said = getattr(acting.get(index) if question in DEEDS else figure, question, UNKNOWN)
                table.append(answers.index(said) if said in answers else UNKNOWN)
            row = torch.tensor(table)[flat + 1]
        rows.append(row.masked_fill(of_memory, UNKNOWN) if question in DEEDS else row)
    return torch.stack(rows)


def body_coordinates(script: ShotScript, who: Tensor) -> Tensor:
    """Where on its figure each token [pictures, rows, columns] of a shot is: [2, tokens], NaN where that is unknown.

    In heights of the figure: how far ahead of its middle, the way it faces, and how far above its feet. Unknown once a
    camera begins to push in.
    """
    found = torch.full((2, *who.shape), torch.nan)
    _, rows, columns = who.shape
    y = (torch.arange(rows) + 0.5)[:, None].expand(rows, columns) / rows
    x = (torch.arange(columns) + 0.5)[None].expand(rows, columns) / columns
    for frame in range(1 if script.camera == "in" else len(who)):
        seconds = frame * EXPOSURE
        slid = Stage(script.size, script.camera, seconds).slide() / WIDTH
        for part in script.performances:
            there, shown = standing(script, part, seconds), who[frame] == part.subject
            ahead = part.facing * (x - there.x + slid) * (WIDTH / HEIGHT) / there.height
            found[:, frame, shown] = torch.stack([ahead, (there.feet - y) / there.height])[:, shown]
    return found.flatten(1)


class TruthHeads(nn.Module):
    """Linear questions to the hidden states of one block, which a hook keeps for them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ask = nn.Linear(width, sum(len(answers) for answers in QUESTIONS.values()) + 2)
        self.hidden: Tensor | None = None

    def listen_to(self, block: nn.Module) -> None:
        """Keep the block's output [B, tokens, width] whenever it runs."""

        def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
            self.hidden = output

        block.register_forward_hook(keep)

    def loss(self, truth: Tensor, body: Tensor, of_memory: Tensor) -> Tensor:
        """Mean error over the questions, cross-entropy or squared, of the block's last run.

        Args:
            truth: [B, questions, tokens], from `labels`.
            body: [B, 2, tokens], from `body_coordinates`; NaN is not asked.
            of_memory: which tokens [B, tokens] are memory's.
        """
        *answers, spots = self._asked()
        parts = [(truth.masked_fill(of_memory[:, None], UNKNOWN), 1.0)]
        if bool(of_memory.any()):
            parts = [(parts[0][0], 1 - MEMORY_SHARE), (truth.masked_fill(~of_memory[:, None], UNKNOWN), MEMORY_SHARE)]
        found = [
            torch.stack([share * mean_error(answer.transpose(1, 2), part[:, index]) for part, share in parts]).sum()
            for index, answer in enumerate(answers)
        ]
        known = ~body.isnan()
        off = (spots.transpose(1, 2) - body.nan_to_num())[known]
        found.append(BODY_WEIGHT * off.pow(2).sum() / known.sum().clamp(min=1))
        return torch.stack(found).mean()

    def answers(self) -> dict[str, Tensor]:
        """Logits [B, tokens, choices] by question, of the block's last run."""
        return dict(zip(QUESTIONS, self._asked(), strict=False))

    def _asked(self) -> tuple[Tensor, ...]:
        """Logits of every question, then body coordinates; the hidden states are given up."""
        if self.hidden is None:
            raise RuntimeError("the block that the truth heads listen to has not run")
        hidden, self.hidden = F.layer_norm(self.hidden.float(), self.hidden.shape[-1:]), None
        parts: tuple[Tensor, ...] = self.ask(hidden).split([*map(len, QUESTIONS.values()), 2], dim=-1)
        return parts


def mean_error(answer: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of answers [B, choices, tokens] over the tokens that have a true one [B, tokens]; 0 without any."""
    total = F.cross_entropy(answer, truth, ignore_index=UNKNOWN, reduction="sum")
    return total / (truth != UNKNOWN).sum().clamp(min=1)


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
