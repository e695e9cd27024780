"""Memento's dual query: which frames of the pool a shot is shown, by ten local and two global learned queries.

Each query reads text, then the pool, and scores every frame; the local ones choose six frames, then the global ones
two of the rest; or, as the quota says, one kind chooses all. Source: Wei et al., "Memento" (arXiv 2606.14667),
equations 2 to 5, with what the released programme makes of them: local queries read the whole prompt, global ones its
global part; queries are joined, not fused; what is chosen are whole frames. Weight names are the released ones
(`keyframe_query.*`). Knows tensors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filmagent.generation.wan.compute.attention_processor import rotate
from filmagent.generation.wan.memento.quota import MEMENTOS, Quota

LOCAL_QUERIES = 10
GLOBAL_QUERIES = 2
TEMPERATURE = 0.1
"""Of the softmax whose gradient the hard choice takes over in training."""


@dataclass(frozen=True)
class Choice:
    """What was chosen, in the order of the choice: local picks by falling score, then global ones."""

    frames: Tensor
    """(picks,): indices into the pool."""
    weights: Tensor
    """(picks, pool): a one at each pick. In training, with the gradient of the softmax (straight-through)."""


class QueryAttention(nn.Module):
    """Wan's cross-attention from queries to features, in the released names."""

    def __init__(self, width: int, heads: int, eps: float = 1e-6) -> None:
        """Make the layers; `heads` divide `width`."""
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.norm_q, self.norm_k = nn.RMSNorm(width, eps=eps), nn.RMSNorm(width, eps=eps)

    def forward(self, queries: Tensor, features: Tensor, rotary: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Return what (queries, width) find in (tokens, width); keys are turned by `rotary` when it is given."""
        asked = self._split(self.norm_q(self.q(queries)))
        keys = self._split(self.norm_k(self.k(features)))
        if rotary is not None:
            keys = rotate(keys, rotary)
        found = F.scaled_dot_product_attention(
            asked.transpose(1, 2), keys.transpose(1, 2), self._split(self.v(features)).transpose(1, 2)
        )
        answer: Tensor = self.o(found.transpose(1, 2).flatten(2)[0])
        return answer

    def similarity(self, queries: Tensor, features: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """Return raw scores (queries, tokens), averaged over heads: no norms here, and no softmax."""
        asked, keys = self._split(self.q(queries))[0], rotate(self._split(self.k(features)), rotary)[0]
        scores = torch.einsum("qhd,khd->hqk", asked, keys) / asked.shape[-1] ** 0.5
        averaged: Tensor = scores.mean(dim=0)
        return averaged

    def _split(self, features: Tensor) -> Tensor:
        """(tokens, width) -> (1, tokens, heads, head dim)."""
        return features.reshape(1, len(features), self.heads, -1)


class KeyframeQuery(nn.Module):
    """The selector of one expert."""

    def __init__(self, width: int, heads: int, channels: int = 16, patch: tuple[int, int, int] = (1, 2, 2)) -> None:
        """Make the layers: `width` and `heads` are the expert's, `channels` the latents'."""
        super().__init__()
        self.queries = nn.Parameter(torch.randn(LOCAL_QUERIES, width) / width**0.5)
        self.queries_global = nn.Parameter(torch.randn(GLOBAL_QUERIES, width) / width**0.5)
        self.memory_patcher = nn.Conv3d(channels, width, kernel_size=patch, stride=patch)
        self.query_to_text = QueryAttention(width, heads)
        self.query_to_visual = QueryAttention(width, heads)

    def scores(self, pool: Tensor, text: Tensor, story: Tensor, rotary: tuple[Tensor, Tensor],
               quota: Quota = MEMENTOS) -> tuple[Tensor, Tensor]:
        """Score every frame of a pool for what the shot needs now, and for who the story is about.

        Args:
            pool: clean latents (1, 16, frames, h, w).
            text: the whole prompt's features as the expert's blocks read them, (tokens, width), padding included.
            story: those of its global part, alike.
            rotary: cosines and sines of the pool's tokens, each (1, frames * tokens a frame, 1, head dim).
            quota: queries that choose none of it are scored alike, but get no gradient.

        Returns:
            local and global scores, each (frames,).
        """
        tokens = self.memory_patcher(pool)[0].flatten(1).transpose(0, 1)
        # No gradient in place of zeros: an optimizer that decays weights would change what nobody asks.
        near = self.queries if quota.local else self.queries.detach()
        far = self.queries_global if quota.overall else self.queries_global.detach()
        local, overall = near + self.query_to_text(near, text), far + self.query_to_text(far, story)
        queries = torch.cat([local, overall])
        queries = queries + self.query_to_visual(queries, tokens, rotary)
        raw = self.query_to_visual.similarity(queries, tokens, rotary)
        by_frame = raw.reshape(len(raw), pool.shape[2], -1).mean(dim=-1)
        return by_frame[: len(self.queries)].mean(dim=0), by_frame[len(self.queries) :].mean(dim=0)

    def forward(self, pool: Tensor, text: Tensor, story: Tensor, rotary: tuple[Tensor, Tensor],
                quota: Quota, pinned: Sequence[int] = ()) -> Choice:
        """Choose frames of a pool; arguments as in `scores` and `choose`."""
        return choose(*self.scores(pool, text, story, rotary, quota), quota, pinned, soft=self.training)


def choose(local: Tensor, overall: Tensor, quota: Quota, pinned: Sequence[int] = (), *, soft: bool = False) -> Choice:
    """Choose frames by their scores: local ones first, then global ones among the rest; never the same twice.

    Args:
        local: local scores (frames,); `overall`: global ones, alike.
        quota: how many; a smaller pool is taken whole.
        pinned: frames that are shown whatever their score; they take the first places, local ones before global ones.
        soft: let gradients pass to the scores, through softmaxes of temperature `TEMPERATURE`.
    """
    frames = len(local)
    first = list(dict.fromkeys(pinned))[: quota.frames]
    near = first + _best(local, first, min(quota.local, frames) - len(first))
    far = _best(overall, near, min(quota.frames, frames) - len(near))
    picks = torch.tensor([*near, *far], dtype=torch.long, device=local.device)
    weights = F.one_hot(picks, frames).to(local.dtype)
    if soft:
        masked = overall.index_fill(0, picks[: len(near)], float("-inf"))
        # Pinned frames are near ones even where no local query chooses.
        asked = local if quota.local else overall
        rows = [(asked / TEMPERATURE).softmax(-1)] * len(near)
        if far:
            rows += [(masked / TEMPERATURE).softmax(-1)] * len(far)
        sure = torch.stack([row[pick] for row, pick in zip(rows, picks, strict=True)])[:, None]
        weights = weights * (1 - sure.detach() + sure)
    return Choice(picks, weights)


def _best(scores: Tensor, taken: Sequence[int], count: int) -> list[int]:
    """Return the `count` best frames that are not taken, best first; of equals, the older one."""
    order = scores.detach().argsort(descending=True, stable=True).tolist()
    return [frame for frame in order if frame not in taken][: max(0, count)]
