"""Which frames matter: scores by text and memory, and the order that they give."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.generation.wan.onestory.selector import FrameSelector, rank
from filmagent.generation.wan.onestory.shape import MemoryShape


@pytest.fixture(scope="module")
def selector():
    torch.manual_seed(4)
    return FrameSelector(24, 2, 16, 16, MemoryShape(queries=3, projection=4)).eval()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_every_frame_of_every_film_has_a_cosine(selector):
    with torch.no_grad():
        scores = selector(noise(2, 16, 7, 6, 10), noise(2, 5, 16))
    assert scores.shape == (2, 7)
    assert scores.abs().max() <= 1 and scores.std() > 0


def test_a_score_follows_what_a_frame_shows_and_not_where_it_stands(selector):
    memory, text, order = noise(1, 16, 9, 6, 10), noise(1, 5, 16), torch.randperm(9)
    with torch.no_grad():
        scores, shuffled = selector(memory, text), selector(memory[:, :, order], text)
    assert torch.allclose(scores[:, order], shuffled, atol=1e-5)


def test_the_text_is_read_but_its_padding_is_not(selector):
    memory, text = noise(1, 16, 9, 6, 10), noise(1, 5, 16)
    padded = torch.cat([text, torch.zeros(1, 20, 16)], dim=1)
    with torch.no_grad():
        told, longer = selector(memory, text), selector(memory, padded)
        other, nothing = selector(memory, 5 * noise(1, 5, 16, seed=1)), selector(memory, torch.zeros(1, 4, 16))
    assert torch.allclose(told, longer, atol=1e-5)
    assert not torch.allclose(told, other, atol=1e-3)
    assert torch.isfinite(nothing).all()


def test_a_thousand_frames_are_ranked_alike_twice(selector):
    memory, text = noise(1, 16, 1000, 4, 4), noise(1, 5, 16)
    with torch.no_grad():
        scores, again = selector(memory, text), selector(memory, text)
    assert torch.equal(scores, again)
    assert sorted(rank(scores)[0].tolist()) == list(range(1000))


def test_a_regression_of_scores_teaches_every_weight():
    torch.manual_seed(0)
    selector = FrameSelector(24, 2, 16, 16, MemoryShape(queries=3, projection=4))
    (selector(noise(2, 16, 5, 4, 4), noise(2, 5, 16)) - 1).square().mean().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in selector.parameters())


@settings(deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40), st.data())
def test_a_ranking_falls_pinned_first_and_older_before_newer(values, data):
    pinned = data.draw(st.lists(st.integers(0, len(values) - 1), unique=True, max_size=3))
    order = rank(torch.tensor([values]), pinned)[0].tolist()
    assert order[: len(pinned)] == pinned
    rest = [(-values[frame], frame) for frame in order[len(pinned) :]]
    assert rest == sorted(rest) and len(set(order)) == len(values)
