"""torchvision beside a torch that it was not compiled for."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHIM = "from filmagent.torchvision_shim import declare_missing_operators as declare\ndeclare()\ndeclare()\n"
TOY_TORCHVISION = """
import torch
for name in ("nms", "qnms"):
    torch.library.register_fake("torchvision::" + name)(lambda dets, scores, iou_threshold: scores)
"""
CALL = "import torch\ntorch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n"


@pytest.fixture
def run(tmp_path):
    """Run a program beside a torchvision that, like the real one, has shape rules for operators of a broken library."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "_C.so").write_bytes(b"compiled for another torch")
    (package / "__init__.py").write_text(TOY_TORCHVISION)

    def run(program):
        program = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{program}"
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    return run


def test_a_torchvision_without_its_library_cannot_be_imported(run):
    assert "does not exist" in run("import torchvision").stderr


def test_declared_operators_let_it_be_imported(run):
    assert run(SHIM + "import torchvision").returncode == 0


def test_a_declared_operator_still_fails_when_it_is_called(run):
    assert "NotImplementedError" in run(SHIM + "import torchvision\n" + CALL).stderr


def test_all_is_well_without_any_torchvision():
    hide = "import importlib.util\nimportlib.util.find_spec = lambda name, package=None: None\n"
    made = subprocess.run([sys.executable, "-c", "import torch\n" + hide + SHIM], capture_output=True, check=False)
    assert made.returncode == 0
