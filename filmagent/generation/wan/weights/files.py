"""One file of weights: whether it is whole, what it holds by its header, and its tensors.

Two kinds: safetensors, and the `.pth` files that torch.save writes. The latter are pickles, which can run programs:
they are read by torch's restricted unpickler alone (`weights_only=True`), which makes tensors and plain containers and
refuses everything else unread. Knows nothing of models.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmagent.errors import ModelFilesError

if TYPE_CHECKING:
    from torch import Tensor

PICKLE_SUFFIXES = (".bin", ".ckpt", ".pkl", ".pt", ".pth")
WEIGHTS_PICKLE = ".pth"
"""The one kind of pickle that is read, where a publisher gives nothing else."""
ZIP_START = b"PK\x03\x04"


def read_json(file: Path, how_to_get: str) -> dict[str, Any]:
    """Return the object in a JSON file. Raises ModelFilesError if there is none."""
    if not file.is_file():
        raise ModelFilesError(f"{str(file)!r} is missing: {how_to_get}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFilesError(f"{str(file)!r} is no JSON ({error}): {how_to_get}") from error
    if not isinstance(content, dict):
        raise ModelFilesError(f"{str(file)!r} holds no JSON object: {how_to_get}")
    return content


def check_weights(file: Path, how_to_get: str) -> None:
    """Raise ModelFilesError unless the file is there and whole; which kind it must be, its suffix says."""
    if file.suffix == WEIGHTS_PICKLE:
        check_pickle(file, how_to_get)
    else:
        check_safetensors(file, how_to_get)


def check_safetensors(file: Path, how_to_get: str) -> None:
    """Raise ModelFilesError unless the file is there and its header covers it exactly (cut files do not)."""
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        if pickles := sorted(near.name for near in file.parent.glob("*") if near.suffix in PICKLE_SUFFIXES):
            raise ModelFilesError(
                f"{str(file)!r} is missing, and {pickles[0]!r} beside it is a pickle, which can run programs: only "
                f"safetensors are loaded here; {how_to_get}"
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


def check_pickle(file: Path, how_to_get: str) -> None:
    """Raise ModelFilesError unless the file is there and is a whole archive; what is in it is not looked at.

    The form before torch 1.6 is no archive: whether such a file is whole shows when it is read.
    """
    if not file.is_file():
        raise ModelFilesError(f"{str(file)!r} is missing: {how_to_get}")
    if not _is_pickle(file):
        raise ModelFilesError(f"{str(file)!r} is broken (torch.save wrote no such file): fetch it again; {how_to_get}")
    if _is_archive(file) and not zipfile.is_zipfile(file):
        raise ModelFilesError(f"{str(file)!r} is broken (its end is missing): fetch it again; {how_to_get}")


def shapes_of(file: Path, how_to_get: str) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every tensor in a file, without reading their numbers.

    Raises:
        ModelFilesError: the file is missing, broken, or a pickle that wants more than tensors.
    """
    from safetensors import safe_open

    if file.suffix == WEIGHTS_PICKLE:
        return {name: tuple(tensor.shape) for name, tensor in _unpickled(file, how_to_get).items()}
    check_safetensors(file, how_to_get)
    with safe_open(file, framework="numpy") as weights:
        return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118


def tensors_of(file: Path, how_to_get: str) -> Iterator[tuple[str, Tensor]]:
    """Yield name and tensor of everything in a file, one after the other, each in memory of its own.

    Raises:
        ModelFilesError: as in `shapes_of`.
    """
    from safetensors import safe_open

    if file.suffix == WEIGHTS_PICKLE:
        for name, tensor in _unpickled(file, how_to_get).items():
            yield name, tensor.clone()  # a mapped file that is replaced later would take the programme down
        return
    check_safetensors(file, how_to_get)
    with safe_open(file, framework="pt") as weights:
        for name in weights.keys():  # noqa: SIM118  # it is no mapping
            yield name, weights.get_tensor(name)


def _unpickled(file: Path, how_to_get: str) -> dict[str, Tensor]:
    """Return the tensors of a `.pth`, mapped from the file where its form allows it."""
    import pickle

    import torch

    check_pickle(file, how_to_get)
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=_is_archive(file))
    except pickle.UnpicklingError as error:
        wanted = re.search(r"(?:GLOBAL|Unsupported \w+) ([\w.]+)", str(error))
        raise ModelFilesError(
            f"{str(file)!r} is a pickle that wants more than tensors{f' ({wanted[1]})' if wanted else ''}, so it could "
            f"run programs: it is not loaded; {how_to_get}"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFilesError(f"{str(file)!r} is broken ({reason}): fetch it again; {how_to_get}") from error
    if not isinstance(content, dict) or not content:
        raise ModelFilesError(f"{str(file)!r} holds no weights by name: fetch it again; {how_to_get}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ModelFilesError(
                f"{str(file)!r} holds {str(name)[:60]!r}, which is no weight: give the file with the weights alone; "
                f"{how_to_get}"
            )
    return dict(content)


def _is_archive(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(ZIP_START)) == ZIP_START


def _is_pickle(file: Path) -> bool:
    """Tell a pickle, or a zip archive of pickles as torch.save writes, by its first bytes."""
    with file.open("rb") as stream:
        first = stream.read(len(ZIP_START))
    return first == ZIP_START or (first[:1] == b"\x80" and first[1:2] in b"\x02\x03\x04\x05")
