"""OneStory's objective: inserted shots, labels, warm-up, and what learns from which loss."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filmagent.training.onestory.augmentation import augment_clip
from filmagent.training.onestory.conditioning import split_ranking, uniform_ranking
from filmagent.training.onestory.inflation import Origin, inflate
from filmagent.training.onestory.labels import likeness, pseudo_labels
from filmagent.training.onestory.objective import Batch, objective, selection_loss, shot_loss
from tests.support.tiny_onestory import tiny_onestory_expert

WEIGHT = 0.3
REAL, STRANGER, AUGMENTED = Origin.REAL, Origin.STRANGER, Origin.AUGMENTED


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 1000), st.integers(1, 4))
def test_an_inflated_story_keeps_its_shots_in_order_and_gains_one(seed, shots):
    earlier = [f"shot {number}" for number in range(shots)]
    story = inflate(random.Random(seed), earlier, "last", "stranger", lambda shot: f"changed {shot}")
    assert [shot for shot, origin in zip(story.earlier, story.origins, strict=True) if origin is REAL] == earlier
    made = [shot for shot, origin in zip(story.earlier, story.origins, strict=True) if origin is not REAL]
    assert made == (["stranger"] if STRANGER in story.origins else ["changed shot 0"])
    assert len(story.earlier) == shots + 1 and story.last == "last"


def test_the_papers_triplets_all_happen():
    seen = {inflate(random.Random(seed), ["first"], "last", "stranger", str.upper).earlier for seed in range(50)}
    assert seen == {("stranger", "first"), ("first", "stranger"), ("FIRST", "first"), ("first", "FIRST")}
    alone = {inflate(random.Random(seed), ["first"], "last", None, str.upper).earlier for seed in range(50)}
    assert alone == {("FIRST", "first"), ("first", "FIRST")}, "nobody is a stranger where there is one film"
    with pytest.raises(ValueError, match="two shots or more"):
        inflate(random.Random(0), [], "last", "stranger", str.upper)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_an_augmented_clip_is_another_clip_of_the_same_shape(seed):
    clip = noise(3, 2, 12, 20).clamp(-1, 1)
    changed = augment_clip(random.Random(seed), clip)
    assert changed.shape == clip.shape and changed.abs().max() <= 1
    assert not torch.allclose(changed, clip, atol=0.05)
    assert torch.equal(changed, augment_clip(random.Random(seed), clip))


def test_labels_are_likeness_for_real_frames_and_fixed_for_inserted_ones():
    target = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    frames = torch.tensor([[[2.0, 2.0], [1.0, 0.0], [-3.0, -3.0], [5.0, 5.0], [5.0, 5.0]]])
    by_one = likeness(frames, target)
    assert by_one[0].tolist() == pytest.approx([1, 0.5**0.5, -1, 1, 1])
    origins = torch.tensor([[REAL, REAL, REAL, STRANGER, AUGMENTED]])
    labels = pseudo_labels([by_one, torch.zeros(1, 5)], origins)
    assert labels[0].tolist() == pytest.approx([0.5, 0.5 * 0.5**0.5, -0.5, -1, 0])


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Origin)), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 99))
def test_warm_up_shows_real_frames_spread_evenly_each_once(kinds, most, seed):
    kinds = [REAL, *kinds]
    origins = torch.tensor([[int(kind) for kind in kinds]] * 2)
    ranking = uniform_ranking(origins, most, torch.Generator().manual_seed(seed))
    assert ranking.shape == (2, min(most, kinds.count(REAL)))
    for row in ranking.tolist():
        assert len(set(row)) == len(row) and all(kinds[frame] is REAL for frame in row)
    places = [[frame for frame, kind in enumerate(kinds) if kind is REAL].index(frame) for frame in sorted(row)]
    gaps = [later - earlier for earlier, later in pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_a_ranking_is_shared_out_from_the_finest():
    fine, middle, coarse = split_ranking(torch.tensor([[5, 3, 1, 0, 2]]), (0, 2, 2))
    assert (fine.shape, middle.tolist(), coarse.tolist()) == ((1, 0), [[5, 3]], [[1, 0]])


def batch(frames=12, films=2, seed=0):
    origins = torch.tensor([[REAL, REAL, STRANGER] * (frames // 3)] * films)
    return Batch(
        clean=noise(films, 16, 2, 8, 8, seed=seed), condition=noise(films, 20, 2, 8, 8, seed=seed + 1),
        memory=noise(films, 16, frames, 8, 8, seed=seed + 2), times=torch.arange(-frames, 0).expand(films, -1),
        origins=origins, labels=pseudo_labels([torch.full(origins.shape, 0.5)], origins),
        text=noise(films, 5, 16, seed=seed + 3), told=noise(films, 5, 16, seed=seed + 3),
        weight=torch.ones(films, 1, 2, 8, 8),
    )


def losses(expert, given, *, warm_up=False, seed=0):
    drawn = torch.Generator().manual_seed(seed)
    return objective(expert, given, noise(*given.clean.shape, seed=9), torch.tensor([0.3, 0.8]), weight=WEIGHT,
                     bypassing=drawn if warm_up else None)


def learns(expert, loss):
    expert.zero_grad()
    loss.backward()
    return {name.split(".")[0] for name, weight in expert.named_parameters()
            if weight.grad is not None and weight.grad.abs().sum() > 0}


def test_each_loss_teaches_its_own_part_and_the_total_both():
    expert = tiny_onestory_expert().train()
    assert learns(expert, losses(expert, batch()).selection) == {"frame_selector"}
    by_shot = learns(expert, losses(expert, batch()).shot)
    assert "frame_selector" not in by_shot
    assert by_shot >= {"context_patchifiers", "patch_embedding", "blocks", "proj_out"}
    assert learns(expert, losses(expert, batch()).total) == by_shot | {"frame_selector"}
    warm = learns(expert, losses(expert, batch(), warm_up=True).total)
    assert warm >= {"frame_selector", "context_patchifiers"}, "the selector is bypassed, not forgotten"


def test_gradients_pass_through_checkpointed_blocks_too():
    expert = tiny_onestory_expert().train()
    plain, checkpointed = {}, {}
    for found in (plain, checkpointed):
        learns(expert, losses(expert, batch()).total)
        found.update({name: weight.grad.clone() for name, weight in expert.named_parameters()
                      if weight.grad is not None})
        expert.enable_gradient_checkpointing()
    assert plain.keys() == checkpointed.keys()
    assert all(torch.allclose(plain[name], checkpointed[name], atol=1e-6) for name in plain)


def test_the_losses_are_those_of_the_paper():
    found = losses(tiny_onestory_expert(), batch())
    assert found.total.item() == pytest.approx((found.shot + WEIGHT * found.selection).item())
    assert selection_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])).item() == 2.0
    flow, clean, drawn = noise(1, 16, 2, 4, 4), noise(1, 16, 2, 4, 4, seed=1), noise(1, 16, 2, 4, 4, seed=2)
    ones = torch.ones(1, 1, 2, 4, 4)
    assert torch.allclose(shot_loss(flow, drawn, clean, ones), torch.nn.functional.mse_loss(flow, drawn - clean))
    front = torch.cat([ones[:, :, :1], torch.zeros_like(ones[:, :, 1:])], dim=2)
    later = torch.cat([flow[:, :, :1], flow[:, :, 1:] + 9], dim=2)
    assert torch.allclose(shot_loss(flow, drawn, clean, front), shot_loss(later, drawn, clean, front))


def test_a_shot_with_nothing_before_it_is_learned_without_memory():
    expert, given = tiny_onestory_expert().train(), batch()
    nothing, memory = torch.zeros(2, 0), given.memory[:, :, :0]
    found = losses(expert, replace(given, memory=memory, times=nothing, origins=nothing, labels=nothing))
    assert found.selection is None and torch.equal(found.total, found.shot)
    assert not learns(expert, found.total) & {"frame_selector", "context_patchifiers"}


def test_memory_is_shown_and_after_warm_up_the_selector_chooses_it():
    expert, given = tiny_onestory_expert().eval(), batch()
    other = replace(given, memory=given.memory + 3.0)
    with torch.no_grad():
        chosen, again, changed = losses(expert, given), losses(expert, given, seed=5), losses(expert, other)
        warm, otherwise = losses(expert, given, warm_up=True), losses(expert, given, warm_up=True, seed=5)
    assert torch.equal(chosen.shot, again.shot) and not torch.equal(chosen.shot, changed.shot)
    assert not torch.equal(warm.shot, otherwise.shot), "the order is drawn while warming up"
    strangers = replace(given, memory=torch.where((given.origins == STRANGER)[:, None, :, None, None], 9.0,
                                                  given.memory))
    with torch.no_grad():
        assert torch.equal(losses(expert, strangers, warm_up=True).shot, warm.shot), "strangers are not shown then"


def test_a_text_to_video_base_learns_alike():
    expert, given = tiny_onestory_expert(in_channels=16).train(), batch()
    found = losses(expert, replace(given, condition=given.condition[:, :0]))
    assert "context_patchifiers" in learns(expert, found.total)


def test_the_selector_learns_to_tell_strangers_from_the_films_own():
    torch.manual_seed(0)
    expert = tiny_onestory_expert().train()
    selector = torch.optim.Adam(expert.frame_selector.parameters(), lr=3e-3)
    marks = noise(2, 16)

    def example(seed):
        """Every film is of one mark; its stranger's frames are of the other film's."""
        given = batch(seed=seed)
        wanted = torch.tensor([[0], [1]])
        shown = torch.where(given.origins == STRANGER, 1 - wanted, wanted)
        memory = marks[shown].transpose(1, 2)[..., None, None] + 0.3 * given.memory
        return replace(given, memory=memory, told=marks[wanted] + 0 * given.told)

    for step in range(80):
        given = example(step)
        loss = selection_loss(expert.scores(given.memory, given.told), given.labels)
        selector.zero_grad()
        loss.backward()
        selector.step()
    unseen = example(1000)
    with torch.no_grad():
        scores = expert.scores(unseen.memory, unseen.told)
    real = unseen.origins == REAL
    assert scores[real].min() > scores[~real].max()
