"""What the sampling loop does not do: embed the time of every token, rotate with complex numbers, wait for numbers.

Operations are seen by torch's own dispatcher, under every class and hook.
"""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from filmagent.generation.wan.denoising.pipeline import _told_the_time
from filmagent.generation.wan.fast.options import PLAIN, FirstBlockCache, SpeedOptions
from tests.generation.test_wan_speed import STEPS, condition, pipeline, shoot, words

__all__ = ["pipeline"]
WAITS = {"aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero", "aten::equal", "aten::masked_select"}
"""Operations whose result the programme needs in Python, or whose shape depends on numbers: a card is waited for."""
WIDE = {torch.complex64, torch.complex128, torch.float64}


class Operations(TorchDispatchMode):
    """Remembers the operations within experts and outside of them, and of which types results within are."""

    def __init__(self, experts):
        super().__init__()
        self.names: Counter[str] = Counter()
        self.outside: Counter[str] = Counter()
        self.types: set[torch.dtype] = set()
        self.within = 0
        self.handles = [handle for expert in experts for handle in (
            expert.register_forward_pre_hook(self._enter), expert.register_forward_hook(self._leave))]

    def _enter(self, *_):
        self.within += 1

    def _leave(self, *_):
        self.within -= 1

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        made = function(*arguments, **(options or {}))
        name = function.name().split(".")[0]
        (self.names if self.within else self.outside)[name] += 1
        if self.within:
            self.types |= {leaf.dtype for leaf in tree_leaves(made) if isinstance(leaf, torch.Tensor)}
        return made


@pytest.mark.parametrize("memory", [0, 3])
def test_an_expert_waits_for_no_number_and_computes_in_no_wider_type(pipeline, memory):
    condition(pipeline, memory)
    with Operations(pipeline.experts()) as seen:
        shoot(pipeline, memory=memory)
    assert seen.names["aten::addmm"] + seen.names["aten::mm"] > STEPS, "the experts were seen at work"
    assert not WAITS & set(seen.names)
    assert not WIDE & seen.types


def test_the_watch_sees_what_it_is_there_to_see(pipeline):
    """A first-block cache decides by a number, in every forward, and nowhere else."""
    with Operations(pipeline.experts()) as seen:
        shoot(pipeline, SpeedOptions(cache=FirstBlockCache(0.3)))
    assert WAITS & set(seen.names)
    assert sum(seen.names[name] for name in WAITS) <= 2 * STEPS


def test_between_the_experts_nothing_is_asked_but_the_time(pipeline):
    """Which expert is next is read from a timestep that never leaves the CPU; the solver knows its numbers before."""
    shown, waits = condition(pipeline, 2), {}
    for steps in (4, 8):
        with Operations(pipeline.experts()) as seen:
            how = {"guidance": 3.0, "guidance_2": 2.0, "output_type": "latent", **words()}
            pipeline.make_shot(shown, steps=steps, generator=torch.Generator().manual_seed(1), **how)
        waits[steps] = Counter({name: seen.outside[name] for name in (*WAITS, "aten::_linalg_solve_ex")})
    assert {name: count / 4 for name, count in (waits[8] - waits[4]).items()} == {"aten::_local_scalar_dense": 1.0}


def test_an_expert_is_told_the_time_where_its_latents_lie(pipeline):
    expert, there = pipeline.transformer, []
    expert.forward = lambda hidden_states, timestep, **_: there.append((hidden_states.device, timestep.device))
    try:
        with _told_the_time([expert]):
            expert(hidden_states=torch.zeros(1, device="meta"), timestep=torch.zeros(1))
    finally:
        del expert.forward
    assert there == [(torch.device("meta"), torch.device("meta"))]


def test_time_is_embedded_once_a_forward_and_not_for_every_token(pipeline):
    rows = []
    for expert in pipeline.experts():
        expert.condition_embedder.time_embedder.register_forward_pre_hook(
            lambda _, arguments: rows.append(arguments[0].shape[0]))
    shoot(pipeline, PLAIN, memory=3)
    assert rows == [1] * 2 * STEPS


def test_the_rotary_tables_are_real_and_single(pipeline):
    for expert in pipeline.experts():
        assert {expert.rope.freqs_cos.dtype, expert.rope.freqs_sin.dtype} == {torch.float32}
        cosines, sines = expert.rope(torch.zeros(1, 36, 5, 4, 4))
        assert {cosines.dtype, sines.dtype} == {torch.float32}
