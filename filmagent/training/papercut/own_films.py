"""Films clips with the network that is being trained, so that it practises filming on from frames of its own.

Whoever only ever films on from true frames has never seen a smear, and makes two of each: errors grow from frame to
frame. Trained on what it filmed itself, with the true next frame to be found, it learns to mend them (Bengio et al.,
"Scheduled Sampling", arXiv 1506.03099; for video Huang et al., "Self Forcing", arXiv 2506.08009). Knows no loss.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5EncoderModel, WanTransformer3DModel
from filmagent.training.papercut.denoiser import SHIFT, Batch, Example, Mixture, batch_of, flow_from
from filmagent.training.papercut.excerpts import next_frame
from filmagent.training.papercut.latents import Clip, StoryLatents
from filmagent.training.papercut.some_tokens import KeptTokens, video_of
from filmagent.training.papercut.text import encode_text

A_BATCH = 16
"""Clips that are filmed together."""
KEPT_BATCHES = 8


@dataclass(frozen=True)
class OwnFilmsPractice:
    """How often a step behind two frames begins with frames that the network filmed, and how those come to be."""

    share: float = 0.0
    """From 0, never, to 1, always."""
    steps: int = 3
    """Sampling steps of every latent frame."""
    steps_between: int = 12
    """Training steps of filming on, of all kinds, from one batch of films to the next."""


@dataclass
class OwnFilms:
    """The last clips that were filmed, as stories without pictures."""

    stories: list[StoryLatents] = field(default_factory=list)

    def add(self, clips: Sequence[Clip]) -> None:
        """Keep these, and of the others the latest."""
        self.stories = [*self.stories, StoryLatents((), tuple(clips))][-KEPT_BATCHES:]


def choose_clips(rng: random.Random, stories: Sequence[StoryLatents], moving_weight: float) -> list[Clip]:
    """Clips to film by chance, those that move `moving_weight` times as often. There must be shots.

    A clip of a cut begins with its true first latent frame: opening pictures are made otherwise.
    """
    clips = [clip for story in stories for clip in story.shots]
    return rng.choices(clips, [moving_weight if clip.moves else 1.0 for clip in clips], k=A_BATCH)


@torch.no_grad()
def film_clips(
    denoiser: WanTransformer3DModel,
    encoder: UMT5EncoderModel,
    tokenizer: PreTrainedTokenizerFast,
    clips: Sequence[Clip],
    steps: int,
    mixture: Mixture,
    rng: random.Random,
) -> list[Clip]:
    """The clips as the network films them: true latents as far as their seams show them, then one after the other."""
    frames, device = clips[0].latents.shape[1], str(next(denoiser.parameters()).device)
    filmed = [clip.latents.float() for clip in clips]
    for frame in range(1, frames):
        going_on = [
            Example(next_frame(replace(clip, filmed=so_far), frame), ())
            for clip, so_far in zip(clips, filmed, strict=True)
        ]
        batch = batch_of(rng, going_on, mixture, KeptTokens()).to(device)
        text = encode_text(tokenizer, encoder, [each.sentence for each in batch.said], batch.kept.words)
        found = _last_frame(denoiser, text, batch, steps).cpu()
        for number, clip in enumerate(clips):
            if frame >= max(1, clip.known):
                filmed[number] = torch.cat(
                    [filmed[number][:, :frame], found[number][:, None], filmed[number][:, frame + 1 :]], dim=1
                )
    return [replace(clip, filmed=latents.half()) for clip, latents in zip(clips, filmed, strict=True)]


def _last_frame(denoiser: WanTransformer3DModel, text: Tensor, batch: Batch, steps: int) -> Tensor:
    """The last latent frame [B, 16, h, w], denoised behind the known ones in so many steps."""
    noise = torch.randn_like(batch.clean)
    made = noise[:, :, -1:]
    everything = torch.arange(batch.figures[0].numel(), device=made.device).expand(len(made), -1)
    plain = [1 - step / steps for step in range(steps + 1)]
    levels = [SHIFT * share / (1 + (SHIFT - 1) * share) for share in plain]
    for level, next_level in itertools.pairwise(levels):
        known = (1 - level) * batch.clean[:, :, :-1] + level * noise[:, :, :-1]
        share = torch.full((len(made),), level, device=made.device)
        flow = flow_from(denoiser, text, batch, torch.cat([known, made], dim=2), share, everything)
        made = made + (next_level - level) * video_of(flow, batch.clean.shape)[:, :, -1:]
    return made[:, :, 0]
