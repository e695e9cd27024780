"""OneStory's adaptive conditioner: ranked memory frames as tokens, the more relevant the finer.

Source: An et al., "OneStory" (arXiv 2512.07802), equations 7 and 8. How patchifiers begin is FramePack's rule (Zhang
and Agrawala, arXiv 2504.12626, with its released programme): the base's patch embedding, repeated over the larger
patch and divided by how many base patches that holds, so that a coarse token begins as the mean of the base's tokens.
Knows latents and tokens; nothing of scores, positions or experts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.onestory.selector import pad_to

MASK_CHANNELS = 4


class Patchifiers(nn.ModuleList):
    """One convolution a kernel size, finest first, from clean latents to an expert's tokens."""

    def __init__(self, channels: int, width: int, kernels: Sequence[int]) -> None:
        """Make the layers: `channels` are the latents', `width` the expert's."""
        super().__init__(nn.Conv2d(channels, width, kernel, kernel) for kernel in kernels)
        self.channels, self.width, self.kernels = channels, width, tuple(kernels)

    def forward(self, memory: Tensor, groups: Sequence[Tensor]) -> Tensor:
        """Return the tokens (batch, tokens, width) of some memory frames.

        Args:
            memory: clean latents (batch, channels, frames, h, w).
            groups: for each patchifier which frames it makes tokens of, (batch, frames of the group), maybe none; at
                least one has some.
        """
        made = []
        for patchifier, kernel, group in zip(self._each(), self.kernels, groups, strict=True):
            if group.shape[1]:
                frames = take_frames(memory, group).transpose(1, 2).flatten(0, 1)
                tokens = patchifier(pad_to(frames.to(patchifier.weight), kernel))
                made.append(tokens.flatten(2).transpose(1, 2).reshape(len(memory), -1, self.width))
        return torch.cat(made, dim=1)

    @torch.no_grad()
    def begin_as(self, base: nn.Conv3d) -> None:
        """Take over a base's patch embedding. Raises ModelFilesError when these patches cannot be made of its own."""
        kernel, bias = clean_patch(base, self.channels)
        for patchifier, side in zip(self._each(), self.kernels, strict=True):
            times, rest = divmod(side, kernel.shape[-1])
            if rest:
                raise ModelFilesError(f"patches of {side} latents are no multiple of the base's {kernel.shape[-1]}")
            patchifier.load_state_dict({"weight": kernel.repeat(1, 1, times, times) / times**2, "bias": bias})

    def _each(self) -> list[nn.Conv2d]:
        return [patchifier for patchifier in self if isinstance(patchifier, nn.Conv2d)]


def take_frames(memory: Tensor, frames: Tensor) -> Tensor:
    """Return some frames (batch, count) of latents (batch, channels, frames, h, w)."""
    index = frames[:, None, :, None, None].expand(-1, memory.shape[1], -1, *memory.shape[3:])
    return memory.gather(2, index)


def clean_patch(base: nn.Conv3d, channels: int) -> tuple[Tensor, Tensor]:
    """Return kernel (width, channels, side, side) and bias (width,) by which a base sees a clean frame.

    A text-to-video base reads latents alone: its own kernel. An image-to-video base reads [noisy latents, 4 mask
    channels, clean latents]; a memory frame is a known frame, [0, 1, z], which is the mean of what the base sees of it
    in pure noise: the kernel is that of the clean latents, and the mask's goes into the bias. With z among the noisy
    latents as well, memory helps untrained small weights less at high noise.

    Raises:
        ModelFilesError: the base reads other channels, or patches that are longer than one frame or no squares.
    """
    side, bias = base.kernel_size[1], base.bias
    if tuple(base.kernel_size) != (1, side, side) or bias is None:
        raise ModelFilesError(f"the base has patches of {tuple(base.kernel_size)}; OneStory's memory needs squares of "
                              "one latent frame, with a bias")
    kernel = base.weight[:, :, 0]
    if base.in_channels == channels:
        return kernel, bias
    if base.in_channels == channels + MASK_CHANNELS + channels:
        mask = kernel[:, channels : channels + MASK_CHANNELS]
        return kernel[:, channels + MASK_CHANNELS :], bias + mask.sum(dim=(1, 2, 3))
    raise ModelFilesError(f"the base reads {base.in_channels} channels; OneStory's memory fits one of {channels} or "
                          f"{channels + MASK_CHANNELS + channels}")
