"""`filmagent models`: what can be filmed with, what is on disk, and how it gets there.

stdout carries the table, the folders or JSON; stderr what is going on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filmagent.errors import ModelFilesError, UsageError
from filmagent.generation.models.catalogue import MODEL_SETS, ModelSet, model_set
from filmagent.generation.models.shelf import OnDisk, look_up_set

INTERRUPTED = 130
HEAD = ("NAME / FILES FROM", "ON DISK", "SIZE", "REVISION", "LICENCE", "FOLDER")


def run(options: argparse.Namespace) -> int:
    """List, pull, verify or locate models, as the person asked."""
    if options.action == "list":
        if options.name is not None:
            raise UsageError(f"`models list` takes no name; to see one, `filmagent models path {options.name}`")
        return _list(options)
    if options.name is None:
        raise UsageError(f"`models {options.action}` needs a name: {', '.join(MODEL_SETS)}")
    models = model_set(options.name)
    return {"pull": _pull, "verify": _verify, "path": _path}[options.action](models, options)


def _list(options: argparse.Namespace) -> int:
    described = [_described(models) for models in MODEL_SETS.values()]
    if options.json:
        sys.stdout.write(json.dumps({"models": described}) + "\n")
        return 0
    rows = {entry["name"]: [_cells(part) for part in entry["repositories"] or [entry]] for entry in described}
    widths = [max(map(len, column)) for column in zip(HEAD, *(row for part in rows.values() for row in part),
                                                      strict=True)]
    sys.stdout.write(_line(HEAD, widths))
    for entry in described:
        sys.stdout.write(f"{entry['name']}: {entry['what']}{'' if entry['commercial'] else '; non-commercial'}\n")
        for row in rows[entry["name"]]:
            sys.stdout.write(_line(row, widths))
    return 0


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"


def _pull(models: ModelSet, options: argparse.Namespace) -> int:
    from filmagent.generation.models.pull import pull

    def say(line: str) -> None:
        if not options.quiet:
            sys.stderr.write(line + "\n")

    if not models.repositories:
        say(f"{models.name} comes with filmagent; there is nothing to fetch")
        return _print_folders(models, options)
    for licence in models.licences():
        if not licence.commercial:
            say(f"licence of a part: {licence.name}, no commercial films with it ({licence.note})")
    try:
        pull(models, say, show_bars=not options.quiet)
    except KeyboardInterrupt:
        say(f"\ninterrupted; `filmagent models pull {models.name}` goes on where it stopped")
        return INTERRUPTED
    return _print_folders(models, options)


def _verify(models: ModelSet, options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from filmagent.generation.models.verify import bytes_to_hash, verify

    with tqdm(
        total=bytes_to_hash(models), desc="hashing", unit="B", unit_scale=True, file=sys.stderr,
        disable=options.quiet or not models.repositories,
    ) as bar:
        found = verify(models, on_bytes=bar.update)
    if options.json:
        answer = {"name": models.name, "whole": not found.problems, "problems": found.problems,
                  "files": found.files, "hashed": found.hashed}
        sys.stdout.write(json.dumps(answer) + "\n")
    if found.problems:
        for problem in found.problems:
            sys.stderr.write(f"{problem}\n")
        raise ModelFilesError(f"{models.name}: {len(found.problems)} problem(s) in {found.files} files")
    if not options.json:
        hashes = f"{found.hashed} hashes right" if models.repositories else "no hashes are published for these"
        sys.stdout.write(f"{models.name}: whole; {found.files} files, names and shapes fit, {hashes}\n")
    return 0


def _path(models: ModelSet, options: argparse.Namespace) -> int:
    for found in look_up_set(models):
        if not found.whole:
            what = "is not on disk" if found.commit is None else f"lacks {len(found.missing)} of its files"
            raise ModelFilesError(
                f"{models.name}: {found.repository.id} {what}: `filmagent models pull {models.name}` fetches it"
            )
    return _print_folders(models, options)


def _print_folders(models: ModelSet, options: argparse.Namespace) -> int:
    """Write where a set lies: one folder a line, the experts' first."""
    described = _described(models)
    if options.json:
        sys.stdout.write(json.dumps(described) + "\n")
        return 0
    for part in described["repositories"] or [described]:
        sys.stdout.write(f"{part['folder']}\n")
    return 0


def _described(models: ModelSet) -> dict[str, Any]:
    """Return what is known of a set, as JSON."""
    parts = [_described_part(found) for found in look_up_set(models)]
    licences = models.licences()
    common = {
        "name": models.name,
        "what": models.what,
        "licence": " + ".join(licence.name for licence in licences),
        "commercial": all(licence.commercial for licence in licences),
        "repositories": parts,
    }
    if not parts:
        from filmagent.generation.papercut.generator import weights_folder
        from filmagent.version import __version__

        folder = weights_folder()
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {**common, "on_disk": "yes" if files else "no", "folder": str(folder), "revision": __version__,
                "bytes": sum(file.stat().st_size for file in files)}
    there = {part["on_disk"] for part in parts}
    sizes = [part["bytes"] for part in parts]
    return {**common, "on_disk": there.pop() if len(there) == 1 else "partly", "revision": "",
            "bytes": None if None in sizes else sum(sizes)}


def _described_part(found: OnDisk) -> dict[str, Any]:
    repository = found.repository
    there = "yes" if found.whole else "no" if found.commit is None else "partly"
    return {
        "repository": repository.id,
        "role": repository.role,
        "revision": repository.revision,
        "commit": found.commit,
        "licence": repository.licence.name,
        "commercial": repository.licence.commercial,
        "on_disk": there,
        "folder": None if there == "no" else str(found.folder),
        "bytes": found.size,
    }


def _cells(part: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table: a repository, or a set that comes with filmagent."""
    from filmagent.generation.models.pull import readable_bytes

    size = "?" if part["bytes"] is None else readable_bytes(part["bytes"])
    revision = part["revision"]
    if revision is None:
        revision = "newest" if part["commit"] is None else f"newest, {part['commit'][:12]}"
    name = part.get("repository", "filmagent itself")
    return f"  {name}", part["on_disk"], size, revision[:20], part["licence"], _short_path(part["folder"])


def _short_path(folder: str | None) -> str:
    if folder is None:
        return ""
    home = Path.home()
    return str(Path("~") / Path(folder).relative_to(home)) if Path(folder).is_relative_to(home) else folder
