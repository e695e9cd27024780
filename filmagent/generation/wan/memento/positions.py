"""Where a sequence stands in time for Memento: memory at its real elapsed time, the identity frame beyond all memory.

With the shot's first latent frame at 0, memory that was filmed 21 latent frames earlier stands at -21; the rotary
tables are read with their sign turned. Source: Wei et al., "Memento" (arXiv 2606.14667) and its released programme,
whose tables reach from -512 to 511. Knows positions only: nothing of pictures, latents or sampling.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from filmagent.generation.wan.denoising.rope import MemoryRope

IDENTITY_TIME = -512
EARLIEST = -511
"""The farthest that memory can stand: one position after the identity frame."""


def memory_time(frame: int | None, start: int, stride: int = 4) -> int:
    """Return the position of a memory frame, in latent frames before the shot.

    Args:
        frame: its place in the film, in frames; None: it is of no time, such as a photograph, and stands farthest.
        start: place in the film of the first frame that is generated.
        stride: frames in one latent frame.
    """
    if frame is None:
        return EARLIEST
    return max(EARLIEST, min(-1, frame // stride - start // stride))


class ElapsedRope(MemoryRope):
    """Wan's rotary embedding whose latent frames stand at any times from -1023 to 1023."""

    times: tuple[tuple[int, ...], ...] | None = None
    """One position for every latent frame, in a row for each sequence of a batch or one row for all; None: Wan's own,
    0, 1, 2..."""

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, each (rows of times, tokens, 1, head dim), for latents (batch, ..., T, h, w)."""
        if self.times is None:
            return super().forward(hidden_states)
        _, rows, columns = self.patch_size
        size = hidden_states.shape[3] // rows, hidden_states.shape[4] // columns
        cosines, sines = zip(*(self.at(times, *size) for times in self.times), strict=True)
        return torch.cat(cosines), torch.cat(sines)

    def at(self, times: Sequence[int], rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, each (1, tokens, 1, head dim), of tokens in rows and columns at these times.

        The tables hold positions from 0 on: cos(-a) = cos(a) and sin(-a) = -sin(a) give the negative ones.
        """
        device = self.freqs_cos.device
        when = torch.tensor(list(times), device=device)
        where = (when.abs(), torch.arange(rows, device=device), torch.arange(columns, device=device))
        signs = when.sign()[:, None].to(self.freqs_sin.dtype)
        sizes, shape = (self.t_dim, self.h_dim, self.w_dim), (len(when), rows, columns, -1)
        cosines = [table[index] for table, index in zip(self.freqs_cos.split(sizes, dim=1), where, strict=True)]
        sines = [table[index] for table, index in zip(self.freqs_sin.split(sizes, dim=1), where, strict=True)]
        sines[0] = sines[0] * signs

        def joined(parts: list[Tensor]) -> Tensor:
            time, row, column = parts
            spread = (time[:, None, None].expand(shape), row[None, :, None].expand(shape),
                      column[None, None].expand(shape))
            return torch.cat(spread, dim=-1).reshape(1, -1, 1, self.attention_head_dim)

        return joined(cosines), joined(sines)
