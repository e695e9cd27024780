"""The choice, the split and the memory inside an expert, at toy size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.library import WanTransformer3DModel
from filmagent.generation.wan.memento.attention import SplitSelfAttention, TokenParts
from filmagent.generation.wan.memento.expert import MementoTransformer, Pool, SequenceLayout, ShotMemory
from filmagent.generation.wan.memento.positions import EARLIEST, IDENTITY_TIME, memory_time
from filmagent.generation.wan.memento.quota import QUERIES, Quota
from filmagent.generation.wan.memento.selector import choose

SHAPE = {"patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 36,
         "out_channels": 16, "text_dim": 16, "freq_dim": 16, "ffn_dim": 32, "num_layers": 2}


@pytest.fixture(scope="module")
def expert():
    torch.manual_seed(3)
    return MementoTransformer(**SHAPE).eval()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 1000), st.sampled_from(QUERIES), st.data())
def test_a_choice_is_distinct_within_the_quota_and_local_first(frames, show, seed, queries, data):
    local, overall = noise(frames, seed=seed), noise(frames, seed=seed + 1)
    pinned = data.draw(st.lists(st.integers(0, frames - 1), max_size=3, unique=True))
    quota = Quota.of(show, queries)
    assert quota.frames == show
    picks = choose(local, overall, quota, pinned).frames.tolist()
    assert len(set(picks)) == len(picks) == min(show, frames)
    assert set(pinned[:show]) <= set(picks)
    if not pinned:
        assert picks[: quota.local] == local.argsort(descending=True).tolist()[: min(quota.local, frames)]


def test_eight_are_six_local_and_two_global():
    assert (Quota.of(8), Quota.of(8).frames) == (Quota(6, 2), 8)
    local, overall = torch.arange(20.0), -torch.arange(20.0)
    assert choose(local, overall, Quota()).frames.tolist() == [19, 18, 17, 16, 15, 14, 0, 1]


def test_training_passes_gradients_to_both_scores_and_keeps_the_hard_choice():
    local, overall = noise(12).requires_grad_(), noise(12, seed=1).requires_grad_()
    soft = choose(local, overall, Quota(), soft=True)
    assert torch.allclose(soft.weights, choose(local, overall, Quota()).weights)
    (soft.weights @ noise(12, 3, seed=2)).square().sum().backward()
    assert local.grad.abs().sum() > 0 and overall.grad.abs().sum() > 0


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("pinned", [(), (3, 7)])
def test_one_kind_of_queries_alone_chooses_all_eight_and_the_other_gets_no_gradient(soft, pinned):
    local, overall = noise(12).requires_grad_(), noise(12, seed=1).requires_grad_()
    for quota, asked, idle in ((Quota.of(8, "local"), local, overall), (Quota.of(8, "global"), overall, local)):
        local.grad = overall.grad = None
        choice = choose(local, overall, quota, pinned, soft=soft)
        best = [frame for frame in asked.argsort(descending=True).tolist() if frame not in pinned]
        assert choice.frames.tolist() == [*pinned, *best][:8]
        assert torch.equal(choice.weights.argmax(dim=-1), choice.frames)
        assert torch.allclose(choice.weights.sum(dim=-1), torch.ones(8))
        assert choice.weights.requires_grad == soft
        if soft:
            (choice.weights @ noise(12, 3, seed=2)).square().sum().backward()
            assert asked.grad.abs().sum() > 0 and idle.grad is None


def test_memory_stands_at_its_elapsed_time():
    assert [memory_time(frame, 200) for frame in (0, 160, 199, 200, None)] == [-50, -10, -1, -1, EARLIEST]
    assert memory_time(0, 100_000) == EARLIEST == IDENTITY_TIME + 1


def test_identity_and_shot_meet_only_through_memory():
    from filmagent.generation.wan.library import WanTransformer3DModel

    torch.manual_seed(0)
    stock = WanTransformer3DModel(num_attention_heads=2, attention_head_dim=12, ffn_dim=32, num_layers=1, text_dim=16)
    layer, parts = stock.blocks[0].attn1, TokenParts(identity=2, memory=4)
    tokens = noise(1, 12, 24)
    with torch.no_grad():
        whole = layer(tokens)
        layer.set_processor(SplitSelfAttention(parts))
        split, changed = layer(tokens), layer(torch.cat([tokens[:, :6], tokens[:, 6:] + 1], dim=1))
        parts.identity, parts.memory = 0, 0
        assert torch.allclose(layer(tokens), whole, atol=1e-6), "without memory there is one group"
        parts.memory = 4
        without_identity = layer(tokens)
    assert torch.equal(split[:, :2], changed[:, :2])
    assert not torch.allclose(split[:, 2:6], changed[:, 2:6])
    assert torch.allclose(without_identity[:, 4:], whole[:, 4:], atol=1e-6)
    assert not torch.allclose(without_identity[:, :4], whole[:, :4]), "the split stays on without an identity frame"


def shown_to(expert, monkeypatch, sigmas, pool):
    seen = []
    monkeypatch.setattr(expert, "denoise", lambda sequence, timestep, text, layout: seen.append((sequence, layout))
                        or torch.zeros(1, 16, *sequence.shape[2:]))
    steps = iter(sigmas)
    memory = ShotMemory(pool, lambda: next(steps), identity=1, identity_text=5)
    with remembering({expert: memory}):
        for _ in sigmas:
            made = expert(noise(1, 36, 4, 4, 4), torch.tensor([5]), noise(1, 11, 16), return_dict=False)[0]
    assert expert.shot is None
    return seen, made, memory


def test_memory_is_noised_anew_in_every_step_and_never_comes_back(expert, monkeypatch):
    clean, fixed = noise(1, 16, 3, 4, 4, seed=4), noise(1, 16, 3, 4, 4, seed=5)
    pool = Pool(clean, fixed, (-9, -5, -1), noise(1, 6, 16), noise(1, 6, 16))
    seen, made, memory = shown_to(expert, monkeypatch, [0.75, 0.25], pool)
    assert memory.chosen == (0, 1, 2)
    assert made.shape == (1, 16, 4, 4, 4)
    for (sequence, layout), sigma in zip(seen, (0.75, 0.25), strict=True):
        assert layout == SequenceLayout(identity=1, memory=((-9, -5, -1),), identity_text=5)
        inside = sequence[:, :, 1:4]
        assert torch.allclose(inside[:, :16], (1 - sigma) * clean + sigma * fixed)
        assert inside[:, 16:20].eq(1).all() and torch.equal(inside[:, 20:], clean)
        assert sequence.shape[2] == 7 and torch.equal(sequence[:, :, :1], noise(1, 36, 4, 4, 4)[:, :, :1])


def test_the_choice_is_made_once_a_shot_and_follows_text_and_story(expert, monkeypatch):
    clean = noise(1, 16, 20, 4, 4, seed=4)
    texts = [noise(1, 6, 16, seed=seed) * 5 for seed in range(12)]
    chosen = {expert.select(Pool(clean, clean, tuple(range(-20, 0)), text, story))
              for text, story in zip(texts[:6], texts[6:], strict=True)}
    assert len(chosen) > 1
    asked, select = [], expert.select
    monkeypatch.setattr(expert, "select", lambda pool: asked.append(1) or select(pool))
    pool = Pool(clean, clean, tuple(range(-20, 0)), texts[0], texts[1])
    _, _, memory = shown_to(expert, monkeypatch, [0.9, 0.5, 0.1], pool)
    assert len(asked) == 1 and len(memory.chosen) == 8


def test_an_expert_selects_by_the_queries_that_the_quota_asks(expert):
    pool = Pool(noise(1, 16, 20, 4, 4, seed=4), noise(1, 16, 20, 4, 4), tuple(range(-20, 0)), noise(1, 6, 16) * 5,
                noise(1, 6, 16, seed=8) * 5)
    embed = expert.condition_embedder.text_embedder
    with torch.no_grad():
        scores = expert.keyframe_query.scores(pool.latents, embed(pool.text)[0], embed(pool.story)[0],
                                              expert.rope.at(pool.times, 2, 2))
    for queries, of_kind in zip(("local", "global"), scores, strict=True):
        best = of_kind.argsort(descending=True)[:8].tolist()
        assert expert.select(replace(pool, quota=Quota.of(8, queries))) == tuple(sorted(best))


def test_outside_of_a_shot_it_is_diffusers_own_expert_with_memory_where_it_is_said_to_be(expert):
    plain = WanTransformer3DModel(**SHAPE).eval()
    plain.load_state_dict({name: value for name, value in expert.state_dict().items() if "keyframe_query" not in name})
    given = noise(1, 36, 3, 4, 4), torch.tensor([5]), noise(1, 6, 16)
    with torch.no_grad():
        inside = expert.denoise(*given, SequenceLayout(memory=((-7,),)))
        for memory in (0, 1):
            with memory_positions([install_memory_rope(plain), expert.rope], memory, 5):
                made, expected = (model(*given).sample for model in (expert, plain))
            assert made.shape == (1, 16, 3, 4, 4) and not torch.allclose(made, inside, atol=1e-4)
            torch.testing.assert_close(made, expected)
