"""Which attention kernel a film runs on is tried out before it is trusted, and said in the log."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan import models
from filmagent.generation.wan.compute.attention import AttentionChoice
from tests.support.tiny_wan import build_tiny_wan, tiny_generator

REQUEST = GenerationRequest(prompt="the cat walks", link="scene_cut", seed=1, size=FrameSize(32, 32), frames=9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


def test_the_log_names_kernel_rung_and_precision_with_their_reasons(folder, caplog):
    with caplog.at_level(logging.INFO, "filmagent"):
        tiny_generator(folder).generate(REQUEST)
    assert "attention: native (flash-attn runs on CUDA only, not on cpu)" in caplog.text
    assert "memory ladder: resident (everything stays in memory); room" in caplog.text
    assert "tiny-wan runs in float32: " in caplog.text


def test_a_kernel_that_is_installed_and_cannot_run_is_not_filmed_with(folder, monkeypatch, caplog):
    """A wheel for another card, or for another torch, is found by its name like the right one."""
    wanted = tiny_generator(folder).generate(REQUEST).frames
    monkeypatch.setattr(models, "choose_attention", lambda *_: AttentionChoice("flash", "flash-attn is installed"))
    with caplog.at_level(logging.INFO, "filmagent"):
        shot = tiny_generator(folder).generate(REQUEST)
    assert "attention: native (attention 'flash' cannot run on cpu" in caplog.text
    assert np.array_equal(shot.frames, wanted)
