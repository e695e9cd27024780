"""Pseudo-labels: how relevant every memory frame is to the shot that is predicted, without a person's judgement.

Real frames: how alike they are to that shot; frames of a stranger's shot: -1; of an augmented copy: 0. Source: An et
al., "OneStory" (arXiv 2512.07802), section on training; likeness is by DINOv2 and CLIP there. Pure: features come from
whoever calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from filmagent.training.onestory.inflation import Origin

STRANGER_LABEL = -1.0
AUGMENTED_LABEL = 0.0


def likeness(frames: Tensor, target: Tensor) -> Tensor:
    """Return the cosine (batch, frames) between each frame and the mean of a shot, from -1 to 1.

    Args:
        frames: features of the memory frames (batch, frames, dimensions).
        target: of a few frames of the shot (batch, some frames, dimensions), by the same model.
    """
    shot = F.normalize(F.normalize(target, dim=-1).mean(dim=1, keepdim=True), dim=-1)
    return (F.normalize(frames, dim=-1) * shot).sum(dim=-1)


def pseudo_labels(likenesses: Sequence[Tensor], origins: Tensor) -> Tensor:
    """Return the label (batch, frames) of every memory frame, from -1 to 1.

    Args:
        likenesses: of one or more models, from `likeness`, each (batch, frames); they count alike.
        origins: an `Origin` for every frame, (batch, frames).
    """
    labels = torch.stack(tuple(likenesses)).mean(dim=0)
    labels = labels.masked_fill(origins == Origin.STRANGER, STRANGER_LABEL)
    return labels.masked_fill(origins == Origin.AUGMENTED, AUGMENTED_LABEL)
