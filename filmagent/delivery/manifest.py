"""The manifest `film.json`: everything that made a film, and how it was judged.

It holds no key and no path of the machine, so a run folder can be given away as it is. Knows nothing of how the
film was made: it is handed the records.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, ValidationError

from filmagent.artifacts import read_json, sha256_of_file, write_json_atomically
from filmagent.errors import ArtifactError
from filmagent.schemas.plan import Plan
from filmagent.schemas.story import Model, Story
from filmagent.schemas.take import Film, ModelUse, ShotRecord
from filmagent.version import __version__

SCHEMA_VERSION = 1
"""Raised whenever an older reader would misread a manifest."""

PACKAGES = ("diffusers", "ffmpeg-python", "imageio-ffmpeg", "langgraph", "numpy", "open_clip_torch", "openai", "peft",
            "pillow", "pydantic", "safetensors", "torch", "transformers")
"""Packages whose versions may change a film."""

_ANEW = "Resume the run to write it anew."


class Manifest(Model):
    """What `film.json` holds."""

    schema_version: int = SCHEMA_VERSION
    filmagent: str
    """Version of filmagent that wrote this."""
    disclosure: str
    """Says that a machine made the pictures, and which."""
    film: Film
    film_sha256: str
    """Of the film's file."""
    logline: str
    settings: dict[str, Any]
    """Every choice of the person, as `filmagent.settings.Settings` names them."""
    story: Story
    plan: Plan
    shots: tuple[ShotRecord, ...]
    """In the order of the film: the chosen take, all attempts with seeds, memory and hashes, all reviews."""
    models: tuple[ModelUse, ...]
    """Every model that took part, with revision and licence."""
    decisions: tuple[str, ...]
    """Every fallback and decision, in the order they were taken."""
    seconds: dict[str, float]
    """Measured seconds per stage, summed over all attempts of all shots."""
    packages: dict[str, str] = Field(default_factory=dict)
    platform: str


def build_manifest(
    *,
    run_dir: Path,
    film: Film,
    logline: str,
    story: Story,
    plan: Plan,
    records: Sequence[ShotRecord],
    settings: Mapping[str, Any],
    models: Sequence[ModelUse],
    decisions: Sequence[str],
) -> Manifest:
    """Gather a finished film's manifest.

    Args:
        run_dir: the run folder; `film.path` is relative to it.
        film: the film as delivered.
        logline: what the person asked for; empty when a story file was given.
        story: the story that was filmed.
        plan: the plan that was filmed.
        records: one record a shot, in the order of the film.
        settings: the settings as JSON. Folders in front of reference photographs, and user names, passwords and
            queries in the LLM's URL, are left out.
        models: every model that took part.
        decisions: every fallback and decision, in order.

    Raises:
        ArtifactError: the film's file cannot be read.
    """
    hide = _hider(run_dir)
    return Manifest(
        filmagent=__version__,
        disclosure=_disclosure(models),
        film=film,
        film_sha256=sha256_of_file(run_dir / film.path),
        logline=logline,
        settings=_shareable(settings),
        story=story,
        plan=plan,
        shots=tuple(ShotRecord.model_validate(_in_texts(record.model_dump(), hide)) for record in records),
        models=tuple(models),
        decisions=tuple(hide(line) for line in decisions),
        seconds=_seconds(records),
        packages=_versions(),
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest as readable JSON, whole or not at all. Raises ArtifactError when the disk refuses it."""
    write_json_atomically(path, manifest.model_dump(mode="json"))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        ArtifactError: the file is missing, damaged, or of a version that this filmagent does not read.
    """
    data = read_json(path)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(version, int):
        raise ArtifactError(f"{str(path)!r} is no manifest: it names no schema_version. {_ANEW}")
    if version > SCHEMA_VERSION:
        raise ArtifactError(f"{str(path)!r} has schema version {version}; this filmagent reads {SCHEMA_VERSION}. "
                            "Upgrade filmagent.")
    if version < SCHEMA_VERSION:
        raise ArtifactError(f"{str(path)!r} has the old schema version {version}; this filmagent reads "
                            f"{SCHEMA_VERSION}. {_ANEW}")
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{str(path)!r} does not fit its schema at {where or 'its top'}: {first['msg']}. {_ANEW}"
                            ) from error


def _disclosure(models: Sequence[ModelUse]) -> str:
    """Say that the pictures are generated, and by which models."""
    names = ", ".join(f"{model.name} ({model.revision})" for model in models) or "an unnamed model"
    return f"AI-generated: every picture of this film was made by {names}."


def _shareable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without what belongs to a person or a machine."""
    shared = dict(settings)
    shared["references"] = [{**reference, "path": Path(reference["path"]).name}
                            for reference in settings.get("references", ())]
    address = urlsplit(str(settings.get("llm_url", "")))
    shared["llm_url"] = urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path, "", ""))
    return shared


def _hider(run_dir: Path) -> Callable[[str], str]:
    """Return a function that takes the run folder and the home folder out of a text, such as an error message."""
    folders = {str(run_dir.resolve()): ".", str(run_dir.absolute()): ".", str(Path.home()): "~"}
    ordered = sorted(folders.items(), key=lambda item: -len(item[0]))

    def hide(text: str) -> str:
        for folder, instead in ordered:
            if len(folder) > 1:
                text = text.replace(folder, instead)
        return text

    return hide


def _in_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON-like value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _in_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_in_texts(inner, change) for inner in value)
    return value


def _seconds(records: Sequence[ShotRecord]) -> dict[str, float]:
    """Sum the measured seconds per stage over all attempts."""
    total: dict[str, float] = {}
    for record in records:
        for take in record.attempts:
            for stage, seconds in take.seconds.items():
                total[stage] = total.get(stage, 0.0) + seconds
    return {stage: round(seconds, 3) for stage, seconds in total.items()}


def _versions() -> dict[str, str]:
    """Return the installed versions of the packages that matter."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
