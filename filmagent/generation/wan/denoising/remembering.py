"""Names experts that remember, hands them their shot's memory, and takes it back. Knows no expert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Remembered(Protocol):
    """What an expert is given for one shot."""

    def without_memory(self) -> Remembered | None:
        """Return the same shot with nothing to remember; None: memory was all that it was given."""
        ...


def experts_of(pipeline: Any) -> dict[str, Any]:
    """A pipeline's experts by the names that they choose memory under, as in `GeneratedShot.chosen`."""
    if pipeline.transformer_2 is None:
        return {"denoiser": pipeline.transformer}
    return {"high_noise": pipeline.transformer, "low_noise": pipeline.transformer_2}


@contextmanager
def remembering(memories: Mapping[Any, Remembered]) -> Iterator[None]:
    """Give experts their memory (`shot`) for the time of the block; afterwards, come what may, none."""
    for expert, memory in memories.items():
        expert.shot = memory
    try:
        yield
    finally:
        for expert in memories:
            expert.shot = None


@contextmanager
def forgetting(expert: Any) -> Iterator[None]:
    """Let an expert see its shot without memory for the time of the block; one that keeps none is left as it is."""
    shot: Remembered | None = getattr(expert, "shot", None)
    if shot is None:
        yield
        return
    expert.shot = shot.without_memory()
    try:
        yield
    finally:
        expert.shot = shot
