"""Choices that look free and are always the same: picked by a hash, not by a random generator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def number(*keys: object) -> int:
    """Return a large whole number that depends on the keys alone, the same on every machine."""
    text = "\x1f".join(str(key) for key in keys)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def pick(options: Sequence[T], *keys: object) -> T:
    """Return one of the options, chosen by the keys."""
    return options[number(*keys) % len(options)]
