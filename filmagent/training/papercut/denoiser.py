"""Trains the small WanTransformer3DModel and its text encoder on cached latents with memory. Knows no pixels.

A training example is laid out as the memory pipeline samples it: keyframes of other shots of the story in front
along latent time, clean in the condition, noise on their noise channels, one timestep for all, loss on the shot.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.rope import install_memory_rope, memory_positions
from filmagent.training.papercut.captions import caption
from filmagent.training.papercut.latents import Clip, StoryLatents

SHIFT = 3.0
MEMORY_STRIDE = 5
MASK_CHANNELS = 4


@dataclass(frozen=True)
class Mixture:
    """How examples are made from stories."""

    memory_for_first_stills: tuple[int, ...] = (0, 0, 0, 1)
    memory_for_stills: tuple[int, ...] = (0, 1, 1, 2)
    memory_for_shots: tuple[int, ...] = (0, 1, 1, 3, 5)
    """Few different counts: every one is a shape that compiled blocks are compiled for."""
    colours_kept_with_memory: float = 0.4
    colours_kept_without_memory: float = 0.9
    text_dropped: float = 0.1
    figure_weight: float = 6.0


@dataclass(frozen=True)
class Batch:
    """Clean latents [B, 16, M + T, h, w] with memory in front, what the model is told, and the loss's weights."""

    clean: Tensor
    mask: Tensor
    condition: Tensor
    weight: Tensor
    sentences: tuple[str, ...]
    memory: int


def build_denoiser(width: int = 256, layers: int = 8, text_width: int = 128) -> WanTransformer3DModel:
    """A small denoiser of Wan2.2's image-to-video class: 36 channels in, 16 out."""
    denoiser = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=4,
        attention_head_dim=width // 4,
        in_channels=36,
        out_channels=16,
        text_dim=text_width,
        freq_dim=128,
        ffn_dim=3 * width,
        num_layers=layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        eps=1e-6,
    )
    install_memory_rope(denoiser)
    return denoiser


def make_batch(
    rng: random.Random, stories: Sequence[StoryLatents], frames: int, memory: int, grey: Tensor, mixture: Mixture
) -> Batch:
    """As many examples with `memory` keyframes as make about `frames` latent frames; shots where stories have them."""
    choices = [(story, clip) for story in stories for clip in story.targets()]
    if not choices:
        raise ValueError(f"none of {len(stories)} stories has a clip that its words determine: make more stories")
    memory = min([memory, *(len(story.stills) + len(story.shots) - 1 for story in stories)])
    size = max(1, round(frames / (memory + choices[0][1].latents.shape[1])))
    clean, mask, condition, weight, sentences = [], [], [], [], []
    for story, clip in rng.choices(choices, k=size):
        keyframes = story.keyframes(without=clip)
        kept = [frame[:, None].float() for frame in rng.sample(keyframes, memory)]
        latents = clip.latents.float()
        told = grey[:, : latents.shape[1]] if clip.condition is None else clip.condition.float()
        clean.append(torch.cat([*kept, latents], dim=1))
        condition.append(torch.cat([*kept, told], dim=1))
        known = torch.zeros(MASK_CHANNELS, memory + latents.shape[1], *latents.shape[2:])
        known[:, : memory + clip.known] = 1
        mask.append(known)
        weight.append(1 + mixture.figure_weight * clip.figures.float()[None])
        sentences.append(_sentence(rng, clip, memory, mixture))
    return Batch(
        torch.stack(clean), torch.stack(mask), torch.stack(condition), torch.stack(weight), tuple(sentences), memory
    )


def _sentence(rng: random.Random, clip: Clip, memory: int, mixture: Mixture) -> str:
    if rng.random() < mixture.text_dropped:
        return ""
    kept = mixture.colours_kept_with_memory if memory or clip.known else mixture.colours_kept_without_memory
    return caption(clip.script, rng, with_attributes=rng.random() < kept)


def sample_noise_levels(count: int) -> Tensor:
    """Noise shares from 0 to 1, mostly in the middle, moved towards noise by the same shift as at sampling."""
    plain = torch.sigmoid(1.1 * torch.randn(count))
    return SHIFT * plain / (1 + (SHIFT - 1) * plain)


def flow_loss(denoiser: WanTransformer3DModel, text: Tensor, batch: Batch) -> Tensor:
    """Squared error of the predicted flow on the shot's latents, figures weighted up."""
    level = sample_noise_levels(len(batch.clean))
    share = level.view(-1, 1, 1, 1, 1)
    noise = torch.randn_like(batch.clean)
    noisy = (1 - share) * batch.clean + share * noise
    ropes = [install_memory_rope(denoiser)]
    told = torch.cat([noisy, batch.mask, batch.condition], dim=1)
    # At these lengths plain attention is a quarter faster on a CPU than the fused kernel, whose backward is slow.
    with (
        sdpa_kernel(SDPBackend.MATH),
        torch.autocast("cpu", dtype=torch.bfloat16),
        memory_positions(ropes, batch.memory, MEMORY_STRIDE),
    ):
        flow = denoiser(told, level * 1000, text, return_dict=False)[0]
    error = (flow.float() - (noise - batch.clean))[:, :, batch.memory :].pow(2)
    loss: Tensor = (error * batch.weight).sum() / (batch.weight.sum() * error.shape[1])
    return loss
