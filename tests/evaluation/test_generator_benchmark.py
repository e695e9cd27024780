"""The benchmark of the generator: every variant is really another one, and what cannot run is said first."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest
import torch

from filmagent.cli.benchmark import add_arguments, run
from filmagent.errors import UsageError
from filmagent.evaluation.generator_benchmark import subjects
from filmagent.evaluation.generator_benchmark.measure import measure, psnr
from filmagent.evaluation.generator_benchmark.meters import Work
from filmagent.evaluation.generator_benchmark.random_weights import add_random_adapter, random_expert
from filmagent.evaluation.generator_benchmark.report import HEAD
from filmagent.evaluation.generator_benchmark.subjects import A14B, TINY, make_subject
from filmagent.evaluation.generator_benchmark.variants import Variant, choose_variants
from filmagent.generation.wan.budget.cost import ExpertShape, forward_flops
from filmagent.generation.wan.compute.precision import Precision
from filmagent.generation.wan.library import WanTransformer3DModel

CPU = torch.device("cpu")


def command(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["generator", *words]))


def test_every_variant_is_measured_against_the_plain_loop(capsys):
    assert (
        command(
            "--steps",
            "8",
            "--memory",
            "1",
            "--few-step",
            "--cache",
            "first-block:0.5,magnitude:0.3",
            "--guidance",
            "joint,interval:0.3-0.9",
            "--attention",
            "_native_math",
            "--json",
        )
        == 0
    )
    out, err = capsys.readouterr()
    report = json.loads(out)
    rows = {row["variant"]: row for row in report["rows"]}
    assert list(rows) == [
        "plain",
        "joint guidance",
        "guidance from 0.3 to 0.9",
        "first-block cache 0.5",
        "magnitude cache 0.3",
        "attention _native_math",
        "few-step adapter",
    ]
    assert "1 memory frames, joint guidance" in err
    plain = rows["plain"]
    assert (plain["forwards"], plain["computed"], plain["psnr"], plain["tokens"]) == (16, 1.0, None, 4 * 9)
    assert (rows["joint guidance"]["forwards"], rows["joint guidance"]["computed"]) == (8, 1.0)
    assert rows["guidance from 0.3 to 0.9"]["forwards"] < 16
    for cache in ("first-block cache 0.5", "magnitude cache 0.3"):
        assert rows[cache]["forwards"] == 16 and rows[cache]["computed"] < 0.95
    assert (rows["few-step adapter"]["forwards"], rows["few-step adapter"]["steps"]) == (4, 4)
    joint = rows["joint guidance"]["psnr"]
    assert joint is None or joint > 100, "equal to the last bit on some processors, nearly so on others"
    assert 100 > rows["magnitude cache 0.3"]["psnr"] > 15
    assert len(rows["magnitude cache 0.3"]["magnitudes"]["high_noise"]) > 1
    for row in rows.values():
        assert row["shot_seconds"] > row["denoise_seconds"] > row["step_seconds"] > 0
        assert row["tflops"] > 0 and 0 < row["share"] < 1


def test_the_table_names_what_it_shows_and_says_that_weights_are_random(capsys):
    assert command("--steps", "2", "--memory", "0,2", "--cache", "none", "--guidance", "none", "--quiet") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("tiny, random weights, on CPU with")
    assert lines[3].split("  ")[0].strip() == HEAD[0]
    assert [line.split()[:3] for line in lines[4:6]] == [["0", "plain", "27"], ["2", "plain", "45"]]
    assert "Random weights" in out
    assert err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--memory", "some"], "give numbers of memory frames"),
        (["--memory", "-1"], "from 0 to 100"),
        (["--steps", "1"], "at least one shot"),
        (["--cache", "tea"], "'tea' is unknown; choose from first-block, magnitude"),
        (["--cache", "first-block:x"], "first-block:0.1"),
        (["--guidance", "interval:0.9"], "interval:0.2-0.9"),
        (["--guidance", "interval:0.9-0.1"], "two rising noise levels"),
        (["--guidance", "joint:2"], "joint takes no value"),
        (["--config", "wan2.2-storymem", "--few-step"], "has no few-step adapter"),
        (["--config", "nobody"], "unknown"),
    ],
)
def test_wrong_words_are_refused_in_one_line(words, says):
    with pytest.raises(UsageError, match=says) as refused:
        command(*words)
    assert "\n" not in str(refused.value)


def test_the_true_size_is_refused_before_anything_is_made(monkeypatch):
    """Without a card; and on one that is too small, with what would be needed."""

    def made(*_):
        raise AssertionError("an expert was made")

    monkeypatch.setattr(subjects, "random_expert", made)
    monkeypatch.setattr(subjects, "device_here", lambda: CPU)
    with pytest.raises(UsageError, match="needs a CUDA card"):
        make_subject("a14b", [0], [], None)
    card = torch.device("cuda")
    monkeypatch.setattr(subjects, "device_here", lambda: card)
    monkeypatch.setattr(subjects, "choose_precision", lambda *_: Precision("bfloat16", card, torch.bfloat16, False, ""))
    said = {}
    for memory, joint in ((0, False), (10, True)):
        monkeypatch.setattr(subjects, "room_on", lambda *_: 24 * 10**9)
        with pytest.raises(UsageError, match=f"with {memory} memory frames needs about") as refused:
            make_subject("a14b", [memory], choose_variants(guidance="joint" if joint else "none"), None)
        said[memory, joint] = int(str(refused.value).split("about ")[1].split(" GB")[0])
    # Two experts of 14.29e9 weights and 0.61e9 in the memory adapter, two bytes each, are 59.6 GB.
    assert 60 < said[0, False] < said[10, True] < 80


def test_the_true_size_is_wans():
    expert = subjects.empty_expert(A14B.expert)
    assert sum(parameter.numel() for parameter in expert.parameters()) == pytest.approx(14.29e9, rel=1e-3)


def test_random_experts_have_the_types_that_wan_runs_in_and_make_numbers():
    expert = random_expert(TINY.expert, CPU, torch.bfloat16, seed=1)
    kinds = {name: parameter.dtype for name, parameter in expert.named_parameters()}
    assert not any(parameter.is_meta for parameter in (*expert.parameters(), *expert.buffers()))
    assert kinds["blocks.0.attn1.to_q.weight"] == torch.bfloat16
    assert {
        kinds["scale_shift_table"],
        kinds["blocks.1.norm2.weight"],
        kinds["condition_embedder.time_embedder.linear_1.weight"],
    } == {torch.float32}
    assert expert.rope.freqs_cos.dtype == torch.float32
    numbers = add_random_adapter(expert, "memory", rank=8, seed=1)
    assert numbers == 6 * 8 * (8 * (48 + 48) + 2 * (48 + 96))
    sequence = torch.randn(1, 36, 2, 4, 4).bfloat16()
    with torch.no_grad():
        made = expert(sequence, torch.tensor([500]), torch.randn(1, 5, 32).bfloat16(), return_dict=False)[0]
    assert torch.isfinite(made).all() and 0.05 < float(made.float().std()) < 20


def test_a_random_expert_is_diffusers_own_with_these_weights():
    expert, own = random_expert(TINY.expert, CPU, torch.float32, seed=1), WanTransformer3DModel(**TINY.expert).eval()
    own.load_state_dict(expert.state_dict())
    given = (torch.randn(1, 36, 2, 4, 4), torch.tensor([500]), torch.randn(1, 5, 32))
    with torch.no_grad():
        assert torch.equal(expert(*given, return_dict=False)[0], own(*given, return_dict=False)[0])


def test_work_that_is_done_in_full_is_the_cost_models():
    shape = ExpertShape.of(TINY.expert)
    assert Work(3, 3, 3 * shape.layers).flops(shape, 80, 32, 1000) == pytest.approx(
        3 * forward_flops(shape, 80, 32, 1000)
    )
    assert Work(3, 3, 3).flops(shape, 80, 32, 1000) < forward_flops(shape, 80, 32, 1000)


def test_psnr_is_of_the_range():
    wanted = torch.tensor([0.0, 1.0, 3.0, 10.0])
    assert psnr(wanted, wanted) is None
    assert psnr(wanted + 0.1, wanted) == pytest.approx(40.0, abs=1e-3)


def test_the_second_round_is_the_first(monkeypatch):
    """No variant leaves anything on the models that the next one would be measured with."""
    subject = make_subject("tiny", [1], [Variant("few", few_step=True)], 4)
    variants = [*choose_variants(guidance="joint", cache="first-block:0.5,magnitude:0.3", few_step=True)]
    first, second = (measure(subject, [1], variants, repeat=1, rate=1e12, say=lambda _: None) for _ in range(2))

    timed = ("step_seconds", "encode_seconds", "denoise_seconds", "decode_seconds", "shot_seconds", "tflops", "share")

    def lasting(rows):
        return [replace(row, peak_bytes=0, **dict.fromkeys(timed, 0)) for row in rows]

    assert lasting(first) == lasting(second)
