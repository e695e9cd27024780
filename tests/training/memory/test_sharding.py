"""Processes that share the frozen expert out train to the same weights as processes that each hold all of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType

from filmagent.errors import UsageError
from filmagent.training.memory.adapting import learned, load_learning_expert
from filmagent.training.memory.learners import make_learner
from filmagent.training.memory.sharding import average_gradients, check_processes, shard_frozen
from filmagent.training.memory.trainer import plan_training, train_memory
from tests.support.processes import run_processes
from tests.training.memory.test_resume import HOME, lines, same
from tests.training.memory.toy_films import opened_base, toy_base, toy_films, toy_settings

PROCESSES = 2
SECONDS = 240
"""After which a process counts as hanging."""
CHANGES = {"storymem": {"steps": 2, "accumulate": 2}, "memento": {"steps": 3, "save_every": 1}}
"""Of the settings of each policy that is trained."""
_meetings = count()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """Every policy's training by two processes that share (`storymem`) and by two that do not (`storymem whole`)."""
    out = tmp_path_factory.mktemp("trained")
    codes = together(out, train_all, base.config.folder, out)
    assert codes == [0, 0]
    return out


def together(folder: Path, work: Callable[..., None], *given: Any) -> list[int | None]:
    """Call `work(*given)` in two processes that meet over gloo; returns their exit codes, None for one that hangs."""
    meeting = folder / f"meeting-{next(_meetings)}"
    given_each = [(rank, meeting, work, given) for rank in range(PROCESSES)]
    return run_processes(_meet, given_each, ["tests.training.memory.test_sharding"], SECONDS)


def _meet(rank: int, meeting: Path, work: Callable[..., None], given: tuple[Any, ...]) -> None:
    told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": PROCESSES, "LOCAL_WORLD_SIZE": PROCESSES}
    os.environ |= {name: str(value) for name, value in told.items()} | {"OMP_NUM_THREADS": "1"}
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=PROCESSES)
    work(*given)
    torch.distributed.destroy_process_group()


def plan(base, policy, **changes):
    return plan_training(base, toy_films(2), toy_settings(policy=policy, **CHANGES[policy], **changes))


def train_all(folder: Path, out: Path) -> None:
    for policy in CHANGES:
        for shard in (True, False):
            home = out / (policy if shard else f"{policy} whole")
            train_memory(plan(opened_base(folder), policy, shard=shard), home, cpu=True)


def state_of(out):
    return torch.load(out / HOME / "checkpoint.pt", weights_only=True)


@pytest.mark.parametrize("policy", CHANGES)
def test_shared_out_or_whole_the_same_weights_are_learned(trained, policy):
    shared, whole = state_of(trained / policy), state_of(trained / f"{policy} whole")
    assert shared["decided"] == whole["decided"] and shared["decided"]["processes"] == "2"
    for part in ("weights", "average"):
        torch.testing.assert_close(shared[part], whole[part], rtol=0, atol=1e-4)
    moved = max(float(weight.abs().max()) for name, weight in shared["weights"].items() if "lora_B" in name)
    assert moved > 1e-2, "nothing was learned, so that anything would be alike"
    for shared_line, whole_line in zip(lines(trained / policy), lines(trained / f"{policy} whole"), strict=True):
        assert shared_line == pytest.approx(whole_line, rel=1e-4)
    made = sorted(path.name for path in (trained / policy / HOME).iterdir())
    assert made == ["checkpoint.pt", "curve.png", "metrics.jsonl", f"validation-00000{CHANGES[policy]['steps']}.png"]


def go_on(folder: Path, out: Path, last: int) -> None:
    def die(step, _):
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    train_memory(plan(opened_base(folder), "memento", shard=True), out, cpu=True, on_step=die)


def test_a_killed_training_goes_on_to_the_same_weights(base, trained, tmp_path):
    codes = together(tmp_path, go_on, base.config.folder, tmp_path, 2)
    assert codes[0] == -signal.SIGKILL and codes[1] != 0
    assert state_of(tmp_path)["step"] == 2
    assert together(tmp_path, go_on, base.config.folder, tmp_path, 9) == [0, 0]
    assert same(state_of(tmp_path), state_of(trained / "memento"))
    assert lines(tmp_path) == lines(trained / "memento")


