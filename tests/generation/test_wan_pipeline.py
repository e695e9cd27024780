"""The shot itself: the stock pipeline's without memory, and with memory nothing of it in the film."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from filmagent.errors import GenerationCancelledError, GenerationError, ModelFilesError
from filmagent.generation.port import FrameSize
from filmagent.generation.wan.denoising.conditions import ConditionEncoder
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.library import UniPCMultistepScheduler, WanImageToVideoPipeline
from tests.support.tiny_wan import tiny_expert, tiny_vae

SIZE = FrameSize(48, 32)


def models(experts=2):
    return {
        "tokenizer": None, "text_encoder": None, "vae": tiny_vae(), "transformer": tiny_expert(1),
        "transformer_2": tiny_expert(2) if experts == 2 else None, "boundary_ratio": 0.9 if experts == 2 else None,
    }


def memory_pipeline(grid="stock", experts=2):
    pipeline = WanMemoryPipeline(scheduler=make_scheduler(grid, 3.0), **models(experts))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)


def text():
    noise = torch.Generator().manual_seed(5)
    return {name: torch.randn(1, 6, 16, generator=noise) for name in ("prompt_embeds", "negative_prompt_embeds")}


def shoot(pipeline, memory=0, seam=None, **changes):
    condition = ConditionEncoder(pipeline.vae).condition(list(pictures(memory)), seam, 9, SIZE)
    arguments = {"steps": 3, "guidance": 3.0, "guidance_2": 2.0 if pipeline.config.boundary_ratio else None,
                 "generator": torch.Generator().manual_seed(1)} | text() | changes
    return pipeline.make_shot(condition, **arguments)


@pytest.mark.parametrize("experts", [1, 2])
@pytest.mark.parametrize(("solver", "apart"), [("ours", 0.0), ("stock", 1e-6)])
def test_without_memory_it_is_the_stock_pipeline(experts, solver, apart):
    """With our solver bit for bit; the stock solver's sums are in another order."""
    first = pictures(1)
    scheduler = make_scheduler("stock", 3.0)
    if solver == "stock":
        scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    stock = WanImageToVideoPipeline(scheduler=scheduler, **models(experts))
    stock.set_progress_bar_config(disable=True)
    wanted = stock(
        image=Image.fromarray(first[0]), height=32, width=48, num_frames=9, num_inference_steps=3, guidance_scale=3.0,
        guidance_scale_2=2.0 if experts == 2 else None, generator=torch.Generator().manual_seed(1), **text(),
    ).frames
    made = shoot(memory_pipeline(experts=experts), seam=first)
    assert made.shape == (1, 9, 32, 48, 3)
    assert np.abs(made - wanted).max() <= apart


def test_without_memory_and_seam_it_is_the_stock_pipeline_on_grey_but_for_the_mask():
    """A cut gives no first frame: the mask says so, and the result differs from a given grey one."""
    grey = np.full((1, 32, 48, 3), 127, np.uint8)
    assert not np.array_equal(shoot(memory_pipeline()), shoot(memory_pipeline(), seam=grey))


def test_grids_differ():
    assert not np.array_equal(shoot(memory_pipeline("wan")), shoot(memory_pipeline("stock")))


def test_memory_changes_the_shot_and_so_does_its_order():
    pipeline = memory_pipeline()
    condition = ConditionEncoder(pipeline.vae)

    def made(frames):
        return pipeline.make_shot(condition.condition(frames, None, 9, SIZE), steps=3, guidance=3.0,
                                  generator=torch.Generator().manual_seed(1), output_type="latent", **text())

    one, two = pictures(2)
    assert not torch.equal(made([one, two]), made([]))
    assert not torch.equal(made([one, two]), made([two, one]))


def test_the_shots_noise_does_not_depend_on_memory():
    pipeline = memory_pipeline()
    noise = []
    pipeline.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: noise.append(kwargs["hidden_states"][:, :16]), with_kwargs=True
    )
    for memory in (0, 2):
        shoot(pipeline, memory, steps=1, guidance=1.0, guidance_2=1.0, output_type="latent")
    assert [frames.shape[2] for frames in noise] == [3, 5]
    assert torch.equal(noise[0], noise[1][:, :, 2:])


def test_memory_is_denoised_but_never_decoded():
    pipeline = memory_pipeline()
    denoised, decoded = set(), []
    pipeline.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: denoised.add(kwargs["hidden_states"].shape[2]), with_kwargs=True
    )
    pipeline.vae.post_quant_conv.register_forward_pre_hook(lambda module, args: decoded.append(args[0].shape[2]))
    video = shoot(pipeline, memory=2)
    assert denoised == {2 + 3}
    assert decoded == [3]
    assert video.shape == (1, 9, 32, 48, 3)


def test_positions_are_ordinary_again_after_a_shot_that_breaks():
    pipeline = memory_pipeline()

    def broken(step, steps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shoot(pipeline, memory=2, on_step=broken)
    assert [expert.rope.memory for expert in (pipeline.transformer, pipeline.transformer_2)] == [0, 0]
    assert np.array_equal(shoot(pipeline), shoot(memory_pipeline()))


def test_cancelling_stops_after_the_step():
    steps = []
    with pytest.raises(GenerationCancelledError, match="step 2 of 3"):
        shoot(memory_pipeline(), on_step=lambda step, of: steps.append((step, of)), cancelled=lambda: len(steps) == 2)
    assert steps == [(1, 3), (2, 3)]


def test_values_that_are_no_numbers_are_no_film():
    pipeline = memory_pipeline()
    with torch.no_grad():
        pipeline.transformer_2.proj_out.bias[0] = float("nan")
    with pytest.raises(GenerationError, match="no numbers"):
        shoot(pipeline)


def one_expert(in_channels):
    pipeline = WanMemoryPipeline(
        scheduler=make_scheduler("wan", 3.0), **models(1) | {"transformer": tiny_expert(1, in_channels)}
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_an_expert_that_reads_other_channels_is_refused():
    with pytest.raises(ModelFilesError, match="reads 20 channels"):
        shoot(one_expert(20))


def test_a_text_to_video_expert_films_from_text_and_refuses_memory():
    assert shoot(one_expert(16)).shape == (1, 9, 32, 48, 3)
    with pytest.raises(ModelFilesError, match="neither memory nor the shot before"):
        shoot(one_expert(16), memory=1)
    with pytest.raises(ModelFilesError, match="neither memory nor the shot before"):
        shoot(one_expert(16), seam=pictures(1))
