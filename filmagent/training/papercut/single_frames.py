"""A Wan VAE's straight way through single frames, for training. Trains nothing itself."""

from __future__ import annotations

from torch import Tensor, nn

from filmagent.generation.wan.library import AutoencoderKLWan, patchify, unpatchify


class SingleFrames(nn.Module):
    """A VAE's way through single frames [B, 3, 1, H, W] and back, without the caches that clips need.

    The same frames as `decode(encode(...))`, but straight enough for `torch.compile`.
    """

    def __init__(self, vae: AutoencoderKLWan) -> None:
        super().__init__()
        self.vae = vae

    def encode(self, frames: Tensor) -> Tensor:
        """The means [B, z, 1, h, w] of single frames from -1 to 1."""
        features = self.vae.encoder(patchify(frames, patch_size=self.vae.config.patch_size))
        means: Tensor = self.vae.quant_conv(features)[:, : self.vae.config.z_dim]
        return means

    def forward(self, frames: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The frames again, decoded from their means plus `noise` in units of the means' spread; and the means."""
        means = self.encode(frames)
        noisy = means + noise * means.detach().float().std()
        features = self.vae.decoder(self.vae.post_quant_conv(noisy), first_chunk=True)
        return unpatchify(features, patch_size=self.vae.config.patch_size), means
