"""Filming on one latent frame at a time: what is seen at each, what comes out, and that cuts are as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import GenerationCancelledError, UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.papercut.opening import PapercutGenerator
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.conditions import ConditionEncoder, ShotCondition, known_mask
from filmagent.generation.wan.config import ModelCard, Sampling, WanConfig
from filmagent.generation.wan.frame_by_frame import FrameByFramePipeline, known_latent_frames, next_condition
from filmagent.generation.wan.pipeline import WanMemoryPipeline
from filmagent.generation.wan.schedule import make_scheduler
from tests.support.tiny_wan import build_tiny_wan, tiny_expert, tiny_vae

SIZE = FrameSize(48, 32)


def pipeline(kind=FrameByFramePipeline, looks_back=2):
    made = kind(tokenizer=None, text_encoder=None, vae=tiny_vae(), transformer=tiny_expert(1), transformer_2=None,
                scheduler=make_scheduler("wan", 3.0), boundary_ratio=None)
    made.looks_back = looks_back
    made.set_progress_bar_config(disable=True)
    return made


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)


def shoot(made, memory=0, seam=None, frames=17, **changes):
    condition = ConditionEncoder(made.vae).condition(list(pictures(memory)), seam, frames, SIZE)
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


@pytest.mark.parametrize(("given", "looks_back", "lengths"), [
    (1, 2, [2, 3, 3, 3]), (5, 2, [3, 3, 3]), (1, 4, [2, 3, 4, 5]), (5, 3, [3, 4, 4]), (1, 1, [2, 2, 2, 2]),
])
def test_every_latent_frame_is_made_behind_as_many_that_are_known(given, looks_back, lengths):
    made = pipeline(looks_back=looks_back)
    seen = watched(made)
    steps = []
    latents, condition = shoot(made, seam=pictures(given), on_step=lambda step, of: steps.append((step, of)))
    known = known_latent_frames(condition)
    assert latents.shape == (1, 16, 5, 4, 6) and latents.isfinite().all()
    assert torch.equal(latents[:, :, :known], condition.latents[:, 4:, :known]), "what is known is not denoised again"
    assert [each.shape[2] for each in seen] == [length for length in lengths for _ in range(2)]
    assert steps == [(number, 2 * len(lengths)) for number in range(1, 2 * len(lengths) + 1)]
    assert torch.equal(seen[0][:, 4:], condition.latents[:, 4:, : known + 1]), "the seam's last picture is held"
    last = seen[-1]
    assert torch.equal(last[:, 4:], latents[:, :, [*range(4 - looks_back, 4), 3]]), "later on the last latent frame is"
    assert last[0, 0, :, 0, 0].tolist() == [1] * looks_back + [0]


def test_memory_stays_in_front_of_every_frame():
    made = pipeline()
    seen = watched(made)
    latents, condition = shoot(made, memory=2, seam=pictures(1))
    assert latents.shape[2] == 5
    assert [each.shape[2] for each in seen[::2]] == [4, 5, 5, 5]
    assert all(torch.equal(each[:, :, :2], condition.latents[:, :, :2]) for each in seen)


def test_a_shot_that_nothing_is_known_of_is_the_parents():
    (cut, _), (stock, _) = shoot(pipeline(), memory=1), shoot(pipeline(WanMemoryPipeline), memory=1)
    assert torch.equal(cut, stock)
    kinds = (FrameByFramePipeline, WanMemoryPipeline)
    on, whole = (shoot(pipeline(kind), seam=pictures(1))[0] for kind in kinds)
    assert not torch.allclose(on, whole)


def test_it_is_decoded_whole_and_stops_when_told():
    frames, _ = shoot(pipeline(), seam=pictures(1), output_type="np")
    assert frames.shape == (1, 17, 32, 48, 3)
    steps = []
    with pytest.raises(GenerationCancelledError):
        shoot(pipeline(), seam=pictures(1), on_step=lambda *step: steps.append(step), cancelled=lambda: len(steps) == 3)
    assert len(steps) == 3


def test_the_guess_behind_a_seam_is_the_conditions_own_and_later_the_last_frame():
    latents = torch.randn(1, 16, 5, 2, 3)
    condition = ShotCondition(torch.cat([known_mask(0, 1, 5, 2, 3), latents], dim=1), memory=0)
    filmed = torch.randn(1, 16, 3, 2, 3)
    assert torch.equal(next_condition(condition, filmed[:, :, :1], 1, 2).latents[:, 4:, 1], latents[:, :, 1])
    assert torch.equal(next_condition(condition, filmed, 1, 2).latents[:, 4:, 2], filmed[:, :, 2])


def test_papercut_films_so_where_its_config_says_so_and_counts_what_it_costs(tmp_path):
    folder = build_tiny_wan(tmp_path, experts=1)
    sampling = Sampling(steps=3, steps_on=2, guidance=1.0, boundary_ratio=None)
    whole = WanConfig(name="papercut", folder=folder, card=ModelCard("papercut", "Apache-2.0", "all"),
                      native_size=SIZE, max_pixels=48 * 32, frames=17, fps=8, max_memory=2, sampling=sampling)
    forwards, made, seen = [], {}, []
    for config in (whole, replace(whole, looks_back=2)):
        generator = PapercutGenerator(config)
        seen.clear()
        request = GenerationRequest("the cat", "scene_cut", 0, SIZE, 17, on_step=lambda *step: seen.append(step))
        made[config.frame_by_frame] = generator.generate(request).frames
        forwards.append(generator.cost(ShotShape(SIZE, 17, 0)).forwards)
        assert generator.cost(ShotShape(SIZE, 1, 0)).forwards == 3, "a picture alone is not filmed on"
        assert len({of for _, of in seen}) == 1 and seen[-1][0] == seen[-1][1], "the bar ends where it says"
        assert ("behind_seams" in generator.fingerprint) == config.frame_by_frame
        assert generator.capabilities.joins_remember != config.frame_by_frame
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
        PapercutGenerator(replace(config, looks_back=2)).generate(joined)
