"""What a person asks of a curation. Written once as `curation.json`; a second run must ask for the same.

Knows nothing of how it is done.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from filmagent.schemas.story import Model


class CurateSettings(Model):
    """Every choice there is."""

    version: Literal[1] = 1
    shots: int = Field(default=10, ge=2, le=16)
    """Most shots of a sequence; Memento's sequences have 6 to 16, ten in the mean (arXiv 2606.14667, appendix C)."""
    shortest: float = Field(default=5.0, ge=0.5, le=60)
    """Seconds; shorter shots are dropped. Memento keeps shots longer than five (section 3.1): 81 frames at 16 fps."""
    longest: float = Field(default=10.0, ge=1, le=60)
    """Seconds; longer shots are divided into equal pieces that go on from each other without a cut."""
    model: str = Field(min_length=1)
    """Name of the vision LLM."""

    @model_validator(mode="after")
    def _pieces_are_long_enough(self) -> Self:
        """Refuse limits whose pieces would be too short."""
        if self.longest < 2 * self.shortest:
            raise ValueError("longest must be at least twice shortest, so that pieces of long shots are long enough")
        return self
