"""Whether a set on disk is what its publisher gave: files, headers, names and shapes of tensors, hashes.

Names and shapes are held against the very classes that will load them, built on the meta device: nothing is loaded.
Hashes are those that the hub listed when the set was pulled. Cheap checks come first; hashing reads every byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from filmagent.errors import ModelFilesError
from filmagent.generation.models.catalogue import WAN_I2V, WAN_T2V, ModelSet
from filmagent.generation.models.shelf import KnownFile, OnDisk, look_up, look_up_set

BLOCK = 8 * 2**20
EXPERTS = frozenset({"transformer", "transformer_2"})


@dataclass(frozen=True)
class Verification:
    """What was found; a set is whole when there are no problems."""

    problems: tuple[str, ...]
    """One line each: the file, what is wrong, what to do."""
    files: int
    """Files that were looked at."""
    hashed: int
    """Files whose hash was known and is right."""


def verify(models: ModelSet, on_bytes: Callable[[int], None] = lambda count: None) -> Verification:
    """Look at every file of a set.

    Args:
        models: the set.
        on_bytes: told how many bytes more were hashed.
    """
    if not models.repositories:
        return _verify_built_in()
    shelves, todo = look_up_set(models), f"`filmagent models pull {models.name}` fetches it"
    problems: list[str] = []
    for found in shelves:
        problems += _missing(found, todo)
    if not problems:  # names and shapes of a set with holes would only repeat what is missing
        problems += _misfits(shelves, "the lines about hashes say which file to delete, if any")
    files = [(found, file) for found in shelves for file in found.files if file.path not in found.missing]
    wrong = [line for found, file in files if (line := _wrong_hash(found.folder, file, todo, on_bytes))]
    return Verification((*problems, *wrong), len(files), len(files) - len(wrong))


def bytes_to_hash(models: ModelSet) -> int:
    """Return how many bytes `verify` will read for hashes."""
    return sum(
        file.size for found in look_up_set(models) for file in found.files if file.path not in found.missing
    )


def _verify_built_in() -> Verification:
    from filmagent.generation.papercut.generator import HOW_TO_GET, weights_folder

    folder = weights_folder()
    problems = list(_folder_misfits(folder, two_experts=False, todo=HOW_TO_GET))
    return Verification(tuple(problems), sum(1 for file in folder.rglob("*") if file.is_file()), 0)


def _missing(found: OnDisk, todo: str) -> Iterator[str]:
    if found.commit is None:
        yield f"{found.repository.id} is not on disk: {todo}"
    for path in found.missing:
        yield f"{str(found.folder / path)!r} is missing: {todo}"


def _misfits(shelves: tuple[OnDisk, ...], todo: str) -> Iterator[str]:
    """Yield what does not fit the classes that load it."""
    from filmagent.generation.wan.fast.distilled import check_distilled_fits
    from filmagent.generation.wan.memento.checkpoints import check_released_fits
    from filmagent.generation.wan.weights.fitting import check_lora_fits

    expert = _expert_to_adapt(shelves)
    for found in shelves:
        if found.repository.content == "wan":
            yield from _folder_misfits(found.folder, two_experts=True, todo=todo)
            continue
        for file in (found.folder / known.path for known in found.files):
            with _collected() as problems:
                part = _expert_of(file)
                if found.repository.content == "adapters":
                    check_lora_fits(expert(part), file, todo)
                elif found.repository.content == "few-step":
                    check_distilled_fits(expert(part), file, todo)
                else:
                    check_released_fits(expert(part), file, part, todo)
            yield from problems
        lacking = EXPERTS - {_expert_of(found.folder / known.path) for known in found.files}
        yield from (f"{found.repository.id} gives nothing for the expert {part}: {todo}" for part in sorted(lacking))


def _expert_to_adapt(shelves: tuple[OnDisk, ...]) -> Callable[[str], Any]:
    """Return what gives the expert that adapters are held against, on the meta device.

    That of the set's own models; else of whichever Wan2.2 is on disk, whose blocks are all of one size; else one of
    the published size.
    """
    from filmagent.generation.wan.weights.fitting import empty_a14b, empty_part

    whole = (*shelves, *(found for found in (look_up(WAN_I2V), look_up(WAN_T2V)) if found.whole))
    wan = next((found.folder for found in whole if found.repository.content == "wan"), None)
    return cache(lambda part: empty_a14b() if wan is None else empty_part(wan, part))


def _folder_misfits(folder: Path, *, two_experts: bool, todo: str) -> Iterator[str]:
    from filmagent.generation.wan.weights.checkpoints import check_model_folder, parts_of
    from filmagent.generation.wan.weights.fitting import check_part_fits

    parts = parts_of(two_experts)
    with _collected() as problems:
        check_model_folder(folder, parts, todo)
    if problems:
        yield from problems
        return
    for part in parts:
        with _collected() as problems:
            check_part_fits(folder, part, todo)
        yield from problems


def _expert_of(adapter: Path) -> str:
    """Return the part that an adapter belongs on, by its file's name: `backbone_low_noise.safetensors`."""
    return "transformer_2" if "low_noise" in adapter.name else "transformer"


def _wrong_hash(folder: Path, file: KnownFile, todo: str, on_bytes: Callable[[int], None]) -> str | None:
    """Return what is wrong with a file's bytes, or None."""
    path = folder / file.path
    size = path.stat().st_size
    if size != file.size:
        on_bytes(file.size)
        return f"{str(path)!r} has {size} bytes instead of {file.size}: {todo}"
    # Git hashes a header in front of the contents; large files (LFS) are hashed as they are.
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            on_bytes(len(block))
    if digest.hexdigest() != (file.sha256 or file.git_sha1):
        return (
            f"{str(path)!r} is not what its publisher gave (its hash differs): delete {str(path.resolve())!r}, then "
            f"{todo}"
        )
    return None


@contextmanager
def _collected() -> Iterator[list[str]]:
    """Collect the message of a ModelFilesError instead of raising it."""
    found: list[str] = []
    try:
        yield found
    except ModelFilesError as error:
        found.append(str(error))
