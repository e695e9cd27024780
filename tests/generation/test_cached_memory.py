"""Memory that is read once a shot: the same numbers as the whole sequence under the same rule, with less work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from filmagent.errors import UsageError
from filmagent.generation.costs import ShotShape
from filmagent.generation.port import FrameSize, GenerationRequest
from filmagent.generation.wan.cached.expert import ShotMemory, install_cached_memory
from filmagent.generation.wan.cached.generator import CachedMemoryGenerator
from filmagent.generation.wan.denoising.remembering import remembering
from filmagent.generation.wan.denoising.rope import install_memory_rope, memory_positions
from filmagent.generation.wan.fast.options import FirstBlockCache, SpeedOptions
from filmagent.generation.wan.generator import WanStoryMemGenerator
from filmagent.generation.wan.library import WanAttnProcessor
from tests.support.tiny_wan import build_tiny_wan, tiny_config, tiny_expert

torch.set_num_threads(1)
STRIDE, FRAMES, TOKENS_A_FRAME = 5, 3, 4


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


MEMORY, SHOT, TEXT = noise(1, 16, FRAMES, 4, 4), noise(1, 36, 2, 4, 4, seed=1), noise(1, 6, 16, seed=2)


class OneWayAttention(WanAttnProcessor):
    """Memory's tokens, which stand in front, see each other alone; the shot's see everything."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        tokens, memory = hidden_states.shape[1], FRAMES * TOKENS_A_FRAME
        allowed = torch.ones(tokens, tokens, dtype=torch.bool)
        allowed[:memory, memory:] = False
        return super().__call__(attn, hidden_states, None, allowed[None, None], rotary_emb)


class ShotsText(WanAttnProcessor):
    """Only the shot's tokens read the text."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        read = super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, rotary_emb)
        read[:, : FRAMES * TOKENS_A_FRAME] = 0
        return read


def whole_sequence(timestep, text=TEXT):
    """The rule on diffusers' own expert: one sequence, a timestep for every token, a mask."""
    expert = tiny_expert()
    for block in expert.blocks:
        block.attn1.set_processor(OneWayAttention())
        block.attn2.set_processor(ShotsText())
    known = torch.cat([MEMORY, torch.ones(1, 4, FRAMES, 4, 4), MEMORY], dim=1)
    sequence = torch.cat([known, SHOT], dim=2)
    times = torch.tensor([[0] * FRAMES + [timestep] * SHOT.shape[2]]).repeat_interleave(TOKENS_A_FRAME, dim=1)
    with torch.no_grad(), memory_positions([install_memory_rope(expert)], FRAMES, STRIDE):
        return expert(sequence, times, text, return_dict=False)[0][:, :, FRAMES:]


@pytest.fixture
def expert():
    return install_cached_memory(tiny_expert())


def test_kept_memory_gives_what_the_whole_sequence_gives_in_every_step(expert):
    memory = ShotMemory(MEMORY, STRIDE)
    with torch.no_grad(), remembering({expert: memory}):
        for timestep, seed in ((900, 2), (500, 2), (500, 7)):
            text = noise(1, 6, 16, seed=seed)
            made = expert(SHOT, torch.tensor([timestep]), text).sample
            assert torch.allclose(made, whole_sequence(timestep, text), atol=1e-5)


def test_memory_and_its_places_matter_and_nothing_is_left_behind(expert):
    def made(memory):
        with torch.no_grad(), remembering({expert: memory}):
            return expert(SHOT, torch.tensor([500]), TEXT).sample

    with torch.no_grad():
        stock = tiny_expert()(SHOT, torch.tensor([500]), TEXT).sample
    shown = made(ShotMemory(MEMORY, STRIDE))
    assert not torch.allclose(shown, stock, atol=1e-3)
    assert not torch.allclose(shown, made(ShotMemory(MEMORY + 1, STRIDE)), atol=1e-4)
    assert not torch.allclose(shown, made(ShotMemory(MEMORY, 50)), atol=1e-6)
    assert torch.equal(made(None), expert(SHOT, torch.tensor([500]), TEXT).sample)
    assert torch.allclose(made(None), stock, atol=1e-6), "without memory it is its base"


def test_a_batch_attends_to_one_memory(expert):
    with torch.no_grad():
        kept = expert.memorise(MEMORY, STRIDE)
        texts = torch.cat([TEXT, noise(1, 6, 16, seed=5)])
        both = expert.denoise(SHOT.expand(2, -1, -1, -1, -1), torch.tensor([500, 500]), texts, kept)
        alone = [expert.denoise(SHOT, torch.tensor([500]), text[None], kept) for text in texts]
    assert torch.allclose(both, torch.cat(alone), atol=1e-5)


