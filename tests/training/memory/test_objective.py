"""What learns, and from what: the frozen base stays, memory is seen, the selector learns from what is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from filmagent.generation.wan.memento.expert import Pool
from filmagent.generation.wan.memento.quota import Quota
from filmagent.training.memory.adapting import learned, load_learning_expert
from filmagent.training.memory.learners import draw_noise, make_learner
from filmagent.training.memory.materials import Examples, Subject, joined
from filmagent.training.onestory.judging import Judged
from tests.training.memory.toy_films import toy_base, toy_settings

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


def drawn(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def example(memory=3, *, subject=False, first=0):
    told = Subject(
        drawn(1, 16, 1, 4, 4, seed=first + 5), drawn(1, 20, 1, 4, 4, seed=first + 6), drawn(1, 4, 16, seed=first + 7)
    )
    return Examples(
        clean=drawn(1, 16, 2, 4, 4, seed=first + 0),
        condition=drawn(1, 20, 2, 4, 4, seed=first + 1),
        memory=drawn(1, 16, memory, 4, 4, seed=first + 2),
        times=(tuple(range(-memory - first, -first)),),
        text=drawn(1, 5, 16, seed=first + 3),
        prompt=drawn(1, 5, 16, seed=first + 3),
        story=drawn(1, 5, 16, seed=first + 4),
        subject=told if subject else None,
        judged=Judged(torch.zeros(1, memory, dtype=torch.long), torch.linspace(-1, 1 - first / 20, memory)[None]),
    )


HALF = torch.tensor([0.5])
POLICIES = ["storymem", "cached", "memento", "onestory"]


def learner_of(base, policy, **changes):
    if policy == "cached":
        policy, changes = "storymem", changes | {"cached": True}
    settings = toy_settings(policy=policy, dropout=0.0, **changes)
    return make_learner(load_learning_expert(base, settings, torch.float32), settings, 5)


def losses(learner, given, level=0.6):
    return learner.losses(given, torch.tensor([level]), draw_noise(given, [9]))


def awaken(learner):
    """Give the LoRA an effect, which it begins without."""
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in learned(learner.expert).items():
            if name.endswith("lora_B.weight"):
                weight.copy_(0.05 * torch.randn(weight.shape, generator=noise))


def gradients(learner, given):
    learner.zero_grad()
    losses(learner, given)[0]["loss"].backward()
    return {name: weight.grad for name, weight in learned(learner.expert).items()}


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_new_weights_learn_and_every_layer_of_a_block_does(base, policy):
    learner = learner_of(base, policy)
    awaken(learner)
    found = gradients(learner, example(12, subject=policy == "memento"))
    lora = {name for name in found if ".lora_" in name}
    assert len(lora) == 2 * 10 * 2, "two blocks, ten layers, two halves"
    assert any(name.startswith("keyframe_query.") for name in found) == (policy == "memento")
    assert any(name.startswith("frame_selector.") for name in found) == (policy == "onestory")
    idle = {name.rpartition(".")[0] for name, grad in found.items() if grad is None}
    # So small a frame leaves no room for the finest patches, and none to gain by the coarsest.
    assert idle == ({"context_patchifiers.0", "context_patchifiers.2"} if policy == "onestory" else set())
    assert all(grad.abs().sum() > 0 for grad in found.values() if grad is not None)
    frozen = [weight for weight in learner.expert.parameters() if not weight.requires_grad]
    assert frozen and all(weight.grad is None for weight in frozen)
    assert all(weight.dtype == torch.float32 for weight in learned(learner.expert).values())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_new_memory_begins_as_the_base(base, policy):
    learner = learner_of(base, policy)
    before = losses(learner, example())[1]
    learner.expert.disable_adapters()
    assert torch.equal(losses(learner, example())[1], before)


@pytest.mark.parametrize("policy", POLICIES)
def test_checkpointed_blocks_learn_the_same(base, policy):
    plain, again = (learner_of(base, policy, gradient_checkpointing=on) for on in (False, True))
    for learner in (plain, again):
        awaken(learner)
    given = example(12, subject=policy == "memento")
    one, other = gradients(plain, given), gradients(again, given)
    assert one.keys() == other.keys() and {name for name in one if one[name] is None} == {
        name for name in other if other[name] is None
    }
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if one[name] is not None)


@pytest.mark.parametrize("policy", POLICIES)
def test_memory_is_seen(base, policy):
    learner, given = learner_of(base, policy), example()
    changed = replace(given, memory=given.memory + 1)
    assert not torch.allclose(losses(learner, given)[1], losses(learner, changed)[1])
    assert losses(learner, replace(example(0), judged=None))[1].shape == given.clean.shape


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("memory", [0, 2, 12])
def test_examples_that_go_together_learn_as_each_alone(base, policy, memory):
    learner = learner_of(base, policy).eval()
    awaken(learner)
    parts = [example(memory, subject=policy == "memento", first=first) for first in (0, 10)]
    if not memory:
        parts = [replace(each, judged=None) for each in parts]
    levels, seeds = torch.tensor([0.3, 0.8]), (9, 10)

    def learned_from(given, levels, seeds):
        learner.zero_grad()
        found, guess = learner.losses(given, levels, draw_noise(given, seeds))
        found["loss"].backward()
        grads = {name: weight.grad for name, weight in learned(learner.expert).items() if weight.grad is not None}
        return found, guess, {name: grad.clone() for name, grad in grads.items()}

    alone = [learned_from(parts[row], levels[row : row + 1], seeds[row : row + 1]) for row in (0, 1)]
    found, guess, grads = learned_from(joined(parts), levels, seeds)
    # A processor with bfloat16 rounds batches otherwise than single examples.
    assert torch.allclose(guess, torch.cat([each[1] for each in alone]), atol=0.05)
    assert not torch.allclose(guess[0], guess[1], atol=0.5)
    for name, loss in found.items():
        assert loss.item() == pytest.approx(sum(each[0][name].item() for each in alone) / 2, rel=0.01), name
    for name, grad in grads.items():
        mean = (alone[0][2][name] + alone[1][2][name]) / 2
        assert (grad - mean).norm() < 0.1 * mean.norm() + 1e-4, name


def test_the_loss_is_the_flows_error_and_storymem_counts_memory_too(base):
    learner, given = learner_of(base, "storymem").eval(), example(2)
    noise = draw_noise(given, [9])
    found, guess = learner.losses(given, HALF, noise)
    noisy = 0.5 * given.clean + 0.5 * noise["shot"]
    of_shot = ((noisy - guess) / 0.5 - (noise["shot"] - given.clean)).square()
    assert not torch.isclose(found["loss"], of_shot.mean()), "two frames of memory are in it"
    assert torch.isclose(found["shot"], of_shot.mean(), atol=1e-5), "as the other policies count it"
    alone = example(0)
    found, guess = learner.losses(alone, HALF, noise | {"memory": noise["memory"][:, :, :0]})
    of_shot = ((noisy - guess) / 0.5 - (noise["shot"] - given.clean)).square()
    assert torch.isclose(found["loss"], of_shot.mean(), atol=1e-5)


def test_mementos_tasks_are_added_with_lambda(base):
    found, _ = losses(learner_of(base, "memento"), example(3, subject=True))
    assert found["loss"].item() == pytest.approx((found["shot"] + 0.5 * found["reconstruction"]).item())
    assert "reconstruction" not in losses(learner_of(base, "memento"), example(3))[0]


def test_the_selector_learns_only_where_there_is_a_choice_and_words_that_are_dropped_still_choose(base):
    learner = learner_of(base, "memento")
    small = gradients(learner, example(8))
    assert {grad for name, grad in small.items() if name.startswith("keyframe_query.")} == {None}
    given = example(12)
    silent = replace(given, text=torch.zeros_like(given.text))
    learner.eval()
    with torch.no_grad():
        chosen = learner._choose(given, 0).frames
        assert learner._choose(silent, 0).frames == chosen
        assert len(set(chosen)) == 8 and chosen == sorted(chosen)
        pool = Pool(given.memory, given.memory, given.times[0], given.prompt, given.story)
        assert learner.expert.select(pool) == tuple(chosen), "as when filming"


@pytest.mark.parametrize(
    ("queries", "asked", "idle"), [("local", "queries", "queries_global"), ("global", "queries_global", "queries")]
)
def test_one_kind_of_queries_learns_alone_and_chooses_as_when_filming(base, queries, asked, idle):
    learner, given = learner_of(base, "memento", queries=queries), example(14)
    awaken(learner)
    with torch.no_grad():  # weak ones all ask for the same
        for each in (learner.expert.keyframe_query.queries, learner.expert.keyframe_query.queries_global):
            each.mul_(20)
    found = gradients(learner, given)
    assert {name for name, grad in found.items() if grad is None} == {f"keyframe_query.{idle}"}
    assert found[f"keyframe_query.{asked}"].abs().sum() > 0
    learner.eval()
    with torch.no_grad():
        pool = Pool(given.memory, given.memory, given.times[0], given.prompt, given.story, Quota.of(8, queries))
        chosen = learner._choose(given, 0).frames
        assert learner.expert.select(pool) == tuple(chosen) != learner.expert.select(replace(pool, quota=Quota()))


def test_cached_memory_learns_from_the_shot_alone(base):
    learner, given = learner_of(base, "cached").eval(), example(2)
    noise = draw_noise(given, [9])
    found, guess = learner.losses(given, HALF, noise)
    noisy = 0.5 * given.clean + 0.5 * noise["shot"]
    of_shot = ((noisy - guess) / 0.5 - (noise["shot"] - given.clean)).square()
    assert torch.isclose(found["loss"], of_shot.mean(), atol=1e-5)
    other = noise | {"memory": noise["memory"] + 1}
    assert torch.equal(learner.losses(given, HALF, other)[1], guess), "memory is clean"


def test_onestory_adds_what_its_selector_should_have_said_and_bypasses_it_at_first(base):
    learner, given = learner_of(base, "onestory").eval(), example(12)
    with torch.no_grad():
        found, guess = losses(learner, given)
        assert found["loss"].item() == pytest.approx((found["shot"] + 0.3 * found["selection"]).item())
        bypassed, otherwise = (losses(learner, replace(given, bypassed=seed)) for seed in (1, 2))
    assert bypassed[0]["selection"] == found["selection"]
    assert not torch.equal(bypassed[1], guess) and not torch.equal(bypassed[1], otherwise[1])
