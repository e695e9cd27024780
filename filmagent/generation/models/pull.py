"""Downloads a set through huggingface_hub: counted first, then fetched; what is there already is not fetched again.

huggingface_hub resumes, and honours HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE by itself. Knows disks and
servers; nothing of what the files hold.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from filmagent.errors import ModelFilesError
from filmagent.generation.models.catalogue import ModelSet, Repository
from filmagent.generation.models.shelf import OnDisk, chosen, look_up, look_up_set

WORKERS = 4
"""Files that are fetched at the same time."""


@dataclass(frozen=True)
class Needed:
    """What a pull will fetch of one repository."""

    repository: Repository
    commit: str
    missing_bytes: int
    total_bytes: int
    folder: Path
    """Where huggingface_hub will keep it."""
    files: tuple[str, ...]
    """Every file of it, fetched already or not."""

    @property
    def pickles(self) -> tuple[str, ...]:
        """Those of them that are pickles."""
        return tuple(file for file in self.files if file.endswith(".pth"))


def pull(models: ModelSet, say: Callable[[str], None], *, show_bars: bool = True) -> tuple[OnDisk, ...]:
    """Fetch every repository of a set that is not on disk yet.

    Args:
        models: the set.
        say: told in one line how much is needed and free, and what is fetched.
        show_bars: let huggingface_hub draw its progress bars on stderr.

    Raises:
        ModelFilesError: the hub cannot be reached or has no such files, or the disk is too small for all of them.
    """
    from huggingface_hub import is_offline_mode

    if is_offline_mode():
        return _already_there(models, say)
    for repository in models.repositories:
        discard_cut_files(repository, say)
    plan = [count(repository) for repository in models.repositories]
    check_room(models.name, plan, say)
    fetched = []
    for needed in plan:
        if needed.missing_bytes:
            say(f"{needed.repository.id} at {needed.commit}: {readable_bytes(needed.missing_bytes)}")
            if needed.pickles:
                pickles = ", ".join(sorted(needed.pickles))
                say(f"{pickles}: its publisher gives pickles; they are loaded only if they hold nothing but tensors")
        fetched.append(_fetch(needed, show_bars))
    return tuple(fetched)


def discard_cut_files(repository: Repository, say: Callable[[str], None]) -> None:
    """Delete files of another size than the hub listed: huggingface_hub takes any file that is there for whole."""
    found = look_up(repository)
    for file in found.files:
        path = found.folder / file.path
        if path.is_file() and (size := path.stat().st_size) != file.size:
            say(f"{path} has {size} bytes instead of {file.size}; it is fetched again")
            path.resolve().unlink()
            path.unlink(missing_ok=True)


def _already_there(models: ModelSet, say: Callable[[str], None]) -> tuple[OnDisk, ...]:
    """Return the set if it is whole: nothing can be fetched offline."""
    shelves = look_up_set(models)
    for found in shelves:
        if not found.whole:
            raise ModelFilesError(
                f"{found.repository.id} is not whole on disk, and HF_HUB_OFFLINE forbids to fetch it: unset it"
            )
    say(f"{models.name}: on disk already; HF_HUB_OFFLINE forbids to look for anything newer")
    return shelves


def count(repository: Repository) -> Needed:
    """Ask the hub which files a pull would fetch, without fetching any. Raises ModelFilesError."""
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    patterns = [*repository.files, *repository.pickles]
    try:
        commit = repository.revision or HfApi().model_info(repository.id).sha
        with disable_progress_bars():
            listed = snapshot_download(repository.id, revision=commit, allow_patterns=patterns, dry_run=True)
    except Exception as error:
        raise _explained(repository, error) from error
    names = chosen(repository, (file.filename for file in listed))
    files = [file for file in listed if file.filename in names]
    if not files or commit is None:
        raise ModelFilesError(
            f"{repository.id} holds no file like {' or '.join(patterns)}: its publisher moved them"
            f"{'' if repository.pickles else ', or gives pickles, which are not fetched'}"
        )
    return Needed(
        repository,
        commit,
        missing_bytes=sum(file.file_size or 0 for file in files if file.will_download),
        total_bytes=sum(file.file_size or 0 for file in files),
        folder=Path(constants.HF_HUB_CACHE).expanduser(),
        files=tuple(names),
    )


def check_room(name: str, plan: list[Needed], say: Callable[[str], None]) -> None:
    """Say what a pull needs, and raise ModelFilesError if the disk has less."""
    missing, total = sum(part.missing_bytes for part in plan), sum(part.total_bytes for part in plan)
    if not missing:
        say(f"{name}: all {readable_bytes(total)} are on disk already")
        return
    folder = plan[0].folder
    free = shutil.disk_usage(next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())).free
    line = f"{name} needs {readable_bytes(missing)} more ({readable_bytes(total)} in all); {folder} has " \
           f"{readable_bytes(free)} free"
    if free < missing:
        raise ModelFilesError(f"{line}: free some, or set HF_HOME to a folder on a larger disk")
    say(line)


def _fetch(needed: Needed, show_bars: bool) -> OnDisk:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    repository = needed.repository
    with ExitStack() as stack:
        if not show_bars:
            stack.enter_context(disable_progress_bars())
        try:
            # Asked for by branch, the hub's answer is noted as the newest; a pin needs no note.
            snapshot_download(
                repository.id, revision=repository.revision, allow_patterns=list(needed.files), max_workers=WORKERS
            )
        except Exception as error:
            raise _explained(repository, error) from error
    found = look_up(repository)
    if not found.whole:
        lacks = ", ".join(found.missing[:3]) or "everything"
        raise ModelFilesError(f"{repository.id} came without {lacks}: pull it again")
    return found


def _explained(repository: Repository, error: Exception) -> ModelFilesError:
    """Say in one line why the hub gave nothing, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, hub = repository.id, constants.ENDPOINT
    # The hub's answer is the error itself, or stands behind what huggingface_hub tried instead.
    cause = next((link for link in (error, error.__cause__) if isinstance(link, HfHubHTTPError)), error)
    if isinstance(cause, GatedRepoError):
        return ModelFilesError(f"{name} asks for consent: accept its terms at {hub}/{name}, then `hf auth login`")
    if isinstance(cause, RepositoryNotFoundError):
        return ModelFilesError(f"{hub} has no repository {name}, or shows it to its members only: `hf auth login`")
    if isinstance(cause, RevisionNotFoundError):
        return ModelFilesError(f"{name} has no revision {repository.revision}: its publisher withdrew it")
    if isinstance(cause, HfHubHTTPError):
        return ModelFilesError(f"{hub} answered {cause.response.status_code} for {name}: try again later")
    first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return ModelFilesError(
        f"{name} could not be fetched from {hub} ({first_line}): pull again, it goes on where it stopped"
    )


def readable_bytes(count: float) -> str:
    """Return a size as people say it, in powers of 1000: `9.8 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
