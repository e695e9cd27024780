"""A folder of model files: whether it is whole, which revision it is, and its weights in memory.

Folders are in diffusers' format or in Wan2.2's own (`original`), which is told by the files in them. Parts go by
diffusers' names in both. Everything is read from disk; nothing is downloaded. Knows nothing of sampling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError
from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.weights.files import WEIGHTS_PICKLE, check_weights, read_json, shapes_of
from filmagent.generation.wan.weights.files import check_safetensors as check_safetensors  # noqa: PLC0414  # said to be public
from filmagent.generation.wan.weights.original.layout import EXPERTS, TOKENIZER, home_of, is_original

if TYPE_CHECKING:
    from filmagent.generation.wan.weights.original.loading import OriginalPart

WEIGHTS = {
    "vae": "diffusion_pytorch_model",
    "transformer": "diffusion_pytorch_model",
    "transformer_2": "diffusion_pytorch_model",
    "text_encoder": "model",
}
"""Stem of the weight files of every part."""
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
    loras = [lora for adapter in config.adapters for lora in (adapter.high_noise, adapter.low_noise)]
    for lora in (*loras, config.filming_adapter):
        if lora is not None:
            files.append(adapter_file(lora))
            check_weights(files[-1], config.how_to_get)
    return files


def adapter_file(file: Path) -> Path:
    """Return where an adapter really lies: the file, or the `.pth` in its place if its publisher gives only that."""
    pickled = file.with_suffix(WEIGHTS_PICKLE)
    return pickled if pickled.is_file() and not file.exists() else file


def check_model_folder(folder: Path, parts: Iterable[str], how_to_get: str) -> None:
    """Look whether a model folder is whole: every file there, every header true to its file.

    Raises:
        ModelFilesError: naming the file that is missing or broken, and what to do.
    """
    if not folder.is_dir():
        raise ModelFilesError(f"there is no model folder {str(folder)!r}: {how_to_get}")
    parts = tuple(parts)
    for file in _config_files(folder, parts):
        read_json(file, how_to_get)
    for part in parts:
        for file in weight_files(folder, part, how_to_get):
            check_weights(file, how_to_get)
    tokenizer = tokenizer_folder(folder)
    if not any((tokenizer / name).is_file() for name in TOKENIZER_FILES):
        raise ModelFilesError(f"{str(tokenizer)!r} holds neither of {', '.join(TOKENIZER_FILES)}: {how_to_get}")


def weight_files(folder: Path, part: str, how_to_get: str) -> list[Path]:
    """Return a part's weight files: the single one, or all shards that its index names."""
    home = folder / part
    if is_original(folder):
        home = home_of(folder, part)
        if part not in EXPERTS:
            return [home]
    stem = WEIGHTS[part]
    index = home / f"{stem}.safetensors.index.json"
    if index.is_file():
        shards = read_json(index, how_to_get).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise ModelFilesError(f"{str(index)!r} names no shards: {how_to_get}")
        return [home / name for name in sorted(set(shards.values()))]
    return [home / f"{stem}.safetensors"]


def tokenizer_folder(folder: Path) -> Path:
    """Return where a model folder keeps its tokenizer."""
    return folder / (TOKENIZER if is_original(folder) else "tokenizer")


def _config_files(folder: Path, parts: Iterable[str]) -> list[Path]:
    """Return the config.json files that a folder of this format must hold."""
    if is_original(folder):
        return [home_of(folder, part) / "config.json" for part in parts if part in EXPERTS]
    return [folder / part / "config.json" for part in parts]


def part_config(folder: Path, part: str, how_to_get: str) -> dict[str, Any]:
    """Return the arguments of a part's stock class (of UMT5Config for the text encoder), whatever the format.

    Raises:
        ModelFilesError: a file is missing or broken, or tells no such sizes.
    """
    if not is_original(folder):
        return read_json(folder / part / "config.json", how_to_get)
    return dict(describe_part(folder, part, how_to_get).arguments)


def part_shapes(folder: Path, part: str, how_to_get: str) -> dict[str, tuple[int, ...]]:
    """Return the stock class's name -> shape of every tensor of a part, from its files' headers.

    Raises:
        ModelFilesError: a file is missing or broken, or, in Wan's own format, a name is unknown.
    """
    if not is_original(folder):
        files = weight_files(folder, part, how_to_get)
        return {name: shape for file in files for name, shape in shapes_of(file, how_to_get).items()}
    from filmagent.generation.wan.weights.original.loading import check_original_fits, empty_original

    described = describe_part(folder, part, how_to_get)
    check_original_fits(described, empty_original(described))
    return {described.names[name]: shape for name, shape in described.shapes.items()}


def describe_part(folder: Path, part: str, how_to_get: str) -> OriginalPart:
    """Return what the files of a part in Wan's own format hold, from their headers. Raises ModelFilesError."""
    from filmagent.generation.wan.weights.original.loading import describe

    return describe(folder, part, weight_files(folder, part, how_to_get), how_to_get)


def revision_of(config: WanConfig) -> str:
    """Return 16 hex digits that identify everything a picture is made with: weights, their configs, the tokenizer.

    An adapter that only films on has a revision of its own.

    Raises:
        ModelFilesError: a file is missing or broken.
    """
    weights, folder = needed_files(replace(config, filming_adapter=None)), config.folder
    configs = _config_files(folder, parts_of(config.sampling.boundary_ratio is not None))
    tokenizer = [tokenizer_folder(folder) / name for name in TOKENIZER_FILES]
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
        kind: the part's class: AutoencoderKLWan, UMT5EncoderModel or WanTransformer3DModel.
        folder: the model folder, in diffusers' format or Wan's own; `part` is diffusers' name in both.
        dtype: type of the weights. Parts that Wan keeps in float32 stay so.

    Raises:
        ModelFilesError: the files do not fit the class.
    """
    if is_original(folder):
        from filmagent.generation.wan.weights.original.loading import load_original

        return load_original(describe_part(folder, part, "fetch it again"), dtype)
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
