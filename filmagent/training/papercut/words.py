"""Teaches the text encoder whom every word speaks of, before it is trained together with the denoiser. Draws nothing.

A denoiser learns binding late: its error changes little when a red hat sits on the wrong head. Asked directly, a small
encoder learns it in minutes, and the denoiser begins with words that know their figure.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch

from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel
from filmagent.training.papercut.captions import Said, said
from filmagent.training.papercut.text import encode_text, look_near
from filmagent.training.papercut.truth import WordHeads
from filmagent.training.papercut.world import sample_shot, sample_story

RATE = 3e-3
SENTENCES_A_STEP = 64
WITH_ATTRIBUTES = 0.7


def sentences(rng: random.Random) -> Iterator[Said]:
    """Sentences of shots of the world, without end; most speak of two or three."""
    while True:
        story = sample_story(rng, rng.choice((1, 2, 3, 3)))
        for _ in range(4):
            yield said(sample_shot(rng, story), rng, with_attributes=rng.random() < WITH_ATTRIBUTES)


def teach_words(
    tokenizer: PreTrainedTokenizerFast, encoder: UMT5EncoderModel, heads: WordHeads, steps: int, seed: int
) -> float:
    """Train the encoder and the questions asked of it for so many steps; returns the last loss, 0 without steps."""
    look_near(encoder)  # here, since weights that a training begins with bring their own
    drawn = sentences(random.Random(f"words {seed}"))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *heads.parameters()], RATE, weight_decay=0.0)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, max(steps, 1) + 1, pct_start=0.05)
    loss = torch.zeros(())
    for _ in range(steps):
        batch = [next(drawn) for _ in range(SENTENCES_A_STEP)]
        text = encode_text(tokenizer, encoder, [each.sentence for each in batch])
        loss = heads.loss(text, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        falling.step()
    return float(loss.detach())
