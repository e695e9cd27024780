"""Our positions, adapters, solver and loop against numbers of StoryMem's and Wan2.2's reference implementations."""

from __future__ import annotations

import pytest
import torch

from filmagent.generation.wan.denoising.conditions import ShotCondition
from filmagent.generation.wan.denoising.pipeline import WanMemoryPipeline
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.denoising.schedule import make_scheduler
from filmagent.generation.wan.weights.lora import attach_lora
from tests.support import parity
from tests.support.tiny_wan import tiny_vae

CASES = parity.manifest()["storymem"]
STRIDE = parity.manifest()["memory_stride"]


def forward(expert, tensors, memory, timestep):
    hidden = torch.cat([tensors["x"], tensors["y"]])[None]
    with torch.no_grad(), memory_positions([install_memory_rope(expert)], memory, STRIDE):
        return expert(hidden, torch.tensor([timestep]), parity.padded(tensors["context"]), return_dict=False)[0][0]


@pytest.mark.parametrize("case", CASES, ids=[f"memory{case['memory']}" for case in CASES])
def test_one_forward_is_the_references(case):
    tensors = parity.numbers("storymem_cases")
    mine = {name: tensors[f"{case['case']}.{name}"] for name in ("x", "y", "context", "out")}
    made = forward(parity.expert("storymem_dit"), mine, case["memory"], case["timestep"])
    assert torch.allclose(made, mine["out"], atol=1e-4, rtol=0)


def test_positions_matter_to_the_forward():
    case, tensors = CASES[2], parity.numbers("storymem_cases")
    mine = {name: tensors[f"2.{name}"] for name in ("x", "y", "context", "out")}
    made = forward(parity.expert("storymem_dit"), mine, 0, case["timestep"])
    assert (made - mine["out"]).abs().max() > 1e-3


def test_the_lora_has_the_references_scale():
    case, tensors = parity.manifest()["storymem_lora"], parity.numbers("storymem_lora_case")
    expert = parity.expert("storymem_dit")
    attached = attach_lora(expert, parity.FOLDER / "storymem_lora.safetensors", "mi2v")
    assert (attached.layers, attached.rank) == (20, case["rank"])
    assert attached.scale == pytest.approx(case["alpha"] / case["rank"] ** 0.5)
    assert torch.allclose(forward(expert, tensors, case["memory"], case["timestep"]), tensors["out"], atol=1e-4, rtol=0)


def test_a_whole_shot_is_the_references():
    """Ten steps, two experts, guidance, UniPC on Wan's grid: final latents with the memory still in front."""
    case, tensors = parity.manifest()["sampling"], parity.numbers("sampling_case")
    high, low = parity.expert("sampling_high_noise"), parity.expert("sampling_low_noise")
    pipeline = WanMemoryPipeline(
        tokenizer=None, text_encoder=None, vae=tiny_vae(), scheduler=make_scheduler("wan", case["shift"]),
        transformer=high, transformer_2=low, boundary_ratio=case["boundary"] / 1000,
    )
    pipeline.set_progress_bar_config(disable=True)
    calls: list[tuple[int, str]] = []
    for name, expert in (("high", high), ("low", low)):
        expert.register_forward_pre_hook(
            lambda module, args, kwargs, name=name: calls.append((int(kwargs["timestep"][0]), name)), with_kwargs=True
        )
    made = pipeline.make_shot(
        ShotCondition(tensors["condition"][None], memory=case["memory"]),
        prompt_embeds=parity.padded(tensors["context"]),
        negative_prompt_embeds=parity.padded(tensors["negative_context"]),
        steps=case["steps"],
        guidance=case["guidance"],
        memory_stride=STRIDE,
        latents=tensors["noise"][None],
        keep_memory=True,
        output_type="latent",
    )
    assert torch.allclose(made[0], tensors["final_latents"], atol=1e-3, rtol=0)
    assert calls[::2] == calls[1::2], "guidance runs the same expert twice a step"
    assert [timestep for timestep, _ in calls[::2]] == case["timesteps"]
    assert [name for _, name in calls[::2]] == case["experts"]
