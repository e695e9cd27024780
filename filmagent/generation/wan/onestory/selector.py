"""OneStory's frame selector: which earlier frames matter to a shot, by learned queries.

The queries read the text of the shot, then the projected frames of all earlier shots; a frame's score is the cosine
between what they have become and the frame's feature, averaged over the queries. Source: An et al., "OneStory"
(arXiv 2512.07802), equations 3 to 6. Knows tensors only: when a frame was filmed plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filmagent.generation.wan.onestory.shape import MemoryShape


class FrameSelector(nn.Module):
    """The selector of one expert. Everything is batched; all films of a batch have equally many frames."""

    def __init__(self, width: int, heads: int, channels: int, text_width: int, shape: MemoryShape) -> None:
        """Make the layers.

        Args:
            width: of the queries; the expert's own. `heads` divide it.
            heads: of both attentions.
            channels: of the latents.
            text_width: of the text encoder's features.
            shape: gives the number of queries and the projector's stride.
        """
        super().__init__()
        self.queries = nn.Parameter(torch.randn(shape.queries, width) / width**0.5)
        self.text_projector = nn.Linear(text_width, width)
        self.frame_projector = nn.Conv2d(channels, width, shape.projection, shape.projection)
        self.frame_feature = nn.Linear(width, width)
        self.query_to_text = nn.MultiheadAttention(width, heads, batch_first=True)
        self.query_to_frames = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, memory: Tensor, text: Tensor) -> Tensor:
        """Score every frame of a memory for the shot that a text tells of.

        Args:
            memory: clean latents (batch, channels, frames, h, w), at least one frame.
            text: the text encoder's features (batch, tokens, text width); tokens that are all zero are padding and
                are not read.

        Returns:
            (batch, frames), from -1 to 1.
        """
        features = self._frames(memory)
        queries = self.queries.expand(len(memory), -1, -1)
        told = self.text_projector(text)
        queries = queries + self.query_to_text(queries, told, told, _padding(text), need_weights=False)[0]
        seen = features.flatten(1, 2)
        queries = queries + self.query_to_frames(queries, seen, seen, need_weights=False)[0]
        frames = F.normalize(self.frame_feature(features.mean(dim=2)), dim=-1)
        scores: Tensor = (frames @ F.normalize(queries, dim=-1).transpose(1, 2)).mean(dim=-1)
        return scores

    def _frames(self, memory: Tensor) -> Tensor:
        """Return the projected memory (batch, frames, features a frame, width)."""
        stacked = pad_to(memory.transpose(1, 2).flatten(0, 1), self.frame_projector.kernel_size[0])
        projected: Tensor = self.frame_projector(stacked).flatten(2).transpose(1, 2)
        return projected.reshape(len(memory), -1, *projected.shape[1:])


def rank(scores: Tensor, pinned: Sequence[int] = ()) -> Tensor:
    """Return frames from most to least relevant, (batch, frames): pinned ones in front, of equals the older first."""
    lifted = scores.detach().clone()
    for place, frame in enumerate(dict.fromkeys(pinned)):
        lifted[:, frame] = scores.shape[1] + 1 - place
    return lifted.argsort(dim=1, descending=True, stable=True)


def pad_to(frames: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (frames, channels, h, w) until both sides are multiples of a number."""
    return F.pad(frames, (0, -frames.shape[3] % multiple, 0, -frames.shape[2] % multiple), mode="replicate")


def _padding(text: Tensor) -> Tensor:
    """Return where (batch, tokens) a text is padding; a text of nothing else is read as it is."""
    empty = (text == 0).all(dim=-1)
    return empty & ~empty.all(dim=1, keepdim=True)
