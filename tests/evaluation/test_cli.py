"""`filmagent evaluate papercut`: errors are told before anything is loaded or written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from filmagent.cli.evaluate import add_arguments, run
from filmagent.errors import ModelFilesError, UsageError
from tests.evaluation.toys import random_probe


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["papercut", *words])


def test_an_unknown_policy_is_named_with_those_there_are(tmp_path: Path):
    with pytest.raises(UsageError, match=r"storymme.*storymem-no-sink"):
        run(options("--policy", "none,storymme", "--out", str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_missing_probe_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ModelFilesError, match="filmagent train papercut probe"):
        run(options("--probe", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_broken_probe_is_no_traceback(tmp_path: Path):
    random_probe(tmp_path)
    weights = tmp_path / "probe.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelFilesError, match="cannot be read"):
        run(options("--probe", str(tmp_path), "--out", str(tmp_path / "out")))


def test_missing_weights_are_named(tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        run(options("--weights", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")))


@pytest.mark.parametrize("words", [("--stories", "0"), ("--shots", "40"), ("--seeds", "-1")])
def test_impossible_numbers_are_refused(words, tmp_path: Path):
    with pytest.raises(UsageError, match=words[0]):
        run(options(*words, "--out", str(tmp_path / "out")))


def test_a_folder_of_another_run_is_refused(tmp_path: Path):
    random_probe(tmp_path / "probe")
    out = tmp_path / "out"
    out.mkdir()
    (out / "settings.json").write_text(json.dumps({"format": 0, "rows": {}}))
    with pytest.raises(UsageError, match=r"another|films at"):
        run(options("--probe", str(tmp_path / "probe"), "--out", str(out), "--stories", "1", "--quiet"))
