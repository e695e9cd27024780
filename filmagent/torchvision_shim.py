"""Lets open_clip be imported where torchvision's compiled part does not fit torch. Knows nothing of models.

torchvision registers shape rules for operators of its compiled library while it is imported. Where that library
cannot be loaded (a CPU build of torch beside the torchvision of another index), the operators do not exist and the
import fails, although filmagent and open_clip's image towers call none of them. Declared without an
implementation, they make the import succeed; calling one still fails loudly.
"""

from __future__ import annotations

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def declare_missing_operators() -> None:
    """Declare the operators that torchvision expects and that nothing provides. Harmless when called again."""
    import sys

    import torch

    if "torchvision" in sys.modules or _compiled_library_loads():
        return
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", schema.removeprefix(name))


def _compiled_library_loads() -> bool:
    """Whether torchvision's compiled library, where there is one, can be loaded into this torch."""
    import importlib.util
    from pathlib import Path

    import torch

    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    for library in Path(found.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return True
    return False
