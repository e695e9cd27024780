"""Memory tokens: how patchifiers begin, and where their tokens stand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.onestory.conditioner import Patchifiers, take_frames
from filmagent.generation.wan.onestory.positions import ContextRope


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def base(channels, patch=(1, 2, 2)):
    torch.manual_seed(1)
    return nn.Conv3d(channels, 24, patch, patch)


def as_known(frames):
    """What an image-to-video base reads of known frames, beside channels of noise that are empty."""
    return torch.cat([torch.zeros_like(frames), torch.ones_like(frames[:, :4]), frames], dim=1)


def begun(channels, kernels=(2, 4, 8)):
    made = Patchifiers(16, 24, kernels)
    made.begin_as(base(channels))
    return made


def tokens_of(made, memory, kernel_index):
    groups = [torch.zeros(1, 0, dtype=torch.long)] * len(made)
    groups[kernel_index] = torch.arange(memory.shape[2])[None]
    with torch.no_grad():
        return made(memory, groups)


@pytest.mark.parametrize("channels", [16, 36])
def test_the_finest_tokens_begin_as_those_of_the_base(channels):
    memory = noise(1, 16, 3, 8, 16)
    with torch.no_grad():
        wanted = base(channels)(memory if channels == 16 else as_known(memory)).flatten(2).transpose(1, 2)
    assert torch.allclose(tokens_of(begun(channels), memory, 0), wanted, atol=2e-6)


@pytest.mark.parametrize(("index", "times"), [(1, 2), (2, 4)])
def test_a_coarse_token_begins_as_the_mean_of_the_finest_ones(index, times):
    made, memory = begun(36), noise(1, 16, 3, 8, 16)
    grid = tokens_of(made, memory, 0).reshape(3, 4 // times, times, 8 // times, times, 24)
    wanted = grid.mean(dim=(2, 4)).reshape(1, -1, 24)
    assert torch.allclose(tokens_of(made, memory, index), wanted, atol=1e-5)


def test_edges_are_filled_up_with_the_last_row_and_column():
    made, memory = begun(36), noise(1, 16, 1, 12, 20)
    whole = torch.nn.functional.pad(memory[:, :, 0], (0, 4, 0, 4), mode="replicate")[:, :, None]
    assert torch.equal(tokens_of(made, memory, 2), tokens_of(made, whole, 2))
    assert tokens_of(made, memory, 2).shape == (1, 6, 24)


def test_every_film_of_a_batch_has_its_own_frames():
    made, memory = begun(16), noise(2, 16, 5, 8, 8)
    groups = [torch.tensor([[4], [0]]), torch.tensor([[0, 1], [2, 3]]), torch.zeros(2, 0, dtype=torch.long)]
    with torch.no_grad():
        both = made(memory, groups)
        alone = [made(memory[film : film + 1], [group[film : film + 1] for group in groups]) for film in range(2)]
    assert both.shape == (2, 16 + 2 * 4, 24)
    assert torch.allclose(both, torch.cat(alone), atol=1e-6)
    assert torch.equal(take_frames(memory, torch.tensor([[3, 1], [0, 0]]))[0], memory[0][:, [3, 1]])


@pytest.mark.parametrize(("conv", "kernels", "message"), [
    (base(20), (2, 4), "reads 20 channels"),
    (base(36), (2, 3), "no multiple"),
    (base(36, (2, 2, 2)), (2, 4), "one latent frame"),
    (nn.Conv3d(36, 24, (1, 2, 2), (1, 2, 2), bias=False), (2, 4), "a bias"),
])
def test_a_base_that_it_cannot_begin_from_is_refused(conv, kernels, message):
    with pytest.raises(ModelFilesError, match=message):
        Patchifiers(16, 24, kernels).begin_as(conv)


@pytest.fixture(scope="module")
def rope():
    return ContextRope(12, (1, 2, 2), 64)


def angles(table, dims):
    """Return angles and lengths of turned pairs."""
    cosines, sines = table[0][..., dims][..., ::2], table[1][..., dims][..., ::2]
    return torch.atan2(sines, cosines), (cosines**2 + sines**2).sqrt()


def test_memory_stands_at_its_own_negative_times_behind_the_shot(rope):
    shot = rope(noise(1, 36, 3, 8, 8))
    rope.context = rope.centred(torch.tensor([[-30, -2]]), 4, 4, 1)
    joint = rope(noise(1, 36, 3, 8, 8))
    rope.context = None
    assert torch.equal(joint[0][:, :48], shot[0]) and joint[0].shape == (1, 48 + 32, 1, 12)
    found, _ = angles(joint, slice(0, 2))
    assert found[0, :48:16, 0, 0].tolist() == pytest.approx([0, 1, 2])
    wanted = torch.remainder(torch.tensor([-30.0, -2.0]) + torch.pi, 2 * torch.pi) - torch.pi
    assert found[0, 48::16, 0, 0].tolist() == pytest.approx(wanted.tolist(), abs=1e-5)


def test_at_the_bases_own_patches_positions_are_the_bases_own(rope):
    own = rope.centred(torch.tensor([[0, 1, 2]]), 4, 5, 1)
    for mine, stock in zip(own, rope(noise(1, 36, 3, 8, 10)), strict=True):
        assert torch.equal(mine, stock)


@pytest.mark.parametrize("side", [2, 4])
def test_coarse_tokens_stand_in_the_middle_of_their_patch(rope, side):
    turned = rope.centred(torch.tensor([[-7]]), 8, 8, side)
    for dims, axis in ((slice(4, 6), 0), (slice(8, 10), 1)):
        found, length = angles(turned, dims)
        grid = found.reshape(8 // side, 8 // side)
        along = grid[:, 0] if axis == 0 else grid[0]
        centres = torch.arange(8 // side) * side + (side - 1) / 2
        assert torch.allclose(torch.cos(along), torch.cos(centres), atol=1e-5)
        assert torch.allclose(torch.sin(along), torch.sin(centres), atol=1e-5)
        assert (length < 1).all() and torch.allclose(length, length.flatten()[0].expand_as(length), atol=1e-5)
    _, length = angles(turned, slice(0, 4))
    assert torch.allclose(length, torch.ones_like(length), atol=1e-5), "time is not blurred"
