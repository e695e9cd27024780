"""Which of several sentences a picture shows, by CLIP: the zero-shot rule. Knows no subjects and no takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from filmagent.scoring.clip import Embeddings, ImageFeatures


def probabilities(features: ImageFeatures, images: Embeddings, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how surely each picture shows each sentence rather than the others, shape (pictures, texts).

    Softmax over cosines at the model's own temperature (Radford et al., 2021, section 3.1). Rows sum to one.
    """
    logits = features.logit_scale * (images @ features.embed_text(texts).T).astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return chances


def agreement(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return how far two distributions agree, 0 (nothing in common) to 1 (equal): Bhattacharyya's coefficient."""
    return float(min(1.0, np.sqrt(first * second).sum()))
