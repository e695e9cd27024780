"""The memories that lie in the package beside papercut, trained on its weights and fit for no others.

`--memory memento` and `--memory onestory` film with them where papercut films. Knows names and folders; reads no file.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from filmagent.generation.models.licences import APACHE
from filmagent.generation.trained.filming import trained
from filmagent.generation.wan.generator import WanStoryMemGenerator


def built_in_memory(memory: str) -> Path:
    """Return the folder of a memory of `names.BUILT_IN`."""
    return Path(str(files("filmagent.generation.papercut"))) / "memories" / memory


def papercut_with(memory: str, *, steps: int | None = None, guidance: float | None = None) -> WanStoryMemGenerator:
    """Make papercut with a memory of `names.BUILT_IN`. Other arguments and errors: see `trained`."""
    return trained(str(built_in_memory(memory)), steps=steps, guidance=guidance, licence=APACHE.name)