def test_gradients_reach_the_weights_through_memory_and_through_checkpoints(expert):
    found = []
    for checkpointed in (False, True):
        if checkpointed:
            expert.enable_gradient_checkpointing()
        expert.train().zero_grad()
        memory = MEMORY.clone().requires_grad_(True)
        expert.denoise(SHOT, torch.tensor([500.0]), TEXT, expert.memorise(memory, STRIDE)).square().mean().backward()
        assert memory.grad.abs().sum() > 0
        found.append({name: weight.grad.clone() for name, weight in expert.named_parameters()})
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-6) for name in found[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


def generator(folder, kind=CachedMemoryGenerator, **changes):
    return kind(replace(tiny_config(folder), **changes))


def request(memory=3, **changes):
    pictures = tuple(np.random.default_rng(0).integers(0, 256, (memory, 32, 32, 3), dtype=np.uint8))
    given = {"prompt": "the cat walks", "link": "scene_cut", "seed": 1, "size": FrameSize(32, 32), "frames": 5}
    return GenerationRequest(**given | {"memory": pictures} | changes)


def tokens_of(made, asked):
    """Return how many tokens went through each expert's first block, forward by forward."""
    seen = [[], []]
    experts = made._load().pipeline.experts()
    hooks = [
        expert.blocks[0].register_forward_pre_hook(lambda _, given, log=log: log.append(given[0].shape[1]))
        for expert, log in zip(experts, seen, strict=True)
    ]
    frames = made.generate(asked).frames
    for hook in hooks:
        hook.remove()
    return seen, frames


def test_memory_is_computed_once_an_expert_and_no_more(folder):
    cached, plain = generator(folder), generator(folder, WanStoryMemGenerator)
    (high, low), frames = tokens_of(cached, request())
    shot, memory = 2 * TOKENS_A_FRAME, 3 * TOKENS_A_FRAME
    forwards = cached.cost(ShotShape(FrameSize(32, 32), 5, 0)).forwards
    assert high == [memory] + [shot] * (len(high) - 1) and low == [memory] + [shot] * (len(low) - 1)
    assert len(high) + len(low) - 2 == forwards, "every step, with both passes of guidance"
    stock, _ = tokens_of(plain, request())
    assert sum(map(sum, stock)) == forwards * (shot + memory)
    assert sum(high) + sum(low) == forwards * shot + 2 * memory
    assert frames.shape == (5, 32, 32, 3)


def test_the_cost_says_what_is_saved(folder):
    cached, plain = generator(folder), generator(folder, WanStoryMemGenerator)
    shape = ShotShape(FrameSize(32, 32), 9, 3)
    alone = replace(shape, memory=0)
    assert cached.cost(alone) == plain.cost(alone)
    assert cached.cost(alone).denoise_flops < cached.cost(shape).denoise_flops < plain.cost(shape).denoise_flops


def test_what_is_kept_counts_as_memory(folder):
    made = generator(folder)
    size, kept = FrameSize(32, 32), 2 * (2 * TOKENS_A_FRAME) * 24 * 2 * 4  # keys and values, width, blocks, bytes
    peaks = [made.fit(ShotShape(size, 9, memory)).peak_bytes for memory in (0, 2)]
    assert peaks[1] - peaks[0] == kept


def test_every_link_is_filmed_with_memory_alike_twice(folder):
    made = generator(folder)
    for link, seam in (("scene_cut", 0), ("MI2V", 1), ("MM2V", 5)):
        asked = request(link=link, frames=9, seam=np.zeros((seam, 32, 32, 3), np.uint8) if seam else None)
        shot = made.generate(asked)
        assert len(shot.frames) == 9 - seam
        assert np.array_equal(shot.frames, made.generate(asked).frames)
        assert not np.array_equal(shot.frames, made.generate(replace(asked, memory=())).frames)
    nothing = request(0)
    assert np.array_equal(
        made.generate(nothing).frames, generator(folder, WanStoryMemGenerator).generate(nothing).frames
    )
    assert made.fingerprint["memory"] == "read once"


def test_speed_options_that_count_forwards_are_refused(folder):
    with pytest.raises(UsageError, match="does not know: leave that out"):
        generator(folder, speed=SpeedOptions(cache=FirstBlockCache()))
