"""Interrupted or not, a training comes to the same weights; a folder that holds another training is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from filmagent.errors import ModelFilesError, UsageError
from filmagent.training.memory.checkpoint import append_log, cut_log, load_checkpoint
from filmagent.training.memory.trainer import plan_training, train_memory
from tests.support.tiny_wan import corrupt
from tests.training.memory.toy_films import toy_base, toy_films, toy_settings

torch.set_num_threads(1)
ROOT = Path(__file__).parents[3]
HOME = "high_noise"
POLICY = "memento"
"""It has most to keep: two parameter groups, a selector, two tasks."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """An undisturbed training."""
    out = tmp_path_factory.mktemp("whole")
    train_memory(plan(base), out, cpu=True)
    return out


def plan(base, **changes):
    return plan_training(base, toy_films(2), toy_settings(policy=POLICY, **changes))


def lines(out):
    found = [json.loads(line) for line in (out / HOME / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one if key != "seconds")
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_killed_training_goes_on_to_the_same_weights(base, whole, tmp_path):
    words = [sys.executable, "-m", "tests.training.memory.killed_training", str(base.config.folder), str(tmp_path)]
    killed = subprocess.run([*words, POLICY, "3"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with (tmp_path / HOME / "metrics.jsonl").open("a") as log:
        log.write('{"step": 4, "lo')  # cut in the middle of a line
    steps = []
    train_memory(plan(base), tmp_path, cpu=True, on_step=lambda step, _: steps.append(step))
    assert steps == [3, 4], "the checkpoint is of step 2"
    state, expected = (torch.load(out / HOME / "checkpoint.pt", weights_only=True) for out in (tmp_path, whole))
    assert same(state, expected)
    name = "weights/backbone_high_noise.safetensors"
    assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    assert lines(tmp_path) == lines(whole)


def test_a_training_leaves_a_log_a_curve_a_sheet_and_no_scraps(whole):
    found = lines(whole)
    assert [line["step"] for line in found] == [1, 2, 3, 4]
    assert "held out" in found[-1] and found[0]["rate"] == pytest.approx(0.005) and found[-1]["rate"] == 0.01
    assert sorted(path.name for path in (whole / HOME).iterdir()) == [
        "checkpoint.pt",
        "curve.png",
        "metrics.jsonl",
        "validation-000004.png",
    ]
    assert [path.name for path in (whole / "weights").iterdir()] == ["backbone_high_noise.safetensors"]


def test_a_finished_training_is_left_as_it_is(base, whole):
    before = (whole / HOME / "checkpoint.pt").read_bytes()
    train_memory(plan(base), whole, cpu=True, on_step=lambda step, _: pytest.fail(f"step {step}"))
    assert (whole / HOME / "checkpoint.pt").read_bytes() == before


def test_another_training_in_the_folder_is_refused_with_what_differs(base, whole):
    with pytest.raises(UsageError, match=r"trained with rank 4 \(now 2\); seed 0 \(now 1\): train as before"):
        train_memory(plan(base, rank=2, seed=1), whole, cpu=True)
    with pytest.raises(UsageError, match="films "):
        other = plan_training(base, toy_films(3), toy_settings(policy=POLICY))
        train_memory(other, whole, cpu=True)


def test_a_training_does_not_go_on_with_other_parts_of_memento(base, whole):
    for changes, message in (
        ({"reconstruction": 0.0}, r"trained with reconstruction 0\.8 \(now 0\.0\): train"),
        ({"queries": "local"}, r"trained with queries both \(now local\): train"),
    ):
        with pytest.raises(UsageError, match=message):
            train_memory(plan(base, **changes), whole, cpu=True)


def test_a_broken_checkpoint_is_said_and_a_missing_one_is_a_beginning(tmp_path):
    file = tmp_path / "checkpoint.pt"
    assert load_checkpoint(file, {}) is None
    torch.save({"decided": {}, "step": 1, "weights": torch.zeros(100)}, file)
    assert load_checkpoint(file, {})["step"] == 1
    corrupt(file)
    with pytest.raises(ModelFilesError, match="broken"):
        load_checkpoint(file, {})


def test_the_log_is_cut_back_to_the_checkpoint(tmp_path):
    log = tmp_path / "metrics.jsonl"
    cut_log(log, 0)
    for step in (1, 2, 3):
        append_log(log, {"step": step})
    cut_log(log, 2)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1, 2]
    cut_log(log, 0)
    assert log.read_text() == ""
