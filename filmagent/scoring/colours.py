"""Features without a model: the mean colours of a picture on a coarse grid.

They go with generators for which no CLIP model is named, so that anybody's generator can film without fetching weights.
Near pictures come out near; words mean nothing to them, and scorers that need words measure nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from filmagent.schemas.take import ModelUse
from filmagent.scoring.port import Picture

ROWS, COLUMNS = 3, 4
MIDDLE_GREY = 128.0


class ColourFeatures:
    """Embeds a picture as the colours of its cells, seen from middle grey, at length one."""

    revision = f"colours-{ROWS}x{COLUMNS}"
    logit_scale = 1.0

    def uses(self) -> tuple[ModelUse, ...]:
        """No model takes part."""
        return ()

    def load(self) -> None:
        """There are no weights."""

    def knows(self, text: str) -> bool:
        """It understands no word."""
        return False

    def embed(self, images: Sequence[Picture]) -> NDArray[np.float32]:
        """Return rows of length one, shape (images, 36)."""
        return _unit([_cells(image) for image in images])

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the same row for every text, shape (texts, 36): all words are alike to it."""
        return _unit([np.ones(ROWS * COLUMNS * 3)] * len(texts))


def _cells(image: Picture) -> NDArray[np.float64]:
    bands = np.array_split(image.astype(np.float64), ROWS, axis=0)
    cells = [cell.mean(axis=(0, 1)) for band in bands for cell in np.array_split(band, COLUMNS, axis=1)]
    return np.concatenate(cells) - MIDDLE_GREY


def _unit(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    unit = [row / max(float(np.linalg.norm(row)), 1e-6) for row in rows]
    return np.asarray(unit, np.float32).reshape(len(unit), ROWS * COLUMNS * 3)
