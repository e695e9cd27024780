"""Where memory stands in time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import GenerationError
from filmagent.generation.wan.denoising.rope import (
    MemoryRope,
    install_memory_rope,
    memory_positions,
    temporal_positions,
)
from filmagent.generation.wan.library import WanRotaryPosEmbed
from tests.support.tiny_wan import tiny_expert

LATENTS = (1, 36, 7, 4, 6)


def test_positions_are_negative_and_wide_for_memory_and_ordinary_for_the_shot():
    assert temporal_positions(memory=3, latent_frames=4, stride=5) == [-15, -10, -5, 0, 1, 2, 3]


@given(memory=st.integers(0, 12), frames=st.integers(1, 25), stride=st.integers(1, 9))
def test_memory_is_evenly_spaced_and_ends_one_stride_before_the_shot(memory, frames, stride):
    places = temporal_positions(memory, frames, stride)
    assert places[memory:] == list(range(frames))
    assert [later - earlier for earlier, later in pairwise(places)][:memory] == [stride] * memory


@pytest.mark.parametrize(("memory", "stride"), [(1, 5), (3, 5), (4, 2)])
def test_rotations_are_those_of_the_positions(memory, stride):
    """Every axis rotates pair i of d by position * 10000 ** (-2 i / d), computed here in float64."""
    rope = MemoryRope(24, (1, 2, 2), 64)
    with memory_positions([rope], memory, stride):
        cosines, sines = rope(torch.zeros(LATENTS))
    frames, height, width = 7, 2, 3
    places = temporal_positions(memory, frames - memory, stride)
    grid = torch.cartesian_prod(torch.tensor(places), torch.arange(height), torch.arange(width)).double()
    angles = []
    for axis, dim in enumerate((rope.t_dim, rope.h_dim, rope.w_dim)):
        frequencies = 10000.0 ** (-torch.arange(0, dim, 2).double() / dim)
        angles.append((grid[:, axis, None] * frequencies).repeat_interleave(2, dim=1))
    wanted = torch.cat(angles, dim=1)
    assert torch.allclose(cosines[0, :, 0].double(), wanted.cos(), atol=1e-6)
    assert torch.allclose(sines[0, :, 0].double(), wanted.sin(), atol=1e-6)


def test_without_memory_it_is_wans_own_embedding():
    latents = torch.zeros(LATENTS)
    for mine, stock in zip(MemoryRope(24, (1, 2, 2), 64)(latents), WanRotaryPosEmbed(24, (1, 2, 2), 64)(latents),
                           strict=True):
        assert torch.equal(mine, stock)


def test_positions_are_put_back_when_the_block_is_interrupted():
    rope = MemoryRope(24, (1, 2, 2), 64)
    with pytest.raises(KeyboardInterrupt), memory_positions([rope], 3, 5):
        raise KeyboardInterrupt
    assert rope.memory == 0


def test_memory_beyond_the_table_is_refused():
    rope = MemoryRope(24, (1, 2, 2), 64)
    with pytest.raises(GenerationError, match="13 memory frames 5 apart"), memory_positions([rope], 13, 5):
        pass


def test_installing_twice_changes_nothing():
    expert = tiny_expert()
    assert install_memory_rope(expert) is install_memory_rope(expert) is expert.rope


def test_hooks_that_are_there_already_are_refused():
    expert = tiny_expert()
    expert.rope.forward = expert.rope.forward  # what offloading, caching and parallel hooks do
    with pytest.raises(GenerationError, match="hooks"):
        install_memory_rope(expert)