def measure(folder: Path, out: Path) -> None:
    """Write down what this process holds, and how far gradients in mixed types are from those of the whole expert."""
    rank, base = torch.distributed.get_rank(), opened_base(folder)
    settings = toy_settings(dropout=0.0)
    generator = torch.Generator().manual_seed(rank)  # each process has an example of its own
    shapes = {"hidden_states": (1, 36, 2, 4, 4), "encoder_hidden_states": (1, 5, 16)}
    given = {name: torch.randn(shape, generator=generator).bfloat16() for name, shape in shapes.items()}
    found: dict[bool, dict[str, torch.Tensor]] = {}
    for shared in (False, True):
        expert = load_learning_expert(base, settings, torch.bfloat16)
        frozen = sum(weight.numel() for weight in expert.blocks.parameters() if not weight.requires_grad)
        if shared:
            shard_frozen(make_learner(expert, settings, 1), torch.device("cpu"))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            expert(**given, timestep=torch.tensor([500.0]), return_dict=False)[0].float().square().mean().backward()
        found[shared] = {name: weight.grad for name, weight in learned(expert).items()}
    local = [weight.to_local() for weight in expert.blocks.parameters() if not weight.requires_grad]
    held = {
        "share": sum(weight.numel() for weight in local) / frozen,
        "types": sorted({str(weight.dtype) for weight in local}),
        "whole": all(type(weight) is torch.nn.Parameter for weight in learned(expert).values()),
        "alike": all(torch.equal(found[True][name], gradient) for name, gradient in found[False].items()),
        "nothing": not any(gradient.any() for gradient in found[False].values()),
    }
    (out / f"held-{rank}.json").write_text(json.dumps(held))


def test_each_process_holds_half_of_the_blocks_and_all_that_learns(base, tmp_path):
    assert together(tmp_path, measure, base.config.folder, tmp_path) == [0, 0]
    held = [json.loads((tmp_path / f"held-{rank}.json").read_text()) for rank in range(PROCESSES)]
    assert sum(each["share"] for each in held) == pytest.approx(1)
    for each in held:
        assert each.pop("share") == pytest.approx(0.5, abs=0.05)
        assert each == {"types": ["torch.bfloat16", "torch.float32"], "whole": True, "alike": True, "nothing": False}


def give_gradients(out: Path) -> None:
    rank = torch.distributed.get_rank()
    weights = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    weights[0].grad = torch.tensor([1.0, 2.0]) * (rank + 1)
    if rank == 1:
        weights[1].grad = torch.tensor([4.0, 6.0])
    average_gradients(weights)
    told = [None if weight.grad is None else weight.grad.tolist() for weight in weights]
    (out / f"gradients-{rank}.json").write_text(json.dumps(told))


def test_gradients_are_averaged_where_any_process_has_them(tmp_path):
    assert together(tmp_path, give_gradients, tmp_path) == [0, 0]
    for rank in range(PROCESSES):
        assert json.loads((tmp_path / f"gradients-{rank}.json").read_text()) == [[1.5, 3.0], [2.0, 3.0], None]


@pytest.mark.parametrize("kind", [DistributedType.FSDP, DistributedType.DEEPSPEED])
def test_processes_that_accelerate_would_shard_are_told_what_to_do(kind):
    check_processes(DistributedType.MULTI_GPU.value, PROCESSES, shard=True)
    with pytest.raises(UsageError, match=f"configured for {kind.value}.*configure plain processes, and give --shard"):
        check_processes(kind.value, PROCESSES, shard=True)


def test_what_cannot_be_shared_out_is_refused_before_weights_load(tmp_path):
    base = toy_base(tmp_path / "base")
    with pytest.raises(UsageError, match="this is one: start more, as by `accelerate launch"):
        train_memory(plan(base, "storymem", shard=True), tmp_path / "out", cpu=True)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="cached memory does not go with --shard"):
        plan(base, "storymem", shard=True, cached=True)
    config = tmp_path / "base/transformer/config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "quantization_config": {"quant_method": "gguf"}}))
    with pytest.raises(UsageError, match="the high_noise expert is quantised, which --shard cannot share out"):
        plan(base, "storymem", shard=True)
