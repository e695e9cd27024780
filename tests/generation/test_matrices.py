"""Sets of matrices: adapters added up ahead say what they said beside the matrices."""

from __future__ import annotations

import pytest
import torch

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.weights.lora import fresh_lora, lora_weights, use_lora, without_lora
from filmagent.generation.wan.weights.matrices import (
    install_matrices,
    matrices_in_use,
    merge_adapters,
    sets_of_matrices,
    use_matrices,
)
from tests.support.tiny_wan import tiny_expert


def output(expert):
    with torch.no_grad():
        given = torch.ones(1, 36, 1, 4, 6), torch.tensor([500.0]), torch.ones(1, 3, 16)
        return expert(*given, return_dict=False)[0]


def adapted(*names):
    expert = tiny_expert()
    for number, name in enumerate(names):
        fresh_lora(expert, name, 2)
        chance = torch.Generator().manual_seed(number)
        for weight in lora_weights(expert, name).values():
            weight.data = 0.3 * torch.randn(weight.shape, generator=chance)
    return expert.eval()


def test_merged_adapters_are_switched_as_before_and_cost_nothing():
    expert = adapted("cuts", "joins")
    said = {}
    for name in ("cuts", "joins", None):
        use_lora(expert, name)
        said[name] = output(expert)
    use_lora(expert, "joins")
    merge_adapters(expert)
    torch.testing.assert_close(output(expert), said["joins"], msg="what was in use is in use")
    assert sets_of_matrices(expert) == {"cuts", "joins"}
    plain = tiny_expert()
    assert [type(each) for each in expert.modules()] == [type(each) for each in plain.modules()], "nothing beside them"
    assert expert.state_dict().keys() == plain.state_dict().keys()
    for name in ("cuts", None, "joins", "cuts"):
        use_lora(expert, name)
        torch.testing.assert_close(output(expert), said[name], msg=str(name))
    with without_lora([expert]):
        assert torch.equal(output(expert), output(plain))
    torch.testing.assert_close(output(expert), said["cuts"])
    with pytest.raises(ModelFilesError, match="'gone'"):
        use_lora(expert, "gone")


def test_an_expert_whose_adapters_rest_goes_on_bare():
    expert = adapted("cuts")
    use_lora(expert, None)
    merge_adapters(expert)
    assert torch.equal(output(expert), output(tiny_expert()))


def test_without_adapters_there_is_nothing_to_merge():
    expert = tiny_expert()
    before = output(expert)
    merge_adapters(expert)
    assert not sets_of_matrices(expert) and torch.equal(output(expert), before)


def test_a_set_is_put_back_even_after_an_error():
    expert = tiny_expert()
    own = expert.blocks[0].attn1.to_q.weight.detach().clone()
    for number, name in enumerate(("one", "two"), 1):
        install_matrices(expert, name, {"blocks.0.attn1.to_q": torch.full_like(own, number)})
        use_matrices(expert, "one")  # the second one is added to the expert's own all the same
    with pytest.raises(RuntimeError), matrices_in_use([expert], "two"):
        assert torch.equal(expert.blocks[0].attn1.to_q.weight, own + 2)
        raise RuntimeError
    assert torch.equal(expert.blocks[0].attn1.to_q.weight, own + 1)
    use_matrices(expert, "nobody's")
    assert torch.equal(expert.blocks[0].attn1.to_q.weight, own), "a set that it does not have is its own"
