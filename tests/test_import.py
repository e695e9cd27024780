"""`import filmagent` is light: embedding it costs a host nothing until it films."""

from __future__ import annotations

import subprocess
import sys

import pytest

import filmagent


@pytest.mark.parametrize(("statement", "absent"), [
    ("import filmagent", {"torch", "diffusers", "langgraph", "openai", "pydantic"}),
    ("from filmagent.cli import parser; parser.parse(['make', 'x'])", {"torch", "diffusers", "langgraph", "openai"}),
    ("from filmagent import build_graph; build_graph()", {"torch", "diffusers", "transformers", "open_clip"}),
    ("from filmagent import Settings, Story, make_film", {"torch", "diffusers", "transformers", "open_clip"}),
])
def test_heavy_packages_stay_out(statement: str, absent: set[str]):
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not absent & set(loaded)


def test_every_public_name_can_be_imported():
    for name in filmagent.__all__:
        assert getattr(filmagent, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = filmagent.nothing_of_this_name


def test_rooms_import_only_what_the_house_allows():
    import ast
    from pathlib import Path

    root = Path(filmagent.__file__).parent
    forbidden = {
        "schemas": {"agents", "graphs", "generation", "scoring", "delivery", "training", "evaluation", "cli"},
        "scoring": {"agents", "graphs", "generation", "delivery", "training", "evaluation", "cli"},
        "agents": {"graphs", "delivery", "training", "evaluation", "cli"},
        "generation": {"agents", "graphs", "delivery", "training", "evaluation", "cli"},
        "delivery": {"agents", "graphs", "training", "evaluation", "cli"},
        "graphs": {"cli", "training", "evaluation"},
        "training": {"graphs", "evaluation", "cli"},
        "evaluation": {"graphs", "cli"},
    }
    outside = {"agents": {"torch"}, "generation": {"langgraph", "openai"}, "scoring": {"langgraph", "openai"}}
    for room, rooms in forbidden.items():
        for file in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                for name in names:
                    parts = name.split(".")
                    assert not (parts[0] == "filmagent" and len(parts) > 1 and parts[1] in rooms), f"{file}: {name}"
                    assert parts[0] not in outside.get(room, set()), f"{file}: {name}"
