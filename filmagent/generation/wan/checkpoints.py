"""A folder of model files: whether it is whole, which revision it is, and its weights in memory.

Folders are in diffusers' format. Experts in Wan2.2's original names are converted by diffusers' own table. Everything
is read from disk; nothing is downloaded. Knows nothing of sampling.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import WanConfig

WEIGHTS = {
    "vae": "diffusion_pytorch_model",
    "transformer": "diffusion_pytorch_model",
    "transformer_2": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Stem of the weight files of every part."""
PICKLE_SUFFIXES = (".bin", ".ckpt", ".pkl", ".pt", ".pth")
TOKENIZER_FILES = ("tokenizer.json", "spiece.model")
WHOLE_HASH_BYTES = 256 * 2**20
"""Files up to this size are hashed whole for the revision; of larger ones, samples."""
SAMPLES = 32
SAMPLE_BYTES = 2**20


def parts_of(two_experts: bool) -> tuple[str, ...]:
    """Return the parts with weights that a generator with one or two experts needs."""
    return tuple(part for part in WEIGHTS if two_experts or part != "transformer_2")


def needed_files(config: WanConfig) -> list[Path]:
    """Return every weight file of a configuration, after a look at whether all are there and whole.

    Raises:
        ModelFilesError: naming the file that is missing or broken.
    """
    parts = parts_of(config.sampling.boundary_ratio is not None)
    check_model_folder(config.folder, parts, config.how_to_get)
    files = [file for part in parts for file in weight_files(config.folder, part, config.how_to_get)]
    for adapter in config.adapters:
        for lora in (adapter.high_noise, adapter.low_noise):
            if lora is not None:
                check_safetensors(lora, config.how_to_get)
                files.append(lora)
    return files


def check_model_folder(folder: Path, parts: Iterable[str], how_to_get: str) -> None:
    """Look whether a model folder is whole: every file there, every safetensors header true to its file.

    Raises:
        ModelFilesError: naming the file that is missing or broken, and what to do.
    """
    if not folder.is_dir():
        raise ModelFilesError(f"there is no model folder {str(folder)!r}: {how_to_get}")
    for part in parts:
        _read_json(folder / part / "config.json", how_to_get)
        for file in weight_files(folder, part, how_to_get):
            check_safetensors(file, how_to_get)
    tokenizer = folder / "tokenizer"
    if not any((tokenizer / name).is_file() for name in TOKENIZER_FILES):
        raise ModelFilesError(f"{str(tokenizer)!r} holds neither of {', '.join(TOKENIZER_FILES)}: {how_to_get}")


def weight_files(folder: Path, part: str, how_to_get: str) -> list[Path]:
    """Return a part's safetensors files: the single one, or all shards that its index names."""
    home, stem = folder / part, WEIGHTS[part]
    index = home / f"{stem}.safetensors.index.json"
    if index.is_file():
        shards = _read_json(index, how_to_get).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise ModelFilesError(f"{str(index)!r} names no shards: {how_to_get}")
        return [home / name for name in sorted(set(shards.values()))]
    return [home / f"{stem}.safetensors"]


def check_safetensors(file: Path, how_to_get: str) -> None:
    """Raise ModelFilesError unless the file is there and its header covers it exactly (cut files do not)."""
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        if pickles := sorted(near.name for near in file.parent.glob("*") if near.suffix in PICKLE_SUFFIXES):
            raise ModelFilesError(
                f"{str(file)!r} is missing, and {pickles[0]!r} beside it is a pickle, which can run programs: only "
                f"safetensors are loaded; {how_to_get}"
            )
        raise ModelFilesError(f"{str(file)!r} is missing: {how_to_get}")
    try:
        with safe_open(file, framework="numpy") as weights:
            names = weights.keys()
    except (SafetensorError, OSError) as error:
        if _is_pickle(file):
            raise ModelFilesError(
                f"{str(file)!r} is a pickle, which can run programs, under another name: only safetensors are "
                f"loaded; {how_to_get}"
            ) from error
        raise ModelFilesError(f"{str(file)!r} is broken ({error}): fetch it again; {how_to_get}") from error
    if not names:
        raise ModelFilesError(f"{str(file)!r} holds no weights: fetch it again; {how_to_get}")


