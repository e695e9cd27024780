"""Where OneStory's memory tokens stand: at the frame's own negative time, in the middle of their patch.

A token of r x r base patches gets the mean of their cosines and sines, as in FramePack: an angle is that of the patch's
centre, and what turns fast within the patch counts less. As a coarse token begins as the mean of the base's tokens,
so is its turned key the mean of theirs. Knows positions only.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from filmagent.generation.wan.memento.positions import ElapsedRope
from filmagent.generation.wan.onestory.selector import pad_to

Rotary = tuple[Tensor, Tensor]
"""Cosines and sines, each (1 or batch, tokens, 1, head dim)."""


class ContextRope(ElapsedRope):
    """Wan's rotary embedding with memory tokens behind those of the shot."""

    context: Rotary | None = None
    """Of the memory tokens; None: there are none."""

    def forward(self, hidden_states: Tensor) -> Rotary:
        """Return cosines and sines, each (1 or batch, tokens, 1, head dim), for latents (batch, channels, T, h, w)."""
        shot: Rotary = super().forward(hidden_states)
        if self.context is None:
            return shot
        cosines, sines = (torch.cat([own.expand(len(more), -1, -1, -1), more.to(own)], dim=1)
                          for own, more in zip(shot, self.context, strict=True))
        return cosines, sines

    def centred(self, times: Tensor, rows: int, columns: int, side: int) -> Rotary:
        """Return cosines and sines, each (batch, tokens, 1, head dim), of frames in patches of `side` base patches.

        Args:
            times: position of each frame, in latent frames before the shot, negative, (batch, frames).
            rows: base patches that a frame is high; `columns`: wide. Edges are filled up with the last one.
            side: base patches that a patch is wide and high.
        """
        cosines, sines = self.at(times.flatten().tolist(), rows, columns)

        def pooled(table: Tensor) -> Tensor:
            if side > 1:
                grid = table.reshape(-1, rows, columns, self.attention_head_dim).permute(0, 3, 1, 2)
                table = F.avg_pool2d(pad_to(grid, side), side).permute(0, 2, 3, 1)
            return table.reshape(len(times), -1, 1, self.attention_head_dim)

        return pooled(cosines), pooled(sines)
