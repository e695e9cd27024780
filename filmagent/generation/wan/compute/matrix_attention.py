"""Attention as matrix products and a softmax, a few heads at a time: for CPUs that multiply in bfloat16.

torch's fused kernel does not use such units at its best: at some hundred to some thousand tokens it takes one and a
half times to four times as long. Scores never leave the processor's cache, and the backward pass computes them again,
so no more memory is used than by the kernel. What comes out is as near to float32. Knows tokens only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SCORES_AT_ONCE = 2**19
"""1 MiB, what the cache beside a core holds; a head that has more goes alone."""
MOST_SCORES = 2**22
"""Of one head. Above that the kernel, which never holds a head's scores whole, is as quick."""


def fits_matrices(query: Tensor, key: Tensor) -> bool:
    """Say whether matrices are the quicker way for (batch, tokens, heads, head dim)."""
    quicker = query.device.type == "cpu" and query.dtype == torch.bfloat16
    return quicker and query.shape[1] * key.shape[1] <= MOST_SCORES


def attend_in_matrices(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return what every token of the query sees; all are (batch, tokens, heads, head dim), of any type."""
    seen: Tensor = _MatrixAttention.apply(query, key, value)  # type: ignore[no-untyped-call]
    return seen


class _MatrixAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        queries, keys, values = _by_head(query) * query.shape[-1] ** -0.5, _by_head(key), _by_head(value)
        ctx.save_for_backward(queries, keys, values)
        ctx.heads = query.shape[2]
        seen = torch.empty_like(queries)
        for part in _parts(queries, keys):
            torch.bmm(_shares(queries, keys, part), values[part], out=seen[part])
        return _by_token(seen, ctx.heads)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        queries, keys, values = ctx.saved_tensors
        of_seen = _by_head(gradients[0])
        of_query, of_key, of_value = torch.empty_like(queries), torch.empty_like(keys), torch.empty_like(values)
        for part in _parts(queries, keys):
            shares = _shares(queries, keys, part)
            torch.bmm(shares.mT, of_seen[part], out=of_value[part])
            of_shares = torch.bmm(of_seen[part], values[part].mT)
            of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
            torch.bmm(of_scores, keys[part], out=of_query[part])
            torch.bmm(of_scores.mT, queries[part], out=of_key[part])
        of_query *= queries.shape[-1] ** -0.5
        return _by_token(of_query, ctx.heads), _by_token(of_key, ctx.heads), _by_token(of_value, ctx.heads)


def _by_head(tokens: Tensor) -> Tensor:
    """Turn (batch, tokens, heads, head dim) into (batch x heads, tokens, head dim)."""
    return tokens.transpose(1, 2).flatten(0, 1)


def _by_token(heads: Tensor, count: int) -> Tensor:
    return heads.reshape(-1, count, *heads.shape[1:]).transpose(1, 2)


def _parts(queries: Tensor, keys: Tensor) -> list[slice]:
    """Return which heads are attended to together."""
    together = max(1, SCORES_AT_ONCE // (queries.shape[1] * keys.shape[1]))
    return [slice(start, start + together) for start in range(0, len(queries), together)]


def _shares(queries: Tensor, keys: Tensor, part: slice) -> Tensor:
    return torch.bmm(queries[part], keys[part].mT).softmax(dim=-1)
