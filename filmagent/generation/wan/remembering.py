"""Hands experts that remember their shot's memory, and takes it back. Knows no expert and no memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def remembering(memories: Mapping[Any, object]) -> Iterator[None]:
    """Give experts their memory (`shot`) for the time of the block; afterwards, come what may, none."""
    for expert, memory in memories.items():
        expert.shot = memory
    try:
        yield
    finally:
        for expert in memories:
            expert.shot = None
