"""Filming on picture by picture: what is seen at each step, what comes out, and that cuts are as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationCancelledError, GenerationError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.config import ModelCard, PictureFilming, Sampling, WanConfig
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.denoising.picture_by_picture import (
    PictureByPicturePipeline,
    PictureConditionEncoder,
    known_pictures,
)
from filmagent.generation.wan.denoising.schedule import make_scheduler
from tests.support.tiny_wan import build_tiny_wan, tiny_expert, tiny_vae

SIZE = FrameSize(48, 32)
ON_TWOS = PictureFilming(looks_back=3, at_once=2, shown_for=2)


def pipeline(filming=ON_TWOS):
    made = PictureByPicturePipeline(
        tokenizer=None, text_encoder=None, vae=tiny_vae(), transformer=tiny_expert(1), transformer_2=None,
        scheduler=make_scheduler("wan", 3.0), boundary_ratio=None,
    )  # fmt: skip
    made.filming = filming
    made.set_progress_bar_config(disable=True)
    return made


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)


def shoot(made, memory=0, seam=None, frames=17, **changes):
    encoder = PictureConditionEncoder(made.vae, "grey", made.filming)
    condition = encoder.condition(list(pictures(memory)), seam, frames, SIZE)
    told = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(5))
    arguments = {"prompt_embeds": told, "negative_prompt_embeds": None, "steps": 2, "guidance": 1.0,
                 "generator": torch.Generator().manual_seed(1), "output_type": "latent"} | changes
    return made.make_shot(condition, **arguments), condition


def watched(made):
    """What the expert sees at each forward, without the noise."""
    seen = []
    made.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["hidden_states"][:, 16:].clone()), with_kwargs=True
    )
    return seen


def test_behind_a_seam_every_second_frame_is_a_picture_encoded_alone():
    made, seam, remembered = pipeline(), pictures(5, seed=3), pictures(2)
    encoder = PictureConditionEncoder(made.vae, "grey", ON_TWOS)
    condition = encoder.condition(list(remembered), seam, 17, SIZE)
    alone = ConditionEncoder(made.vae)
    kept = [alone.condition((picture,), None, 1, SIZE).latents[0, 4:, 0] for picture in (*remembered, *seam[::2])]
    assert condition.memory == 3, "the seam's first picture is remembered, too"
    assert known_pictures(condition) == 3
    expected = torch.stack([*kept[:3], *kept[2:], *([kept[-1]] * 6)], dim=1)
    torch.testing.assert_close(condition.latents[0, 4:], expected)
    assert condition.latents[0, :4, :, 0, 0].tolist() == [[1.0] * 6 + [0.0] * 6] * 4
    cut = encoder.condition(list(remembered), None, 1, SIZE)
    assert torch.equal(cut.latents, alone.condition(list(remembered), None, 1, SIZE).latents)
    with pytest.raises(GenerationError, match="first picture"):
        encoder.condition((), None, 17, SIZE)


@pytest.mark.parametrize(("given", "filming", "lengths"), [
    (1, ON_TWOS, [4, 6, 6, 6]), (5, ON_TWOS, [6, 6, 6]), (1, replace(ON_TWOS, looks_back=2), [4, 5, 5, 5]),
    (1, replace(ON_TWOS, at_once=3), [5, 7, 6]), (1, PictureFilming(3, 1, 4), [3, 4, 5, 5]),
])
def test_pictures_are_made_behind_as_many_that_are_known(given, filming, lengths):
    made = pipeline(filming)
    seen = watched(made)
    steps = []
    latents, condition = shoot(made, seam=pictures(given), on_step=lambda step, of: steps.append((step, of)))
    known = known_pictures(condition)
    assert latents.shape == (1, 16, 1 + 16 // filming.shown_for, 4, 6) and latents.isfinite().all()
    assert torch.equal(latents[:, :, :known], condition.latents[:, 4:, 1 : 1 + known]), "what is known stays"
    assert [each.shape[2] for each in seen] == [length for length in lengths for _ in range(2)]
    assert steps == [(number, 2 * len(lengths)) for number in range(1, 2 * len(lengths) + 1)]
    assert all(torch.equal(each[:, :, 0], condition.latents[:, :, 0]) for each in seen), "the first one is remembered"
    last, new = seen[-1][:, :, 1:], lengths[-1] - 1 - filming.looks_back
    assert last[0, 0, :, 0, 0].tolist() == [1] * filming.looks_back + [0] * new
    before = latents[:, :, :-new]
    assert torch.equal(last[:, 4:, :-new], before[:, :, -filming.looks_back :])
    assert torch.equal(last[:, 4:, -new:], before[:, :, -1:].expand(-1, -1, new, -1, -1)), "the guess: nothing moves"


def test_memory_stays_in_front_of_every_picture():
    made = pipeline()
    seen = watched(made)
    latents, condition = shoot(made, memory=2, seam=pictures(1))
    assert latents.shape[2] == 9
    assert [each.shape[2] for each in seen[::2]] == [6, 8, 8, 8]
    assert all(torch.equal(each[:, :, :3], condition.latents[:, :, :3]) for each in seen)


def test_every_picture_is_decoded_alone_and_shown_for_two_frames():
    made = pipeline()
    frames, _ = shoot(made, seam=pictures(1), output_type="np")
    assert frames.shape == (1, 17, 32, 48, 3)
    assert np.array_equal(frames[:, 1::2], frames[:, 2::2])
    latents, _ = shoot(pipeline(), seam=pictures(1))
    for number in (0, 5):
        alone = made.decode_shot(latents[:, :, number : number + 1])
        assert alone.shape == (1, 1, 32, 48, 3)
        np.testing.assert_allclose(alone[0, 0], frames[0, 2 * number], atol=1e-5)


def test_it_stops_when_told():
    steps = []
    with pytest.raises(GenerationCancelledError):
        shoot(pipeline(), seam=pictures(1), on_step=lambda *step: steps.append(step), cancelled=lambda: len(steps) == 3)
    assert len(steps) == 3


@pytest.mark.parametrize("wrong", [{"looks_back": 0}, {"at_once": 0}, {"shown_for": -1}])
def test_numbers_that_film_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        replace(ON_TWOS, **wrong)


def test_papercut_films_so_where_its_config_says_so_and_counts_what_it_costs(tmp_path):
    folder = build_tiny_wan(tmp_path, experts=1)
    sampling = Sampling(steps=3, steps_on=2, guidance=1.0, boundary_ratio=None)
    whole = WanConfig(name="papercut", folder=folder, card=ModelCard("papercut", "Apache-2.0", "all"),
                      native_size=SIZE, max_pixels=48 * 32, frames=17, fps=8, max_memory=2, sampling=sampling)
    forwards, made, seen = [], {}, []
    for config in (whole, replace(whole, filming=ON_TWOS)):
        generator = PapercutGenerator(config)
        seen.clear()
        request = GenerationRequest("the cat", "scene_cut", 0, SIZE, 17, on_step=lambda *step: seen.append(step))
        made[config.filming is not None] = generator.generate(request).frames
        forwards.append(generator.cost(ShotShape(SIZE, 17, 0)).forwards)
        assert generator.cost(ShotShape(SIZE, 1, 0)).forwards == 3, "a picture alone is not filmed on"
        assert len({of for _, of in seen}) == 1 and seen[-1][0] == seen[-1][1], "the bar ends where it says"
        assert ("behind_seams" in generator.fingerprint) == (config.filming is not None)
        assert generator.capabilities.joins_remember == (config.filming is None)
    assert forwards == [3 + 2, 3 + 4 * 2]
    assert made[True].shape == made[False].shape == (17, 32, 48, 3)
    assert not np.array_equal(made[True], made[False])


def test_it_goes_on_from_what_it_sees_and_refuses_memory_there(tmp_path):
    config = WanConfig(name="papercut", folder=build_tiny_wan(tmp_path, experts=1),
                       card=ModelCard("papercut", "Apache-2.0", "all"), native_size=SIZE, max_pixels=48 * 32, frames=17,
                       fps=8, max_memory=2, sampling=Sampling(steps=2, guidance=1.0, boundary_ratio=None))
    joined = GenerationRequest("the cat", "MI2V", 0, SIZE, 17, memory=tuple(pictures(1)), seam=pictures(1))
    assert PapercutGenerator(config).generate(joined).frames.shape[0] == 16
    with pytest.raises(UsageError, match="goes on from the take before alone"):
        PapercutGenerator(replace(config, filming=ON_TWOS)).generate(joined)