def _is_pickle(file: Path) -> bool:
    """Tell a pickle, or a zip archive of pickles as torch.save writes, by its first bytes."""
    with file.open("rb") as stream:
        first = stream.read(4)
    return first == b"PK\x03\x04" or (first[:1] == b"\x80" and first[1:2] in b"\x02\x03\x04\x05")


def revision_of(config: WanConfig) -> str:
    """Return 16 hex digits that identify everything a configuration reads: weights, their configs, the tokenizer.

    Raises:
        ModelFilesError: a file is missing or broken.
    """
    weights, folder = needed_files(config), config.folder
    configs = [folder / part / "config.json" for part in parts_of(config.sampling.boundary_ratio is not None)]
    tokenizer = [folder / "tokenizer" / name for name in TOKENIZER_FILES]
    return files_revision([*weights, *configs, *(file for file in tokenizer if file.is_file())])


def files_revision(files: Iterable[Path]) -> str:
    """Return 16 hex digits that identify model files by their contents, names in their order.

    Files over 256 MiB are identified by their size and 32 evenly spread samples of 1 MiB, the header among them:
    hashing a 28 GB expert whole would take longer than loading it.
    """
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.parent.name}/{file.name}\0".encode())
        whole.update(_file_digest(file))
    return whole.hexdigest()[:16]


def _file_digest(file: Path) -> bytes:
    digest, size = hashlib.sha256(), file.stat().st_size
    digest.update(str(size).encode())
    with file.open("rb") as stream:
        if size <= WHOLE_HASH_BYTES:
            while block := stream.read(SAMPLE_BYTES):
                digest.update(block)
            return digest.digest()
        for index in range(SAMPLES):
            stream.seek((size - SAMPLE_BYTES) * index // (SAMPLES - 1))
            digest.update(stream.read(SAMPLE_BYTES))
    return digest.digest()


def load_part(kind: Any, folder: Path, part: str, dtype: Any) -> Any:
    """Load one part with its own class, in eval mode; every weight must be there, fit, and be used.

    Args:
        kind: a class with `from_pretrained`, such as AutoencoderKLWan or UMT5EncoderModel.
        folder: the model folder; `part` the folder within it.
        dtype: type of the weights. Parts that Wan keeps in float32 stay so.

    Raises:
        ModelFilesError: the files do not fit the class.
    """
    home = folder / part
    # transformers and diffusers name the type of the weights differently.
    typed = {"dtype" if part == "text_encoder" else "torch_dtype": dtype}
    try:
        with _no_progress_bars():
            model, info = kind.from_pretrained(
                home, local_files_only=True, use_safetensors=True, output_loading_info=True, **typed
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelFilesError(f"{str(home)!r} cannot be loaded as {kind.__name__}: {error}") from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if names := sorted(str(name) for name in info.get(problem, ())):
            raise ModelFilesError(
                f"{str(home)!r} does not fit {kind.__name__}: {problem.replace('_', ' ')}, {len(names)} in all, "
                f"such as {names[0]!r}"
            )
    return model.eval()


def expert_from_original(weights: Mapping[str, Any], **config: Any) -> Any:
    """Return a WanTransformer3DModel with weights in Wan2.2's original names (`blocks.0.self_attn.q.weight`, ...).

    Args:
        weights: name -> tensor; left as it is.
        config: arguments of WanTransformer3DModel.

    Raises:
        ModelFilesError: a weight is missing, is left over, or has another shape.
    """
    from filmagent.generation.wan.library import WanTransformer3DModel, convert_wan_transformer_to_diffusers

    expert = WanTransformer3DModel(**config)
    try:
        expert.load_state_dict(convert_wan_transformer_to_diffusers(dict(weights)), strict=True)
    except RuntimeError as error:
        raise ModelFilesError(f"these weights do not fit a Wan expert of this configuration: {error}") from error
    return expert.eval()


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep the libraries' own bars off the screen: progress is what a shot reports."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    shown = [library for library in (diffusers_logging, transformers_logging) if library.is_progress_bar_enabled()]
    for library in shown:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library in shown:
            library.enable_progress_bar()


def _read_json(file: Path, how_to_get: str) -> dict[str, Any]:
    if not file.is_file():
        raise ModelFilesError(f"{str(file)!r} is missing: {how_to_get}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFilesError(f"{str(file)!r} is no JSON ({error}): {how_to_get}") from error
    if not isinstance(content, dict):
        raise ModelFilesError(f"{str(file)!r} holds no JSON object: {how_to_get}")
    return content
