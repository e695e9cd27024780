"""What a step of the denoiser's training practises: at which noise, and how much of a picture it looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from filmagent.training.papercut.denoiser import NoiseLevels, sample_noise_levels
from filmagent.training.papercut.some_tokens import KeptTokens
from filmagent.training.papercut.trainer import DenoiserTraining, kept_tokens


@pytest.mark.parametrize("levels", [NoiseLevels(), NoiseLevels(shift=2.5, from_words_share=0.2)])
def test_noise_is_moved_as_far_as_the_levels_say(levels):
    cut, join = (sample_noise_levels(torch.full((4000,), known), levels) for known in (0, 1))
    assert cut.min() > 0
    assert join.max() < 1
    middle, above, of_frames = (
        shift / (1 + shift) for shift in (levels.shift, levels.shift_from_words, levels.shift_from_frames)
    )
    assert float(join.median()) == pytest.approx(of_frames, abs=0.01)
    share = levels.from_words_share
    assert float((cut > above).float().mean()) == pytest.approx(share / 2, abs=0.06), "words alone must do"
    assert float((cut < middle).float().mean()) == pytest.approx((1 - share) / 2, abs=0.06)


def test_every_batch_has_all_levels_of_noise():
    shift = NoiseLevels().shift_from_frames
    level = sample_noise_levels(torch.ones(10), NoiseLevels())
    plain = torch.logit(level / (shift - (shift - 1) * level)) / 1.1
    tenths = (torch.special.ndtr(plain) * 10).long()
    assert sorted(tenths.tolist()) == list(range(10))
    assert tenths.tolist() != list(range(10)), "which example gets which is chance"


def test_how_much_a_step_looks_at():
    some = DenoiserTraining(kept=KeptTokens(memory=0.36, shot=0.5), whole_from=0.9)
    assert kept_tokens(some, 0.5, whole=False) == some.kept
    assert kept_tokens(some, 0.5, whole=True) == replace(some.kept, shot=1.0), "memory is looked at as before"
    assert kept_tokens(some, 0.9, whole=False) == KeptTokens()
