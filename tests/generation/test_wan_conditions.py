"""What the experts are shown: mask, memory, seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from filmagent.generation.port import FrameSize
from filmagent.generation.wan.denoising.conditions import ConditionEncoder, fit_picture, known_mask, pixels
from filmagent.generation.wan.denoising.unknown import told_clip
from tests.support.tiny_wan import tiny_vae

SIZE = FrameSize(48, 32)


@pytest.fixture(scope="module")
def vae():
    return tiny_vae()


def picture(seed, height=32, width=48):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("known", "sums"), [(0, [4, 4, 4, 0, 0, 0]), (1, [4, 4, 4, 4, 0, 0]), (5, [4, 4, 4, 4, 4, 0])])
def test_mask_marks_memory_and_the_latents_of_the_seam(known, sums):
    mask = known_mask(3, known, 3, 4, 6)
    assert mask.shape == (1, 4, 6, 4, 6)
    assert mask.sum(dim=1)[0, :, 0, 0].tolist() == sums
    assert set(mask.unique().tolist()) <= {0.0, 1.0}


def test_mask_is_the_references_pixel_construction():
    """StoryMem builds it from pixel frames: memory and the first frame count four times, then four to a latent."""
    memory, frames, known = 2, 17, 5
    line = torch.zeros(memory + frames)
    line[: memory + known] = 1
    folded = torch.cat([line[: memory + 1].repeat_interleave(4), line[memory + 1 :]]).view(-1, 4).T
    assert torch.equal(known_mask(memory, known, 5, 1, 1)[0, :, :, 0, 0], folded)


def test_memory_frames_are_encoded_alone_and_stand_first(vae):
    frames = [picture(1), picture(2)]
    condition = ConditionEncoder(vae).condition(frames, None, 9, SIZE)
    assert condition.memory == 2
    assert condition.latents.shape == (1, 20, 2 + 3, 4, 6)
    one_by_one = [ConditionEncoder(vae).condition([frame], None, 9, SIZE).latents[:, 4:, :1] for frame in frames]
    assert torch.equal(condition.latents[:, 4:, :2], torch.cat(one_by_one, dim=2))


def test_the_first_frame_of_an_mi2v_shot_reaches_the_condition(vae):
    """StoryMem's first release overwrote it with grey. Decoded, it must look like the seam."""
    seam = np.full((1, 32, 48, 3), 30, np.uint8)
    grey = ConditionEncoder(vae).condition([], None, 9, SIZE).latents[:, 4:, :1]
    given = ConditionEncoder(vae).condition([picture(1)], seam, 9, SIZE).latents[:, 4:, 1:2]
    alone = ConditionEncoder(vae).condition([seam[0]], None, 9, SIZE).latents[:, 4:, :1]
    assert torch.allclose(given, alone, atol=1e-5), "the causal VAE encodes the first frame as it would alone"
    assert (given - grey).abs().max() > 1e-2


def test_all_five_frames_of_an_mm2v_seam_reach_the_condition(vae):
    seam = np.stack([picture(seed) for seed in range(5)])
    whole = ConditionEncoder(vae).condition([], seam, 9, SIZE).latents[:, 4:]
    changed = seam.copy()
    changed[4] = 255 - changed[4]
    other = ConditionEncoder(vae).condition([], changed, 9, SIZE).latents[:, 4:]
    assert torch.equal(whole[:, :, 0], other[:, :, 0])
    assert not torch.allclose(whole[:, :, 1], other[:, :, 1])


def test_the_same_picture_is_encoded_once(vae):
    encoded = []
    hook = vae.encoder.register_forward_pre_hook(lambda module, args: encoded.append(args[0].shape))
    encoder = ConditionEncoder(vae)
    encoder.condition([picture(1)], None, 9, SIZE)
    first = len(encoded)
    encoder.condition([picture(1), picture(1)], None, 9, SIZE)
    assert len(encoded) == first
    encoder.condition([picture(2)], None, 9, SIZE)
    hook.remove()
    assert len(encoded) == first + 1


def test_a_picture_of_the_films_size_is_not_resampled():
    assert torch.equal(fit_picture(picture(1), SIZE), pixels(picture(1)[None]))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (300, 100), (10, 400), (7, 5)])
def test_pictures_of_other_proportions_keep_them(height, width):
    fitted = fit_picture(np.full((height, width, 3), 255, np.uint8), SIZE)
    assert fitted.shape == (1, 3, 1, SIZE.height, SIZE.width)
    seen = (fitted[0, 0, 0] > 0.5).nonzero()
    tall, wide = (int(seen[:, axis].max() - seen[:, axis].min()) + 1 for axis in (0, 1))
    scale = min(SIZE.height / height, SIZE.width / width)
    assert (tall, wide) == (max(1, round(height * scale)), max(1, round(width * scale)))


def patches(shows):
    """The mean colours of the four patches of every token: [112, 12]."""
    clip = told_clip(shows, torch.zeros(1, 3, 0, 128, 224), 5)
    assert clip.shape == (1, 3, 5, 128, 224) and clip.abs().max() <= 1
    assert torch.equal(clip[:, :, 0], clip[:, :, 4])
    cells = torch.nn.functional.avg_pool2d(clip[:, :, 0], 8)[0]
    return cells.view(3, 8, 2, 14, 2).permute(1, 3, 0, 2, 4).reshape(112, 12)


def test_a_stage_tells_every_spot_from_every_other():
    """Of a grey clip all tokens inside are the same one, and relative positions alone cannot say where it is."""

    def nearest(shows):
        return float((torch.cdist(patches(shows), patches(shows)) + 9 * torch.eye(112)).min())

    assert nearest("grey") == 0
    assert nearest("stage") > 0.2


def test_a_stage_says_in_many_ways_where_a_spot_is():
    """One smooth gradient also tells all spots apart, but fine detail of a place is hardly learned from it."""
    found = patches("stage")
    spread = torch.linalg.svdvals(found - found.mean(0)).square()
    assert int((spread / spread.sum() > 0.02).sum()) >= 11, "of twelve directions"


@pytest.mark.parametrize("known", [1, 5])
def test_behind_a_seam_papercut_is_shown_its_last_frame_and_wan_grey(vae, known):
    seam = np.stack([picture(seed) for seed in range(known)])
    held = np.concatenate([seam, np.repeat(seam[-1:], 9 - known, axis=0)])
    stage, grey = (ConditionEncoder(vae, shows).condition([], seam, 9, SIZE).latents for shows in ("stage", "grey"))
    whole = ConditionEncoder(vae).condition([], held, 9, SIZE).latents
    assert torch.allclose(stage[:, 4:], whole[:, 4:]), "a clip that stands still"
    assert torch.equal(stage[:, :4], grey[:, :4]), "it is not said to be known"
    same = 1 + (known - 1) // 4
    assert torch.equal(grey[:, :, :same], stage[:, :, :same]), "what is known is shown alike"
    assert not torch.allclose(grey[:, :, same:], stage[:, :, same:])
