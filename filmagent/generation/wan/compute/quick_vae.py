"""Makes a Wan VAE quicker on a CPU, with the same weights and, up to rounding, the same frames.

torch's three-dimensional convolutions leave most of a CPU idle where channels are few. The same sums are a
two-dimensional convolution over every frame, its channels being those of all frames that a tap in time reaches. A
first frame has only zeros before it, so its last tap alone gives the same for a third of the arithmetic.
Knows convolutions; nothing of what is encoded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from filmagent.generation.wan.library import AutoencoderKLWan

FEW_CHANNELS = 64
"""With more than these, three-dimensional convolutions are as quick, and need a third of the memory."""
CHANNELS_LAST = torch.channels_last


def speed_up(vae: AutoencoderKLWan) -> AutoencoderKLWan:
    """The same VAE, quicker on a CPU: its weights stay where a state dict and the stock class expect them.

    Clips that gradients flow through take the stock way: there the backward pass decides, and it is no quicker in two
    dimensions.
    """
    for module in vae.modules():
        if isinstance(module, nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
            # An instance attribute shadows the class's forward; the stock method stays underneath.
            module.forward = partial(_forward, module, module.forward)  # type: ignore[method-assign]
        elif isinstance(module, nn.Conv2d):
            module.to(memory_format=CHANNELS_LAST)  # type: ignore[call-overload]
    return vae


def _forward(convolution: nn.Conv3d, whole: Callable[..., Tensor], x: Tensor, before: Tensor | None = None) -> Tensor:
    """A causal convolution of x [B, C, T, H, W] after the frames `before` [B, C, 1 or 2, H, W]."""
    if x.shape[2] == 1 and before is None and convolution.stride == (1, 1, 1):
        return _over_frames(convolution, x, convolution.weight[:, :, -1:], 1)
    if torch.is_grad_enabled() or convolution.in_channels > FEW_CHANNELS:
        return whole(x, before)
    ahead: int = convolution._padding[4]  # type: ignore[assignment,index]
    if before is not None and ahead:
        x = torch.cat([before.to(x.device), x], dim=2)
        ahead -= before.shape[2]
    if ahead:
        x = functional.pad(x, (0, 0, 0, 0, ahead, 0))
    return _over_frames(convolution, x, convolution.weight, convolution.stride[0])


def _over_frames(convolution: nn.Conv3d, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The convolution of x [B, C, T, H, W] with a weight [O, C, taps, h, w], nothing added in time, frame by frame."""
    taps, margin = weight.shape[2], (weight.shape[3] // 2, weight.shape[4] // 2)
    count = (x.shape[2] - taps) // stride + 1
    last = stride * (count - 1) + 1
    frames = x.permute(0, 2, 3, 4, 1)
    if taps > 1:
        frames = torch.cat([frames[:, tap : tap + last : stride] for tap in range(taps)], dim=-1)
    pictures = frames.flatten(0, 1).permute(0, 3, 1, 2).contiguous(memory_format=CHANNELS_LAST)
    flat = weight.transpose(1, 2).flatten(1, 2).contiguous(memory_format=CHANNELS_LAST)
    found = functional.conv2d(pictures, flat, convolution.bias, padding=margin)
    return found.view(len(x), count, *found.shape[1:]).transpose(1, 2)
