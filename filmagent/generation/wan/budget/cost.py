"""The arithmetic of a Wan shot: tokens, floating-point operations, bytes of activations. Pure; reads nothing.

Counts what grows with the shot: matrix products, attention and convolutions, a multiply and an add as two. At 832x480
and 81 frames an A14B expert comes to 1.7e15 a forward, 3.1e15 with ten memory frames.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from filmagent.generation.costs import ShotShape
from filmagent.generation.limits import TEMPORAL_STRIDE

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a weight -> its shape."""
_UP_BLOCK = re.compile(r"decoder\.up_blocks\.(?P<block>\d+)\.(?P<rest>.+)")
FLOAT32 = 4
TILE = 256
"""Longest side of a tile of the VAE in pixels; smaller pictures are cut in halves."""
SMALLEST_TILE = 16
LIVE_MAPS = 6
"""Feature maps of the widest layer that a decoder holds at once: input, output, residual, and the causal cache."""


@dataclass(frozen=True)
class ExpertShape:
    """The sizes of a WanTransformer3DModel, from its config.json."""

    width: int
    """Heads times head dimension."""
    ffn: int
    layers: int
    in_channels: int
    out_channels: int
    patch: tuple[int, int, int]
    """Latent frames, rows and columns that make one token."""

    @classmethod
    def of(cls, config: Mapping[str, object]) -> ExpertShape:
        """Read the sizes from a config.json. Raises KeyError or ValueError when they are not there."""
        number = {key: int(str(config[key])) for key in
                  ("num_attention_heads", "attention_head_dim", "ffn_dim", "num_layers", "in_channels", "out_channels")}
        patch = config["patch_size"]
        if not isinstance(patch, list | tuple):
            raise ValueError(f"patch_size is {patch!r}")
        time, rows, columns = patch
        return cls(number["num_attention_heads"] * number["attention_head_dim"], number["ffn_dim"],
                   number["num_layers"], number["in_channels"], number["out_channels"], (time, rows, columns))


def latent_frames(frames: int) -> int:
    """Return how many latent frames hold `frames` frames: the first one alone, then four in each."""
    return (frames - 1) // TEMPORAL_STRIDE + 1


def shot_tokens(shape: ShotShape, expert: ExpertShape, stride: int = 8) -> int:
    """Return the tokens of a shot, those of its memory frames included; `stride` is the VAE's, in pixels."""
    time, rows, columns = expert.patch
    a_frame = (shape.size.height // stride // rows) * (shape.size.width // stride // columns)
    return (latent_frames(shape.frames) + shape.memory) // time * a_frame


def forward_flops(expert: ExpertShape, tokens: int, text_tokens: int, adapter_weights: int = 0) -> float:
    """Return the operations of one forward of an expert.

    Args:
        expert: its sizes.
        tokens: length of the sequence, memory included.
        text_tokens: text tokens that are attended to.
        adapter_weights: numbers in an unmerged LoRA; each is used once a token.
    """
    width = expert.width
    self_attention = 8 * tokens * width**2 + 4 * tokens**2 * width
    cross_attention = 4 * (tokens + text_tokens) * width**2 + 4 * tokens * text_tokens * width
    feed_forward = 4 * tokens * width * expert.ffn
    edges = 2 * tokens * width * (expert.in_channels + expert.out_channels) * math.prod(expert.patch)
    layers = expert.layers * (self_attention + cross_attention + feed_forward)
    return float(layers + edges + 2 * tokens * adapter_weights)


def activation_bytes(expert: ExpertShape, tokens: int, number_bytes: int) -> int:
    """Return about how many bytes one forward holds beside the weights; attention keeps no score matrix.

    In the widest moment of a block: the sequence, its float32 norm, modulation and residual, and either queries, keys,
    values and output, or the feed-forward layer before and after its activation.
    """
    norms = 3 * FLOAT32 * expert.width
    attention = 5 * number_bytes * expert.width
    feed_forward = number_bytes * (expert.width + 2 * expert.ffn)
    return tokens * (norms + max(attention, feed_forward))


def decoder_flops(vae: Shapes, latents: int, rows: int, columns: int) -> float:
    """Return the operations of decoding `latents` latent frames of rows x columns, from the decoder's convolutions."""
    before = _levels_before(vae)
    total = 0.0
    for name, shape in _convolutions(vae):
        space, time = _level_of(name, before)
        positions = (1 + (latents - 1) * 2**time) * rows * columns * 4**space
        total += 2.0 * math.prod(shape) * positions
    return total


def decoder_bytes(vae: Shapes, frames: int, rows: int, columns: int, share: float = 1.0) -> int:
    """Return about how many bytes the decoder holds: it makes four frames at a time in float32, and keeps the video.

    Args:
        vae: the VAE's weights.
        frames: frames of the video.
        rows: latent rows; `columns` alike.
        share: part of a picture that is decoded at once, 0 to 1.
    """
    before = _levels_before(vae)
    space, _ = before[-1]
    widest = max((shape[1] for name, shape in _convolutions(vae) if _level_of(name, before)[0] == space), default=1)
    positions: int = rows * columns * 4**space
    outputs = next((shape[0] for name, shape in vae.items() if name == "decoder.conv_out.weight"), 3)
    maps = LIVE_MAPS * widest * TEMPORAL_STRIDE * positions * FLOAT32
    return round(maps * share) + 2 * frames * positions * outputs * FLOAT32


def tile_side(side: int) -> int:
    """Return a tile's side for a picture's side, both in pixels: half of it, at most 256, a multiple of 16."""
    return max(SMALLEST_TILE, min(TILE, -(-side // 2 // 16) * 16))


def _convolutions(vae: Shapes) -> list[tuple[str, tuple[int, ...]]]:
    """Return the decoder's convolutions; of attention, those that project."""
    return [(name, shape) for name, shape in vae.items()
            if name.startswith("decoder.") and name.endswith(".weight") and len(shape) >= 4]


def _levels_before(vae: Shapes) -> list[tuple[int, int]]:
    """Return how often space and time are doubled before every up block, and at the end behind the last."""
    blocks: dict[int, set[str]] = {}
    for name in vae:
        if (match := _UP_BLOCK.fullmatch(name)) is not None:
            blocks.setdefault(int(match["block"]), set()).add(match["rest"])
    levels = [(0, 0)]
    for block in sorted(blocks):
        space, time = levels[-1]
        inner = blocks[block]
        levels.append((space + any(".resample." in name for name in inner),
                       time + any(".time_conv." in name for name in inner)))
    return levels


def _level_of(name: str, before: list[tuple[int, int]]) -> tuple[int, int]:
    """Return how often space and time are doubled where a decoder's layer works."""
    match = _UP_BLOCK.fullmatch(name)
    if match is None:
        return before[-1] if name.startswith("decoder.conv_out") else before[0]
    block = int(match["block"])
    return before[block + 1] if ".resample." in match["rest"] else before[block]
