"""What a person typed -> one checked request. Refuses what cannot work before anything is made or paid.

Knows flags and the limits of the generator that is named; loads no weights.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from filmagent.errors import UsageError
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.story_nodes import subject_named
from filmagent.graphs.studio import Studio
from filmagent.schemas.story import Story
from filmagent.settings import GATES, Gate, Reference, Settings, from_environment

FLAG_OF = {"llm_url": "--llm-url", "memory_frames": "--memory-frames", "width": "--size", "height": "--size"}


def request_of(options: argparse.Namespace) -> RunRequest:
    """Return the request that the flags make. Raises UsageError naming the flag and what to do."""
    from filmagent.agents.writer import check_logline
    from filmagent.schemas.story_files import read_story_file

    logline = sys.stdin.read().strip() if options.logline == "-" else (options.logline or "").strip()
    if options.story is None and options.logline is None:
        raise UsageError('nothing to film: give a logline, such as "a cat\'s journey home", or --story FILE')
    if options.story is not None and logline:
        raise UsageError(f"--story {options.story} and a logline were given; give one of them")
    if options.story is not None and options.shots is not None:
        raise UsageError("--shots goes with a logline: a story file's shot list is filmed exactly")
    story: Story | None = None
    if options.story is not None:
        story = read_story_file(options.story)
    else:
        check_logline(logline)
    settings = _settings(options)
    _check_generator(settings)
    if story is not None:
        for reference in settings.references:
            subject_named(story, reference.subject)
    return RunRequest(logline=logline, story=story, settings=settings)


def _settings(options: argparse.Namespace) -> Settings:
    values: dict[str, Any] = dict(from_environment())
    if options.offline:
        if options.llm or options.llm_url:
            raise UsageError("--offline means no LLM: leave out --llm and --llm-url")
        values = {}
    for name in (
        "shots",
        "generator",
        "memory",
        "memory_frames",
        "llm",
        "llm_url",
        "attempts",
        "seed",
        "steps",
        "guidance",
        "speed",
    ):
        value = getattr(options, name)
        if value is not None:
            values[name] = value
    if options.watch_forgetting and options.memory == "none":
        raise UsageError("--watch-forgetting asks what memory still knows, and --memory none keeps nothing")
    values |= {
        "style": options.style,
        "commercial": options.commercial,
        "identity": options.identity,
        "watch_forgetting": options.watch_forgetting,
        "memory_budget": _bytes(options.memory_budget),
        "vision_critic": options.vision_critic,
        "ask": _gates(options.ask),
        "references": tuple(_reference(text) for text in options.reference),
        **_size(options.size),
    }
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        flag = FLAG_OF.get(name, "--" + name.replace("_", "-"))
        raise UsageError(f"{flag} {values.get(name)!r}: {first['msg'].lower()}") from error


def _gates(text: str) -> tuple[Gate, ...]:
    words = [word for word in text.replace(" ", "").split(",") if word]
    if words in (["none"], []):
        return ()
    for word in words:
        if word not in GATES:
            raise UsageError(f"--ask {text!r}: {word!r} is no gate; use none, or any of {','.join(GATES)}")
    return tuple(gate for gate in GATES if gate in cast("list[Gate]", words))


def _reference(text: str) -> Reference:
    """Read `SUBJECT=FILE` and look at the picture, so that an unreadable one stops nothing later."""
    from PIL import Image, UnidentifiedImageError

    subject, _, file = text.partition("=")
    if not subject.strip() or not file.strip():
        raise UsageError(f'--reference {text!r}: write it as "SUBJECT=FILE", such as "Marlow the cat=cat.jpg"')
    try:
        with Image.open(file.strip()) as picture:
            picture.load()
    except FileNotFoundError as error:
        raise UsageError(f"--reference {text!r}: there is no file {file.strip()!r}") from error
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise UsageError(
            f"--reference {text!r}: {file.strip()!r} is no readable picture ({error}); use PNG, JPEG or WebP"
        ) from error
    return Reference(subject=subject.strip(), path=str(Path(file.strip()).absolute()))


def _size(text: str | None) -> dict[str, int]:
    if text is None:
        return {}
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if match is None:
        raise UsageError(f"--size {text!r}: write it as WIDTHxHEIGHT, such as 832x480")
    return {"width": int(match[1]), "height": int(match[2])}


def _bytes(text: str | None) -> int | None:
    """Read a size such as `24GiB`, `800MiB` or `24GB`; None stays None."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--memory-budget {text!r}: write a size such as 24GiB or 24GB")
    power = " KMGT".index(match[2].upper() or " ")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def _check_generator(settings: Settings) -> None:
    """Refuse unknown generators and memories, models that are missing or forbidden, and sizes that cannot be made."""
    from filmagent.generation.limits import check_size
    from filmagent.generation.memory.registry import policy_names
    from filmagent.generation.port import FrameSize

    if settings.memory not in policy_names():
        raise UsageError(f"--memory {settings.memory!r} is unknown; choose from {', '.join(policy_names())}")
    studio = Studio()
    generator = studio.generator(settings)
    studio.policy(settings)  # raises when generator and memory do not go together
    capabilities = generator.capabilities
    _ = generator.fingerprint  # raises when its files are missing
    if settings.width is not None and settings.height is not None:
        check_size(capabilities, FrameSize(settings.width, settings.height))
    if settings.memory_frames is not None and settings.memory_frames > capabilities.max_memory:
        raise UsageError(
            f"--memory-frames {settings.memory_frames}: {capabilities.name} was trained for at most "
            f"{capabilities.max_memory}"
        )
    if settings.vision_critic and not settings.llm:
        raise UsageError("--vision-critic needs an LLM that sees pictures: give --llm MODEL")
