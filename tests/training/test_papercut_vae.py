"""Training of the small VAE at toy size: it goes on after a stop, learns from clips and pictures, and is exported."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.export import export_vae, held_out_shots, measure_vae
from filmagent.training.papercut.latents import open_encoder
from filmagent.training.papercut.single_frames import SingleFrames
from filmagent.training.papercut.vae import VaeTraining, build_vae, train_vae

torch.set_num_threads(1)
TOY_VAE = VaeTraining(
    minutes=60,
    pool=1,
    still_pool=2,
    batch=1,
    stills=1,
    crop=(5, 32, 32),
    still_crop=(1, 32, 32),
    base=8,
    decoder_base=8,
)


def test_vae_training_goes_on_where_it_stopped(tmp_path):
    train_vae(TOY_VAE, tmp_path, max_steps=1)
    rng = random.Random()
    assert checkpoint.load(tmp_path / "vae.pt", rng)["step"] == 1
    train_vae(TOY_VAE, tmp_path, max_steps=2)
    assert checkpoint.load(tmp_path / "vae.pt", rng)["step"] == 2


def test_refining_the_decoder_leaves_the_latents_alone(tmp_path):
    before = train_vae(TOY_VAE, tmp_path, max_steps=1).state_dict()
    after = train_vae(replace(TOY_VAE, decoder_only=True), tmp_path, max_steps=1).state_dict()
    same = {name: torch.equal(weight, after[name]) for name, weight in before.items()}
    assert all(kept for name, kept in same.items() if name.startswith(("encoder", "quant_conv")))
    assert not all(kept for name, kept in same.items() if name.startswith("decoder"))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_vae_learns_from_single_frames_and_from_clips(tmp_path, share):
    toy = replace(TOY_VAE, stills_only_until=1 - share, clip_share=share, pool=2)
    first = train_vae(toy, tmp_path, max_steps=1)
    before = {name: weight.clone() for name, weight in first.state_dict().items()}
    after = train_vae(toy, tmp_path, max_steps=3).state_dict()
    assert any(not torch.equal(weight, after[name]) for name, weight in before.items())
    later_taps = [name for name, weight in before.items() if "time_conv" in name and weight.ndim == 5]
    moved = [not torch.equal(before[name], after[name]) for name in later_taps]
    assert all(moved) if share else not any(moved), "only clips say anything of what moves"


def test_single_frames_take_the_same_way_as_a_clip_of_one_frame():
    torch.manual_seed(1)
    vae = build_vae(8, 8).eval()
    frames = torch.rand(2, 3, 1, 32, 48) * 2 - 1
    with torch.no_grad():
        made, means = SingleFrames(vae)(frames, torch.zeros(2, 16, 1, 4, 6))
        whole = vae.encode(frames).latent_dist.mode()
        assert torch.allclose(means, whole, atol=1e-5)
        assert torch.allclose(made.clamp(-1, 1), vae.decode(whole).sample, atol=1e-4)


def test_an_exported_vae_leaves_the_one_in_use_as_it_was(tmp_path, encoder):
    measure, _ = measure_vae(encoder.vae, held_out_shots(1))
    before = list(encoder.vae.config.latents_std)
    export_vae(encoder.vae, replace(measure, std=[2 * each for each in measure.std]), tmp_path / "vae")
    assert list(encoder.vae.config.latents_std) == before
    assert np.allclose(open_encoder(tmp_path / "vae").std.flatten(), 2 * np.array(measure.std))
