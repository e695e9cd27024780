from __future__ import annotations

import numpy as np

from filmagent.scoring.clip import features_for
from filmagent.scoring.colours import ColourFeatures
from filmagent.scoring.registry import standard_scorers


def picture(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((30, 40, 3), (red, green, blue), np.uint8)


def test_near_colours_are_near_and_far_ones_far():
    red, pink, blue = ColourFeatures().embed([picture(230, 30, 30), picture(230, 70, 60), picture(20, 30, 230)])
    assert np.allclose(np.linalg.norm([red, pink, blue], axis=1), 1, atol=1e-5)
    assert red @ pink > 0.9
    assert red @ blue < 0.3


def test_no_picture_gives_no_row():
    assert ColourFeatures().embed([]).shape == (0, 36)
    assert ColourFeatures().embed_text(["a cat", "a dog"]).shape == (2, 36)


def test_somebodys_own_generator_fetches_no_weights_and_is_not_judged_by_words():
    features = features_for("somebody.s:own")
    assert features.uses() == ()
    assert not features.knows("cat")
    assert {scorer.name for scorer in standard_scorers(features)} == {"stillness", "flicker", "seam", "quality"}
    assert len(standard_scorers(features_for("papercut"))) == 6
