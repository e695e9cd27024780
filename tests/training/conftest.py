"""What several tests of papercut's training begin with."""

from __future__ import annotations

import pytest
import torch

from filmagent.training.papercut.export import export_vae, held_out_shots, measure_vae
from filmagent.training.papercut.latents import Encoder, open_encoder
from filmagent.training.papercut.vae import build_vae


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """A small VAE's encoder that never learned anything."""
    folder = tmp_path_factory.mktemp("vae")
    torch.manual_seed(0)
    vae = build_vae(8, 8)
    measure, _ = measure_vae(vae, held_out_shots(1))
    export_vae(vae, measure, folder)
    return open_encoder(folder)
