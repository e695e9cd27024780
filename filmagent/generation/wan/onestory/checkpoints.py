"""OneStory's memory on disk: one safetensors file for each expert, beside the folder of its base.

    FOLDER/transformer/, transformer_2/   the base's experts in diffusers' format
    FOLDER/onestory/                      transformer.safetensors, transformer_2.safetensors: selector and conditioner,
                                          and a LoRA (in Wan2.2's original names) if the base was adapted by one

The file's metadata say of which sizes the memory is and to which base it belongs; with another base it is refused.
Everything must be there, fit, and be used. Knows files; nothing of sampling.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import ALL_LINKS, LinkAdapters, WanConfig
from filmagent.generation.wan.onestory.shape import MemoryShape
from filmagent.generation.wan.weights.checkpoints import check_safetensors, files_revision, weight_files

if TYPE_CHECKING:
    import torch

FORMAT = "onestory-1"
FOLDER = "onestory"
ADAPTER = "onestory"
"""Name of the LoRA on an expert."""


@dataclass(frozen=True)
class MemoryFile:
    """What the header of a memory file says."""

    base: str
    """Revision of the expert that it belongs to, from `base_revision`."""
    name: str
    """What that expert is called."""
    shape: MemoryShape


def memory_files(folder: Path, two_experts: bool) -> LinkAdapters:
    """Return where the memory of a model folder's experts lies."""
    home = folder / FOLDER
    second = home / "transformer_2.safetensors" if two_experts else None
    return LinkAdapters(ADAPTER, ALL_LINKS, home / "transformer.safetensors", second)


def base_revision(folder: Path, part: str, how_to_get: str = "give a whole model folder") -> str:
    """Return 16 hex digits that identify the weights of one expert. Raises ModelFilesError if they are missing."""
    files = weight_files(folder, part, how_to_get)
    for file in files:
        check_safetensors(file, how_to_get)
    return files_revision(files)


def read_header(file: Path, how_to_get: str) -> MemoryFile:
    """Read what a memory file says of itself; no weight is loaded.

    Raises:
        ModelFilesError: the file is missing, broken, or no memory file.
    """
    from safetensors import safe_open

    check_safetensors(file, how_to_get)
    with safe_open(file, framework="numpy") as weights:
        told = weights.metadata() or {}
    try:
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']!r}")
        return MemoryFile(told["base"], told["name"], MemoryShape.told(json.loads(told["shape"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFilesError(f"{str(file)!r} is no OneStory memory of this release ({error}): {how_to_get}") from error


def load_onestory_expert(config: WanConfig, part: str, dtype: torch.dtype) -> Any:
    """Load a base's expert, `transformer` or `transformer_2`, with its memory.

    Args:
        config: its one adapter is of `memory_files`.
        part: which expert.
        dtype: type of the base's weights; what Wan keeps in float32, and the memory, stay so.

    Raises:
        ModelFilesError: a file is missing, broken, does not fit, or belongs to another base.
    """
    file = _file_of(config, part)
    told = read_header(file, config.how_to_get)
    found = base_revision(config.folder, part, config.how_to_get)
    if told.base != found:
        raise ModelFilesError(
            f"{str(file)!r} belongs to {told.name} of revision {told.base}; "
            f"{str(config.folder / part)!r} is {found}: {config.how_to_get}"
        )
    return load_shaped_expert(config, part, dtype, told.shape)


def load_shaped_expert(config: WanConfig, part: str, dtype: torch.dtype, shape: MemoryShape) -> Any:
    """Load a base's expert with a memory whose shape, and that it belongs to the base, are known.

    Args:
        config: its one adapter names the files.
        part: which expert.
        dtype: type of the base's weights; what Wan keeps in float32, and the memory, stay so.
        shape: of the memory.

    Raises:
        ModelFilesError: a file is missing, broken, or does not fit.
    """
    from safetensors.torch import load_file

    from filmagent.generation.wan.library import WanTransformer3DModel
    from filmagent.generation.wan.onestory.expert import MEMORY_PARTS, onestory_from_base
    from filmagent.generation.wan.weights.checkpoints import load_part
    from filmagent.generation.wan.weights.lora import attach_weights

    file = _file_of(config, part)
    check_safetensors(file, config.how_to_get)
    expert = onestory_from_base(load_part(WanTransformer3DModel, config.folder, part, dtype), shape)
    weights = load_file(file)
    memory = {name: weights.pop(name) for name in list(weights) if name.startswith(MEMORY_PARTS)}
    wanted = {name: tensor for name, tensor in expert.state_dict().items() if name.startswith(MEMORY_PARTS)}
    wrong = sorted({*wanted} ^ {*memory}) or sorted(name for name in wanted if wanted[name].shape != memory[name].shape)
    if wrong:
        raise ModelFilesError(
            f"{str(file)!r} does not fit its base: {wrong[0]!r} is missing, left over or of another "
            f"shape: {config.how_to_get}"
        )
    expert.load_state_dict(memory, strict=False, assign=True)
    if weights:
        attach_weights(expert, weights, file, ADAPTER)
    return expert.eval()


def _file_of(config: WanConfig, part: str) -> Path:
    file = config.adapters[0].high_noise if part == "transformer" else config.adapters[0].low_noise
    if file is None:
        raise ModelFilesError(f"{config.name} has no memory file for {part!r}: {config.how_to_get}")
    return file
