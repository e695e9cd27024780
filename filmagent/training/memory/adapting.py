"""An expert that can learn: its own weights frozen, a LoRA on every linear layer of its blocks, maybe memory modules.

Rank-stabilised LoRA (arXiv 2312.03732) on self-attention, cross-attention and feed-forward, as StoryMem and Memento
train; for OneStory, whose paper trains the whole model, as well. The new weights are float32 whatever the base is
stored in. Knows experts; nothing of examples.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from filmagent.generation.trained.bases import Base
from filmagent.generation.trained.files import ADAPTER
from filmagent.generation.wan.cached.expert import install_cached_memory
from filmagent.generation.wan.denoising.rope import install_memory_rope
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.memento.checkpoints import SELECTOR, memento_expert
from filmagent.generation.wan.memento.selector import KeyframeQuery
from filmagent.generation.wan.onestory.expert import MEMORY_PARTS, onestory_from_base
from filmagent.generation.wan.onestory.shape import MemoryShape
from filmagent.generation.wan.weights.checkpoints import load_part
from filmagent.generation.wan.weights.lora import fresh_lora
from filmagent.training.memory.settings import MemoryTraining


def load_learning_expert(base: Base, settings: MemoryTraining, dtype: torch.dtype) -> Any:
    """Load a base's expert with new weights that are to learn; the same seed gives the same.

    Raises:
        ModelFilesError: files are missing or broken, or do not fit.
    """
    expert = load_part(WanTransformer3DModel, base.config.folder, settings.part, dtype)
    torch.manual_seed(settings.seed)
    if settings.policy == "memento":
        expert = with_selector(expert, dtype)
    elif settings.policy == "onestory":
        expert = onestory_from_base(expert, MemoryShape(budget=settings.budget))
    elif settings.cached:
        install_cached_memory(expert)
    else:
        install_memory_rope(expert)
    add_lora(expert, settings.rank, settings.dropout)
    if settings.gradient_checkpointing:
        expert.enable_gradient_checkpointing()
    return expert.train()


def with_selector(expert: Any, dtype: torch.dtype) -> Any:
    """Return a Memento expert with a stock expert's weights, which it takes over, and a new selector."""
    size = expert.config
    selector = KeyframeQuery(
        size.num_attention_heads * size.attention_head_dim,
        size.num_attention_heads,
        size.out_channels,
        tuple(size.patch_size),
    )
    new = {f"{SELECTOR}{name}": tensor for name, tensor in selector.state_dict().items()}
    arguments = {name: value for name, value in size.items() if not name.startswith("_")}
    return memento_expert({**expert.state_dict(), **new}, arguments, dtype)


def add_lora(expert: Any, rank: int, dropout: float) -> None:
    """Freeze an expert but for its modules of memory, and put a LoRA on it that does nothing yet."""
    fresh_lora(expert, ADAPTER, rank, dropout)
    for name, parameter in expert.named_parameters():
        if name.startswith((SELECTOR, *MEMORY_PARTS)):  # adding the adapter freezes everything else
            parameter.requires_grad_(True)
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def learned(expert: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that learn, by the names that files hold (`blocks.0.attn1.to_q.lora_A.weight`)."""
    return {
        name.replace(f".{ADAPTER}.", "."): parameter
        for name, parameter in expert.named_parameters()
        if parameter.requires_grad
    }


def put(expert: nn.Module, weights: dict[str, Tensor]) -> None:
    """Give the weights that learn other values."""
    with torch.no_grad():
        for name, parameter in learned(expert).items():
            parameter.copy_(weights[name])
