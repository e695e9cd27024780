"""The ladder for memory: what is done, rung by rung, so that a shot fits the card.

Every rung needs less memory than the one above it and costs time, accuracy or both. Which rung is decided before
loading, from bytes; and again, further down, when memory runs out all the same. Hooks that an error interrupted are
never trusted: whoever steps down loads the models anew. Knows pipelines and devices; nothing of requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from filmagent.generation.wan.budget.cost import tile_side

RungName = Literal["resident", "swap", "float8", "blocks", "tiles"]
Experts = Literal["stay", "turns", "blocks"]
"""Where experts lie: always on the device, one at a time, or block by block."""

OVERLAP = 4
"""Neighbouring tiles share one part in this many of a tile, and are blended there."""
LATENT = 8
"""Pixels that a latent is wide and high: tiles lie on whole latents."""


@dataclass(frozen=True)
class Rung:
    """One way to lie in memory."""

    name: RungName
    says: str
    """What a person reads in the log and in the manifest."""
    experts: Experts
    float8: bool = False
    """Linear weights of the blocks are stored in float8 (e4m3) and computed with as before."""
    tiled: bool = False
    """The VAE works on overlapping tiles."""

    @property
    def exact(self) -> bool:
        """Whether the frames are those of the first rung, but for the order of sums."""
        return not (self.float8 or self.tiled)


CARD_LADDER = (
    Rung("resident", "all experts stay on the card", "stay"),
    Rung("swap", "one model at a time on the card; experts are swapped at the boundary", "turns"),
    Rung("float8", "one expert at a time on the card, its weights stored in float8", "turns", float8=True),
    Rung("blocks", "the blocks of the experts visit the card one after another", "blocks"),
    Rung("tiles", "the blocks of the experts visit the card, and the VAE works in tiles", "blocks", tiled=True),
)
"""The rungs of a machine with a card, in the order in which memory runs out. `blocks` is exact again: weights that
visit the card need no rounding."""
RAM_LADDER = (
    Rung("resident", "everything stays in memory", "stay"),
    Rung("float8", "the experts' weights are stored in float8", "stay", float8=True),
    Rung("tiles", "the experts' weights are stored in float8, and the VAE works in tiles", "stay", float8=True,
         tiled=True),
)
"""The rungs of a machine without one: moving weights from memory to memory frees nothing."""


def ladder_on(device: torch.device) -> tuple[Rung, ...]:
    """Return the rungs of a device, the first needing most memory."""
    return RAM_LADDER if device.type == "cpu" else CARD_LADDER


def rungs_for(ladder: Sequence[Rung], *, compiled: bool) -> tuple[Rung, ...]:
    """Return the rungs that a choice of speed can be made on.

    Compiled blocks lie beneath the hooks that move whole models or blocks; float8 storage casts weights within a
    block, which no one program can hold. All other choices work on every rung.
    """
    return tuple(rung for rung in ladder if not (compiled and rung.float8))


def choose_rung(needs: Sequence[tuple[Rung, int]], room: int) -> Rung:
    """Return the first rung whose estimated bytes fit; the last one when none does."""
    return next((rung for rung, needed in needs if needed <= room), needs[-1][0])


def next_rung(ladder: Sequence[Rung], rung: Rung, *, alike: bool = False) -> Rung | None:
    """Return the rung below, of those that store the experts' weights alike if told so; None when there is none."""
    below = ladder[ladder.index(rung) + 1 :]
    return next((each for each in below if not alike or each.float8 == rung.float8), None)


def room_on(device: torch.device, budget: int | None) -> int:
    """Return the bytes that may be used: the budget, but never more than there is (free on a card, all of the RAM)."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return free if budget is None else min(budget, free)


def hold_to_budget(device: torch.device, budget: int | None) -> None:
    """Let the card's allocator refuse what goes beyond the budget, so that the ladder notices. Nothing on a CPU."""
    if budget is not None and device.type == "cuda":
        whole = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, budget / whole), device)


def place(pipeline: Any, rung: Rung, device: torch.device, dtype: torch.dtype) -> None:
    """Put a freshly loaded pipeline where the rung says.

    Args:
        pipeline: a WanMemoryPipeline, its adapters attached, no hook on it yet. The text encoder stays on the CPU
            (or takes its turn): see `text_encoder_at_work`.
        rung: a rung of this device's ladder.
        device: where the experts compute.
        dtype: the type that they compute in, when their weights are stored in another.
    """
    experts = [expert for expert in (pipeline.transformer, pipeline.transformer_2) if expert is not None]
    if rung.float8:
        for expert in experts:
            expert.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
    if rung.experts == "turns":
        pipeline.enable_model_cpu_offload(device=device)
    elif rung.experts == "blocks":
        streams = device.type == "cuda"
        for expert in experts:
            expert.enable_group_offload(
                onload_device=device, offload_device=torch.device("cpu"), offload_type="block_level",
                num_blocks_per_group=1, use_stream=streams, record_stream=streams,
            )
        pipeline.vae.to(device)
    else:
        for model in (*experts, pipeline.vae):
            model.to(device)


@contextmanager
def text_encoder_at_work(pipeline: Any, rung: Rung, device: torch.device) -> Iterator[None]:
    """Have the text encoder on the card for the time of the block only.

    Where experts take turns, it takes its turn by itself; where only blocks fit, it works on the CPU.
    """
    if rung.experts != "stay":
        yield
        return
    pipeline.text_encoder.to(device)
    try:
        yield
    finally:
        pipeline.text_encoder.to("cpu")


def use_tiles(vae: Any, rung: Rung, width: int, height: int) -> None:
    """Let an AutoencoderKLWan work on tiles of a picture of this size, if the rung says so.

    diffusers' tiles have a fixed size and do nothing for smaller pictures; these always cut.
    """
    if not rung.tiled:
        return
    sides = {"height": tile_side(height), "width": tile_side(width)}
    strides = {name: side - max(LATENT, side // OVERLAP // LATENT * LATENT) for name, side in sides.items()}
    vae.enable_tiling(
        tile_sample_min_height=sides["height"], tile_sample_min_width=sides["width"],
        tile_sample_stride_height=strides["height"], tile_sample_stride_width=strides["width"],
    )


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, says that memory ran out."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            return True
        if isinstance(error, RuntimeError) and "allocate memory" in str(error):
            return True  # torch's CPU allocator has no class of its own
        error = error.__cause__
    return False


def memory_trouble(error: BaseException) -> str | None:
    """Return the first line of an error that says that memory ran out; None for every other error."""
    return (str(error).strip().split("\n")[0][:120] or "no details") if is_out_of_memory(error) else None
