"""A toy model folder for tests that damage one: made once, copied for each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.tiny_wan import build_tiny_wan


@pytest.fixture(scope="session")
def whole_wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture
def own_wan(whole_wan: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole_wan, tmp_path / "wan")
