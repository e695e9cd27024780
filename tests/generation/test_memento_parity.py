"""Our selector, split attention and elapsed positions against numbers of Memento's reference implementation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from filmagent.generation.wan.memento.checkpoints import memento_expert
from filmagent.generation.wan.memento.expert import Pool, SequenceLayout
from filmagent.generation.wan.memento.quota import Quota
from tests.support import parity

FORWARDS = parity.manifest()["memento"]
CHOICES = parity.manifest()["memento_selector"]


@pytest.fixture(scope="module")
def expert():
    return memento_expert(parity.numbers("memento_dit"), parity.expert_config())


def forward(expert, case):
    mine = {name: parity.numbers("memento_cases")[f"{case['case']}.{name}"]
            for name in ("x", "y", "context", "identity_context", "out")}
    texts = [parity.padded(mine["identity_context"])] * case["identity"] + [parity.padded(mine["context"])]
    layout = SequenceLayout(case["identity"], (tuple(case["memory_times"]),), 512 * case["identity"])
    with torch.no_grad():
        made = expert.denoise(torch.cat([mine["x"], mine["y"]])[None], torch.tensor([case["timestep"]]),
                              torch.cat(texts, dim=1), layout)
    return made[0], mine["out"]


@pytest.mark.parametrize("case", FORWARDS, ids=[f"identity{c['identity']}-memory{c['memory']}" for c in FORWARDS])
def test_one_forward_is_the_references(expert, case):
    made, wanted = forward(expert, case)
    assert torch.allclose(made, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", [{"memory_times": [-3, -2, -1]}, {"identity": 0}])
def test_times_and_cuts_matter_to_the_forward(expert, change):
    case = FORWARDS[1] | change
    if not case["identity"]:
        case["memory_times"] = [-512, *case["memory_times"]]  # read as memory, the identity frame is seen by the shot
    made, wanted = forward(expert, case)
    assert (made - wanted).abs().max() > 1e-3


@pytest.mark.parametrize("case", CHOICES, ids=[f"frames{c['frames']}" for c in CHOICES])
def test_the_choice_is_the_references(expert, case):
    tensors = {name: parity.numbers("memento_selector_cases")[f"{case['case']}.{name}"]
               for name in ("pool", "context", "global_context", "weights")}
    text, story = (parity.padded(tensors[name]) for name in ("context", "global_context"))
    embed = expert.condition_embedder.text_embedder
    with torch.no_grad():
        found = expert.keyframe_query(tensors["pool"], embed(text)[0], embed(story)[0],
                                      expert.rope.at(case["times"], 2, 3), Quota())
        pool = Pool(tensors["pool"], torch.zeros_like(tensors["pool"]), tuple(case["times"]), text, story)
        shown = expert.select(pool)
    assert found.frames.tolist() == case["selected"]
    assert torch.equal(found.weights, tensors["weights"])
    assert shown == tuple(sorted(case["selected"]))


def test_the_padding_of_a_text_is_read_too(expert):
    """The reference pads with zeros before the embedding, whose bias makes something of them."""
    case, tensors = CHOICES[0], parity.numbers("memento_selector_cases")
    embed, rotary = expert.condition_embedder.text_embedder, expert.rope.at(CHOICES[0]["times"], 2, 3)
    with torch.no_grad():
        short, long = (
            expert.keyframe_query.scores(
                tensors["0.pool"], *(embed(F.pad(tensors[f"0.{name}"], (0, 0, 0, pad)))
                                     for name in ("context", "global_context")), rotary)[0]
            for pad in (0, 512)
        )
    assert len(short) == case["frames"]
    assert not torch.allclose(short, long)
