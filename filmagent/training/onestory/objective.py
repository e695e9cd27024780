"""What OneStory learns from one batch: to make the last shot from what it is shown, and to score what to show.

Rectified flow on the shot, regression on the scores, added up. The scores' gradients stay within the selector: which
frames are shown is a hard choice. Source: An et al., "OneStory" (arXiv 2512.07802), equations 10 to 12. Knows tensors;
nothing of stories, files or optimisers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from filmagent.generation.wan.onestory.expert import OneStoryTransformer
from filmagent.generation.wan.onestory.selector import rank
from filmagent.training.onestory.conditioning import split_ranking, uniform_ranking

TIMESTEPS = 1000


@dataclass(frozen=True)
class Batch:
    """Examples to learn from; all have equally many memory frames, or none: the first shot of a film."""

    clean: Tensor
    """Latents of the last shot (batch, channels, T, h, w)."""
    condition: Tensor
    """What the base reads beside the noise: mask and clean seam (batch, 4 + channels, T, h, w); no channels for a
    text-to-video base."""
    memory: Tensor
    """Clean latents of the earlier shots' frames (batch, channels, frames, h, w)."""
    times: Tensor
    """Position of each of them, negative, (batch, frames)."""
    origins: Tensor
    """An `Origin` for each, (batch, frames)."""
    labels: Tensor
    """From `pseudo_labels`, (batch, frames)."""
    text: Tensor
    """The text encoder's features that the expert reads (batch, tokens, text width), perhaps of a dropped text."""
    told: Tensor
    """Those that the selector reads, alike: never dropped, as it reads the prompt when filming."""
    weight: Tensor
    """What every latent counts (batch, 1, T, h, w); ones in the paper."""


@dataclass(frozen=True)
class Outcome:
    """The losses, each a number, and what was predicted."""

    total: Tensor
    shot: Tensor
    selection: Tensor | None
    """None: nothing is remembered."""
    flow: Tensor
    """Predicted for the shot, (batch, channels, T, h, w)."""


def objective(
    expert: OneStoryTransformer,
    batch: Batch,
    noise: Tensor,
    level: Tensor,
    *,
    weight: float,
    bypassing: torch.Generator | None,
) -> Outcome:
    """Return the losses of a batch.

    Args:
        expert: learns all its weights, or those that are left open.
        batch: the examples.
        noise: like `batch.clean`.
        level: share of noise in each example, (batch,), from 0 to 1.
        weight: of the selection loss beside the shot's, the paper's lambda.
        bypassing: a generator on the CPU: frames of the real shots are shown in an order of its choice, whatever the
            selector says, which is taught all the same. None: the selector chooses.
    """
    scores, context = None, None
    if batch.memory.shape[2]:
        scores = expert.scores(batch.memory, batch.told.detach())
        most, (height, width) = expert.memory.shown.frames, batch.memory.shape[3:]
        ranking = rank(scores) if bypassing is None else uniform_ranking(batch.origins, most, bypassing)
        groups = split_ranking(ranking, expert.share_out(ranking.shape[1], height, width))
        context = expert.context_of(batch.memory, batch.times, groups)
    share = level.view(-1, 1, 1, 1, 1)
    noisy = torch.cat([(1 - share) * batch.clean + share * noise, batch.condition], dim=1)
    flow = expert.denoise(noisy, level * TIMESTEPS, batch.text, context)
    shot = shot_loss(flow, noise, batch.clean, batch.weight)
    if scores is None:
        return Outcome(shot, shot, None, flow)
    selection = selection_loss(scores, batch.labels)
    return Outcome(shot + weight * selection, shot, selection, flow)


def shot_loss(flow: Tensor, noise: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean squared error of a predicted flow, whose truth is noise minus clean latents."""
    error = (flow.float() - (noise - clean)).square()
    return (error * weight).sum() / (weight.sum() * error.shape[1])


def selection_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of scores (batch, frames)."""
    return (scores - labels).square().mean()
