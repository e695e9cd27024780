"""Memory inside an expert: what is chosen, shown and predicted, at toy size."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.onestory.expert import Pool, ShotMemory, onestory_from_base
from filmagent.generation.wan.onestory.shape import MemoryShape
from tests.support.tiny_onestory import SHAPE, tiny_onestory_expert
from tests.support.tiny_wan import tiny_expert


@pytest.fixture(scope="module")
def expert():
    return tiny_onestory_expert()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


SHOT, TEXT = noise(1, 36, 3, 8, 8), noise(1, 6, 16, seed=1)
NOW = torch.tensor([500])


def pool(frames=20, show=11, **changes):
    return replace(Pool(noise(1, 16, frames, 8, 8, seed=2), tuple(range(-frames, 0)), TEXT, show), **changes)


def made(expert, given, shot=SHOT):
    memory = ShotMemory(given)
    with torch.no_grad(), remembering({expert: memory}):
        return expert(shot, NOW, TEXT, return_dict=False)[0], memory


def test_without_memory_it_is_its_base_bit_for_bit(expert):
    with torch.no_grad():
        stock = tiny_expert()(SHOT, NOW, TEXT).sample
    assert torch.equal(made(expert, None)[0], stock)
    assert torch.equal(expert(SHOT, NOW, TEXT).sample.detach(), stock)


def test_only_the_shot_is_predicted_and_memory_changes_it(expert):
    shown, memory = made(expert, pool())
    assert shown.shape == (1, 16, 3, 8, 8)
    assert not torch.allclose(shown, made(expert, None)[0], atol=1e-4)
    assert not torch.equal(shown, made(expert, pool(latents=noise(1, 16, 20, 8, 8, seed=9)))[0])
    assert not torch.equal(shown, made(expert, pool(times=tuple(range(-400, -380))))[0]), "when it was plays a part"
    assert expert.shot is None and expert.rope.context is None and memory.context is not None


@pytest.mark.parametrize("budget", [1, 2, 3])
def test_the_tokens_shown_keep_to_the_budget(budget):
    expert = tiny_onestory_expert(MemoryShape(queries=3, projection=4, budget=budget))
    _, memory = made(expert, pool(1000))
    frames = [frame for group in memory.chosen for frame in group]
    assert memory.context.tokens.shape[1] <= budget * 16
    assert memory.context.rotary[0].shape == (1, memory.context.tokens.shape[1], 1, 12)
    assert len(set(frames)) == len(frames) == 8 + budget


def test_it_attends_to_memory_behind_the_shot(expert, monkeypatch):
    seen = []
    monkeypatch.setattr(expert.blocks[1], "forward", lambda tokens, *rest: seen.append((tokens, rest[-1])) or tokens)
    _, memory = made(expert, pool())
    tokens, rotary = seen[0]
    assert tokens.shape[1] == rotary[0].shape[1] == 3 * 16 + memory.context.tokens.shape[1]
    assert torch.equal(rotary[0][:, :48], expert.rope(SHOT)[0])


def test_more_relevant_frames_are_shown_finer_and_pinned_ones_finest(expert):
    order = expert.scores(pool().latents, TEXT)[0].argsort(descending=True).tolist()
    _, memory = made(expert, pool())
    assert [frame for group in memory.chosen for frame in group] == order[:9]
    least = order[-1]
    _, pinned = made(expert, pool(pinned=(least,), show=1))
    assert pinned.chosen == ((least,), (), ())


def test_the_choice_is_made_once_a_shot_and_alike_twice(expert, monkeypatch):
    asked, select = [], expert.select
    monkeypatch.setattr(expert, "select", lambda given: asked.append(1) or select(given))
    memory = ShotMemory(pool())
    with torch.no_grad(), remembering({expert: memory}):
        first = expert(SHOT, NOW, TEXT).sample
        again = expert(SHOT, NOW, TEXT).sample
    assert len(asked) == 1
    assert torch.equal(first, again)
    assert torch.equal(first, made(tiny_onestory_expert(), pool())[0])


def test_the_choice_follows_the_text(expert):
    chosen = {expert.select(pool(text=5 * noise(1, 6, 16, seed=seed))) for seed in range(8)}
    assert len(chosen) > 1


def test_a_text_to_video_base_can_remember_too():
    expert = tiny_onestory_expert(SHAPE, in_channels=16)
    shown, _ = made(expert, pool(), SHOT[:, :16])
    assert shown.shape == (1, 16, 3, 8, 8)


def test_a_batch_is_predicted_as_its_films_are_alone(expert):
    memory, shots, texts = noise(2, 16, 9, 8, 8), noise(2, 36, 3, 8, 8, seed=5), noise(2, 6, 16, seed=6)
    times = torch.tensor([range(-9, 0), range(-90, 0, 10)])
    groups = [torch.tensor([[1], [2]]), torch.tensor([[3, 4], [5, 6]]), torch.tensor([[0], [8]])]
    levels = torch.tensor([300, 700])
    with torch.no_grad():
        both = expert.denoise(shots, levels, texts, expert.context_of(memory, times, groups))
        alone = [expert.denoise(shots[film], levels[film], texts[film],
                                expert.context_of(memory[film], times[film], [group[film] for group in groups]))
                 for film in (slice(0, 1), slice(1, 2))]
    assert torch.allclose(both, torch.cat(alone), atol=1e-4)


def test_an_error_on_the_way_leaves_no_memory_behind(expert):
    context = expert.context_of(pool().latents, torch.tensor([pool().times]),
                                [torch.tensor([[0]]), torch.zeros(1, 0).long(), torch.zeros(1, 0).long()])
    with pytest.raises(RuntimeError):
        expert.denoise(SHOT, NOW, TEXT[:, :, :3], context)
    assert expert.rope.context is None
    assert made(expert, None)[0].shape == (1, 16, 3, 8, 8)


def test_a_trained_base_keeps_its_weights_and_shares_them():
    base = tiny_expert(7)
    expert = onestory_from_base(base, SHAPE)
    assert expert.blocks[0].attn1.to_q.weight.data_ptr() == base.blocks[0].attn1.to_q.weight.data_ptr()
    assert all(not parameter.is_meta for parameter in expert.parameters())


def test_a_copy_remembers_for_itself(expert):
    copy = deepcopy(expert)
    for weight in copy.context_patchifiers.parameters():
        weight.data *= 3
    alone, changed = made(expert, pool())[0], made(copy, pool())[0]
    assert not torch.allclose(alone, changed, atol=1e-4)
    assert torch.equal(alone, made(expert, pool())[0])


def test_storing_the_base_in_float8_leaves_the_memory_whole():
    expert = tiny_onestory_expert()
    expert.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    shown, memory = made(expert, pool())
    assert expert.blocks[0].attn1.to_q.weight.dtype == torch.float8_e4m3fn
    kinds = {weight.dtype for part in (expert.frame_selector, expert.context_patchifiers)
             for weight in part.parameters()}
    assert kinds == {torch.float32}
    assert torch.isfinite(shown).all() and memory.context.tokens.dtype == torch.float32
