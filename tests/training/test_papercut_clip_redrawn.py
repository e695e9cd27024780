"""What the critic's eyes learn from besides rendered pictures: the same ones as a denoiser draws them."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import ModelFilesError
from filmagent.training.papercut.clip.model import ClipSize, build_clip, write_description, write_weights
from filmagent.training.papercut.clip.pictures import Groups, PicturePool, render_group
from filmagent.training.papercut.clip.redrawn import Redrawer
from filmagent.training.papercut.clip.train import ClipTraining, train_clip
from filmagent.training.papercut.export import export_denoiser, export_vae, held_out_shots, measure_vae
from filmagent.training.papercut.text import build_tokenizer
from filmagent.training.papercut.trainer import DenoiserTraining, Models
from filmagent.training.papercut.vae import build_vae

torch.set_num_threads(1)

GROUPS = Groups(kept=4, fresh=2, versions=2, somebody=True)
TINY = ClipTraining(minutes=60, different=2, close_until=0.0, told=replace(GROUPS, kept=2, fresh=0),
                    size=ClipSize(width=8, text_width=16, embed_dim=12))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    toy = DenoiserTraining(width=48, layers=1, text_width=32, inner_width=96)
    export_denoiser(Models(toy, len(build_tokenizer())), folder)
    vae = build_vae(8, 8)
    measure, _ = measure_vae(vae, held_out_shots(1))
    export_vae(vae, measure, folder / "vae")
    write_description(TINY.size, folder / "clip")
    write_weights(build_clip(folder / "clip"), folder / "clip")
    return folder


def test_a_picture_that_is_drawn_again_is_another_one_and_keeps_its_truth(weights):
    shown = render_group(GROUPS, "seed")
    again = Redrawer(weights)(shown, random.Random(0))
    assert len(again) == len(shown)
    for old, new in zip(shown, again, strict=True):
        assert (new.picture.shape, new.picture.dtype) == (old.picture.shape, np.uint8)
        assert (new.picture != old.picture).mean() > 0.5
        assert new.who is old.who
        assert new.script == old.script


def test_every_other_group_is_drawn_again():
    def darkened(shown, rng):
        return [replace(each, picture=np.zeros_like(each.picture)) for each in shown]

    rng = random.Random(0)
    drawn, rendered = (PicturePool(GROUPS, 5, 0, None, redraw).batch(4, rng) for redraw in (darkened, None))
    dark = [shown.script for shown in drawn if not shown.picture.any()]
    assert len(drawn) == len(rendered) == 8
    assert len(dark) == 4
    of_plain = {repr(shown.script) for shown in rendered}
    assert {repr(shown.script) for shown in drawn} == of_plain, "what is drawn again shows the same"


def test_a_training_begins_with_the_weights_that_are_there(weights, tmp_path):
    begun = train_clip(replace(TINY, start_from=weights), tmp_path, max_steps=0)
    assert (begun / "open_clip_model.safetensors").read_bytes() == (
        weights / "clip" / "open_clip_model.safetensors"
    ).read_bytes()
    learned = train_clip(replace(TINY, start_from=weights), tmp_path, max_steps=2)
    assert (learned / "open_clip_model.safetensors").read_bytes() != (
        weights / "clip" / "open_clip_model.safetensors"
    ).read_bytes()


def test_a_model_of_another_size_is_none_to_begin_with(weights, tmp_path):
    other = replace(TINY, start_from=weights, size=ClipSize(width=16, text_width=16, embed_dim=12))
    with pytest.raises(ModelFilesError, match="holds no CLIP model to begin with"):
        train_clip(other, tmp_path, max_steps=1)
