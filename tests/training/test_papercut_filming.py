"""Learning to film on: what is asked is what a film asks, and a training that is stopped goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import UsageError
from filmagent.generation.papercut.generator import papercut_config
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.picture_by_picture import PictureByPicturePipeline, next_condition
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.training.papercut import checkpoint
from filmagent.training.papercut.cli import main
from filmagent.training.papercut.export import export_denoiser, export_vae, held_out_shots, measure_vae
from filmagent.training.papercut.filming import (
    FilmedShots,
    FilmingTraining,
    draw_shots,
    film,
    open_filming,
    shown_at,
    train_filming,
)
from filmagent.training.papercut.text import build_tokenizer
from filmagent.training.papercut.trainer import DenoiserTraining, Models
from tests.support.tiny_wan import tiny_vae

torch.set_num_threads(1)
TOY = FilmingTraining(minutes=60, rank=2, shots=1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory, encoder):
    """Exported weights of networks that never learned anything."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    models = Models(DenoiserTraining(width=48, layers=1, text_width=32, inner_width=96), len(build_tokenizer()))
    torch.nn.init.normal_(models.denoiser.proj_out.weight, std=0.1)
    export_denoiser(models, folder)
    measure, _ = measure_vae(encoder.vae, held_out_shots(1))
    export_vae(encoder.vae, measure, folder / "vae")
    return folder


@pytest.fixture
def run(weights, tmp_path):
    return open_filming(TOY, weights, tmp_path / "run")


def toy_shots(known=1, pictures=6):
    chance = torch.Generator().manual_seed(0)
    return FilmedShots(torch.randn(2, 16, pictures, 4, 6, generator=chance), torch.ones(2, pictures, 4, 6),
                       torch.randn(2, 70, 32, generator=chance), known)


def test_a_step_is_told_what_a_film_is_told():
    latents = toy_shots().latents
    for at, new in ((1, 2), (3, 2), (5, 1)):
        whole = torch.cat([torch.ones(2, 4, 7, 4, 6), torch.cat([latents[:, :, :1], latents], dim=2)], dim=1)
        film_is_told = next_condition(ShotCondition(whole, memory=1), latents[:, :, :at], 3, new).latents
        assert torch.equal(shown_at(latents, latents, at, new), film_is_told)


@pytest.mark.parametrize("known", [1, 3])
def test_practice_films_as_the_pipeline_does(run, known, monkeypatch):
    """With equal noise, here none at all, what is filmed is the same."""
    shots = toy_shots(known)
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    made = film(TOY, run.denoiser, shots)
    pipeline = PictureByPicturePipeline(
        tokenizer=None, text_encoder=None, vae=tiny_vae(), transformer=run.denoiser, transformer_2=None,
        scheduler=make_scheduler("wan", 5.0), boundary_ratio=None,
    )  # fmt: skip
    pipeline.filming = papercut_config().filming
    pipeline.set_progress_bar_config(disable=True)
    mask = torch.ones(2, 4, 7, 4, 6)
    mask[:, :, 1 + known :] = 0
    shown = torch.cat([shots.latents[:, :, :1], shots.latents], dim=2)
    randn = "filmagent.generation.wan.denoising.pipeline.randn_tensor"
    monkeypatch.setattr(randn, lambda shape, *_: torch.zeros(shape))
    filmed = [
        pipeline.make_shot(ShotCondition(torch.cat([mask, shown], dim=1)[row : row + 1], memory=1), steps=2,
                           guidance=1.0, prompt_embeds=shots.text[row : row + 1], negative_prompt_embeds=None,
                           output_type="latent")
        for row in range(2)
    ]  # fmt: skip
    assert made.shape == shots.latents.shape and torch.equal(made[:, :, :known], shots.latents[:, :, :known])
    # Both compute in bfloat16 where the machine does, in batches of other sizes.
    assert float((torch.cat(filmed) - made).abs().mean()) < 0.05 * float(made.std())


def test_what_somebody_has_uncovered_counts_like_somebody(run, encoder):
    run.rng.seed(4)
    seen = 0
    for _ in range(6):
        shots = draw_shots(replace(TOY, calm_share=0.0), run, encoder)
        weight = shots.weight[0]
        assert (weight[1:] >= weight[:-1] - 1e-6).all(), "what was covered once stays important"
        seen += int((weight[-1] > weight[0] + 1).sum())
        assert weight.min() >= 1 and shots.latents.shape[2] == 9 and shots.text.shape == (1, 70, 32)
    assert seen > 0, "and somebody has moved"


def stop_after(steps, monkeypatch):
    """Let a training's time be over after so many steps more."""
    def advance(self, left=[steps]):  # noqa: B006
        left[0] -= 1
        return 1.0 if left[0] < 0 else 0.25

    monkeypatch.setattr(checkpoint.Clock, "advance", advance)


def test_a_training_that_was_stopped_goes_on_the_same(weights, encoder, tmp_path, monkeypatch):
    stop_after(2, monkeypatch)
    whole = train_filming(TOY, weights, encoder, tmp_path / "whole")
    for _ in range(2):
        stop_after(1, monkeypatch)
        parts = train_filming(TOY, weights, encoder, tmp_path / "parts")
    assert (whole.step, whole.samples) == (parts.step, parts.samples) and whole.step == 2
    assert whole.averaged.keys() == parts.averaged.keys()
    for name, weight in whole.averaged.items():
        torch.testing.assert_close(parts.averaged[name], weight, msg=name)
    assert any(weight.any() for name, weight in whole.averaged.items() if ".lora_B." in name), "and learns"
    with pytest.raises(UsageError, match="of other networks"):
        open_filming(replace(TOY, rank=3), weights, tmp_path / "whole")


def test_the_command_leaves_an_adapter_that_films_are_made_with(weights, tmp_path, monkeypatch):
    import shutil

    home = tmp_path / "weights"
    shutil.copytree(weights, home)
    request = GenerationRequest("a cat walks", "scene_cut", 1, FrameSize(224, 128), 9)
    before = PapercutGenerator(papercut_config(home, steps=1)).generate(request).frames
    stop_after(1, monkeypatch)
    assert main(["filming", "--data", str(tmp_path), "--seed", "2"]) == 0
    config = papercut_config(home, steps=1)
    assert config.filming_adapter == home / "filming.safetensors"
    after = PapercutGenerator(config).generate(request).frames
    assert np.array_equal(after[0], before[0]) and after.shape == before.shape
