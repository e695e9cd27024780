"""A folder of its own for a command that is run by a test: no run of others, no LLM, no long measuring."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("filmagent.generation.wan.budget.rate.SECONDS", 0.01)
    for name in ("FILMAGENT_LLM", "FILMAGENT_LLM_URL", "FILMAGENT_LLM_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
