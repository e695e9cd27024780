"""A VAE that was made quicker on a CPU gives the same latents and frames, and really takes the quick way."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from filmagent.generation.wan.compute.quick_vae import FEW_CHANNELS, speed_up
from filmagent.training.papercut.vae import build_vae


class Convolutions(TorchDispatchMode):
    """Counts convolutions by their number of dimensions."""

    def __init__(self):
        super().__init__()
        self.seen = {2: 0, 3: 0}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if "convolution" in str(operation):
            self.seen[args[1].ndim - 2] += 1
        return operation(*args, **(kwargs or {}))


def toy(base=8):
    torch.manual_seed(1)
    return build_vae(base, base).eval()


def there_and_back(vae, clip):
    latents = vae.encode(clip).latent_dist.mode()
    return latents, vae.decode(latents).sample


@pytest.mark.parametrize("frames", [1, 5, 17])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_latents_and_the_pictures_stay_the_same(frames, batch):
    clip = torch.rand(batch, 3, frames, 32, 48) * 2 - 1
    with torch.no_grad():
        plain = there_and_back(toy(), clip)
        with Convolutions() as convolutions:
            quick = there_and_back(speed_up(toy()), clip)
    for expected, found in zip(plain, quick, strict=True):
        assert torch.allclose(expected, found, atol=1e-5)
    assert convolutions.seen[2] > 0
    assert convolutions.seen[3] == 0


def test_gradients_through_clips_stay_the_same():
    clip = torch.rand(1, 3, 5, 16, 16) * 2 - 1
    gradients = []
    for vae in (toy(), speed_up(toy())):
        there_and_back(vae, clip)[1].pow(2).mean().backward()
        gradients.append({name: weight.grad for name, weight in vae.named_parameters()})
    for name, expected in gradients[0].items():
        assert torch.allclose(expected, gradients[1][name], atol=1e-6), name


def test_wide_convolutions_keep_their_own_way():
    vae = speed_up(toy(FEW_CHANNELS + 8))
    clip = torch.rand(1, 3, 5, 16, 16) * 2 - 1
    with torch.no_grad(), Convolutions() as convolutions:
        vae.encode(clip)
    assert convolutions.seen[3] > 0


def test_its_weights_can_be_saved_and_loaded_as_before(tmp_path):
    speed_up(toy()).save_pretrained(tmp_path)
    again = type(toy()).from_pretrained(tmp_path)
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in toy().state_dict().items())
