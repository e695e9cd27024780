"""What is on disk: the folder, the commit and the files of every repository, as huggingface_hub keeps them.

The shelf is huggingface_hub's own cache (HF_HOME, HF_HUB_CACHE), so what another program has fetched is there already,
and a copied cache needs nothing besides. Reads only what is on disk; asks no server, loads no weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from filmagent.generation.models.catalogue import ModelSet, Repository

BRANCH = "main"


@dataclass(frozen=True)
class KnownFile:
    """A file of a repository, as the hub listed it when it was pulled."""

    path: str
    """Relative to the repository's folder."""
    size: int
    """Bytes."""
    sha256: str | None
    """Of the contents, for large files (LFS)."""
    git_sha1: str
    """Git's hash of the contents, for files without a SHA-256."""


@dataclass(frozen=True)
class OnDisk:
    """Where a repository lies, and what of it."""

    repository: Repository
    folder: Path
    """Where its files are, or would be."""
    commit: str | None
    """The commit that came; None: nothing did."""
    files: tuple[KnownFile, ...]
    """What the set needs, as the hub listed it; empty when nothing was pulled."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Files that were listed and are not there."""
        return tuple(file.path for file in self.files if not (self.folder / file.path).is_file())

    @property
    def whole(self) -> bool:
        """Whether every file that was listed is there."""
        return bool(self.files) and not self.missing

    @property
    def size(self) -> int | None:
        """Bytes of all files together; before a pull what is published, or None."""
        return sum(file.size for file in self.files) if self.files else self.repository.bytes


def look_up(repository: Repository) -> OnDisk:
    """Return what is on disk of a repository, at its pinned revision or at the newest that was pulled."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    home = _repository_home(repository)
    commit = repository.revision or _pulled_commit(home)
    if commit is None:
        return OnDisk(repository, home, None, ())
    folder = home / "snapshots" / commit
    try:
        listed = get_cached_repo_tree(repository.id, revision=commit, cache_dir=home.parent)
    except CachedRepoTreeNotFoundError:
        return OnDisk(repository, folder, None, ())
    wanted = set(chosen(repository, (file.path for file in listed)))
    files = tuple(
        KnownFile(file.path, file.size, None if file.lfs is None else file.lfs.sha256, file.blob_id)
        for file in listed
        if file.path in wanted
    )
    return OnDisk(repository, folder, commit, files)


def look_up_set(models: ModelSet) -> tuple[OnDisk, ...]:
    """Return what is on disk of every repository of a set, in its order; nothing for a set that is built in."""
    return tuple(look_up(repository) for repository in models.repositories)


def chosen(repository: Repository, paths: Iterable[str]) -> list[str]:
    """Return which of a repository's files a set needs: a pickle only where no safetensors has its name."""
    paths = list(paths)
    safe = [path for path in paths if any(fnmatch(path, pattern) for pattern in repository.files)]
    stems = {PurePosixPath(path).with_suffix("") for path in safe}
    pickles = [path for path in paths if any(fnmatch(path, pattern) for pattern in repository.pickles)
               and PurePosixPath(path).with_suffix("") not in stems]
    return safe + pickles


def _repository_home(repository: Repository) -> Path:
    """Return the folder that huggingface_hub keeps a repository in."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"models--{repository.id.replace('/', '--')}"


def _pulled_commit(home: Path) -> str | None:
    reference = home / "refs" / BRANCH
    return reference.read_text(encoding="utf-8").strip() or None if reference.is_file() else None
