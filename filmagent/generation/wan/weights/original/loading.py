"""Parts of a folder in Wan2.2's own format on the stock classes: names changed in memory, every tensor used or refused.

Numbers stay as they are but for the type that is asked for, so the same weights give the same output in either
format, bit for bit. Tensors are read and converted one by one: an expert's float32 files never lie in memory whole.
Knows the formats; nothing of sampling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.library import AutoencoderKLWan, UMT5Config, UMT5EncoderModel, WanTransformer3DModel
from filmagent.generation.wan.weights.files import read_json, shapes_of, tensors_of
from filmagent.generation.wan.weights.original.layout import home_of
from filmagent.generation.wan.weights.original.shapes import (
    Shapes,
    expert_arguments,
    names_of,
    text_encoder_arguments,
    vae_arguments,
)

STOCK_CLASSES: Mapping[str, Any] = {
    "vae": AutoencoderKLWan, "transformer": WanTransformer3DModel, "transformer_2": WanTransformer3DModel,
    "text_encoder": UMT5EncoderModel,
}
TIED = {"shared.weight": "encoder.embed_tokens.weight"}
"""The text encoder's table of words has two names in the stock class."""


@dataclass(frozen=True)
class OriginalPart:
    """A part as its files describe it, before any number is read."""

    part: str
    home: Path
    files: tuple[Path, ...]
    arguments: Mapping[str, Any]
    """Of the stock class; of UMT5Config for the text encoder."""
    shapes: Shapes
    """Of all tensors, in Wan's own names."""
    names: Mapping[str, str]
    """Wan's own name -> the stock class's."""


def describe(folder: Path, part: str, files: Sequence[Path], how_to_get: str) -> OriginalPart:
    """Return what a part's files hold, from their headers.

    Args:
        folder: the model folder.
        part: diffusers' name of the part, such as `transformer`.
        files: the part's weight files.
        how_to_get: what a person does when files are missing.

    Raises:
        ModelFilesError: a file is broken, or holds no such model.
    """
    home, shapes = home_of(folder, part), dict[str, tuple[int, ...]]()
    for file in files:
        for name, shape in shapes_of(file, how_to_get).items():
            if name in shapes:
                raise ModelFilesError(f"{str(home)!r} holds {name!r} twice: fetch it again; {how_to_get}")
            shapes[name] = shape
    try:
        if part == "vae":
            arguments = vae_arguments(shapes)
        elif part == "text_encoder":
            arguments = text_encoder_arguments(shapes)
        else:
            arguments = expert_arguments(read_json(home / "config.json", how_to_get), shapes)
    except ModelFilesError as error:
        raise ModelFilesError(f"{str(home)!r} is no {part} in Wan's own format: {error}; {how_to_get}") from error
    return OriginalPart(part, home, tuple(files), arguments, shapes, dict(names_of(part, arguments)))


def empty_original(described: OriginalPart) -> Any:
    """Return the stock class of this size, its weights on the meta device: shapes without numbers."""
    from accelerate import init_empty_weights

    kind, arguments = STOCK_CLASSES[described.part], dict(described.arguments)
    try:
        with init_empty_weights():
            return kind(UMT5Config(**arguments)) if described.part == "text_encoder" else kind(**arguments)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ModelFilesError(f"{str(described.home)!r} has sizes of no {kind.__name__} ({error})") from error


def check_original_fits(described: OriginalPart, empty: Any) -> None:
    """Raise ModelFilesError unless the files hold exactly the tensors of the stock class, in their shapes."""
    shapes, wanted = described.shapes, {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    home, kind = str(described.home), type(empty).__name__
    left_over = sorted(name for name in shapes if name not in described.names)
    lacking = sorted(name for name in described.names if name not in shapes)
    if left_over or lacking:
        held = f"holds {_some(left_over)}, which {kind} has no place for" if left_over else ""
        raise ModelFilesError(
            f"{home!r} {held}{' and ' if left_over and lacking else ''}{f'lacks {_some(lacking)}' if lacking else ''}: "
            "fetch it again"
        )
    for name, shape in shapes.items():
        if shape != wanted[described.names[name]]:
            raise ModelFilesError(
                f"{home!r} holds {name!r} in shape {shape} instead of {wanted[described.names[name]]}: fetch it again"
            )


def load_original(described: OriginalPart, dtype: torch.dtype) -> Any:
    """Load a part onto its stock class, in eval mode.

    Args:
        described: the part.
        dtype: type of the weights; what the stock class keeps in float32 stays so.

    Raises:
        ModelFilesError: a tensor is missing, is left over, or has another shape.
    """
    model = empty_original(described)
    model.load_state_dict(renamed_weights(described, dtype), strict=True, assign=True)
    if described.part == "text_encoder":
        model.tie_weights()
    return model.eval()


def renamed_weights(described: OriginalPart, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return a part's tensors under the stock class's names; all else is as in `load_original`.

    Raises:
        ModelFilesError: a tensor is missing, is left over, or has another shape.
    """
    check_original_fits(described, empty_original(described))
    weights: dict[str, Tensor] = {}
    for file in described.files:
        for name, tensor in tensors_of(file, "fetch it again"):
            stock = described.names[name]
            whole = _stays_whole(stock, STOCK_CLASSES[described.part])
            weights[stock] = tensor.to(torch.float32 if whole else dtype)
    return weights | {other: weights[name] for name, other in TIED.items() if name in weights}


def _stays_whole(name: str, kind: Any) -> bool:
    """Whether a diffusers class keeps a tensor in float32; transformers' text encoder does so only beside float16."""
    kept = () if kind is UMT5EncoderModel else kind._keep_in_fp32_modules or ()
    return any(part in name.split(".") for part in kept)


def _some(names: Sequence[str]) -> str:
    return repr(names[0]) if len(names) == 1 else f"{names[0]!r} and {len(names) - 1} more"
