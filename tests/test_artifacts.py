"""Hashes tell contents apart, and a file under its final name is always whole."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.artifacts import (
    atomic_path,
    read_json,
    sha256_of_array,
    sha256_of_file,
    stable_key,
    write_bytes_atomically,
    write_json_atomically,
)
from filmagent.errors import ArtifactError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_known_hashes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_array_hash_sees_values_shape_and_type_but_not_memory_layout() -> None:
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    changed = frames.copy()
    changed[1, 2, 3] ^= 1
    assert len({sha256_of_array(a) for a in (frames, changed, frames.reshape(4, 3, 2), frames.astype(np.int8))}) == 4
    assert sha256_of_array(np.asfortranarray(frames)) == sha256_of_array(frames)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_a_stable_key_ignores_the_order_of_keys(mapping: dict[str, object]) -> None:
    key = stable_key(mapping)
    assert key == stable_key(dict(reversed(mapping.items())))
    assert len(key) == 32 and int(key, 16) >= 0
    assert key != stable_key({**mapping, "one more key": 0})


def test_a_stable_key_is_the_same_on_every_machine() -> None:
    assert stable_key({"seed": 1, "prompt": "é"}) == "3dfda8c39533ef64f76bc74f12ed2da1"


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError):
        stable_key({"x": math.nan})
    with pytest.raises(TypeError):
        stable_key({"x": object()})


@given(JSON)
def test_json_comes_back_as_written(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.mktemp("json") / "deep" / "value.json"
    write_json_atomically(path, value)
    assert read_json(path) == value


def test_unreadable_json_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"a": [1, 2')
    with pytest.raises(ArtifactError, match=r"half\.json.*redo"):
        read_json(tmp_path / "half.json")
    with pytest.raises(ArtifactError, match=r"missing\.json.*Redo"):
        read_json(tmp_path / "missing.json")
    (tmp_path / "latin.json").write_bytes(b'"\xe9"')
    with pytest.raises(ArtifactError, match="JSON"):
        read_json(tmp_path / "latin.json")


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "film.json"
    write_bytes_atomically(target, b"old")
    with pytest.raises(KeyError), atomic_path(target) as hidden:
        hidden.write_bytes(b"new, but")
        raise KeyError("interrupted")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["film.json"]


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="nothing was written"), atomic_path(tmp_path / "film.mp4"):
        pass
    assert names(tmp_path) == []


def test_the_hidden_file_is_hidden_and_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "film.mp4") as hidden:
        assert hidden.name.startswith(".") and hidden.suffix == ".mp4" and hidden.parent == tmp_path
        assert not (tmp_path / "film.mp4").exists()
        hidden.write_bytes(b"x")
    assert names(tmp_path) == ["film.mp4"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArtifactError, match="cannot write in"):
        write_bytes_atomically(tmp_path / "file" / "film.json", b"{}")


def test_a_file_too_large_for_the_disk_leaves_nothing(tmp_path: Path) -> None:
    """The file size limit of a process fails a write as a full disk does: in the middle."""
    program = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pathlib import Path
from filmagent.artifacts import write_bytes_atomically
from filmagent.errors import ArtifactError
try:
    write_bytes_atomically(Path({str(tmp_path)!r}) / "big.bin", b"x" * 100_000)
except ArtifactError as error:
    print(error)
    sys.exit(7)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "big.bin" in done.stdout and "Free space" in done.stdout
    assert names(tmp_path) == []


def test_a_killed_writer_leaves_no_half_file_under_the_final_name(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from filmagent.artifacts import atomic_path
with atomic_path(Path({str(tmp_path)!r}) / "film.json") as hidden:
    hidden.write_text('{{"half":')
    print("half", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"half\n"
        os.kill(child.pid, signal.SIGKILL)
    assert not (tmp_path / "film.json").exists()
    write_json_atomically(tmp_path / "film.json", {"whole": True})
    assert json.loads((tmp_path / "film.json").read_text()) == {"whole": True}
