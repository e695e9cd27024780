"""Which generators there are, by the name that a person types.

Importing this loads no torch, and making a generator loads no weights: a generator's own module is imported when it
is asked for. Knows names; nothing of how any generator works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import getattr_static
from typing import Literal, cast

from filmagent.errors import UsageError
from filmagent.generation.limits import check_request_fits, check_size
from filmagent.generation.port import Generator
from filmagent.generation.trained.names import BUILT_IN
from filmagent.generation.wan.fast.presets import EXACT, SPEEDS, check_speed

__all__ = ["check_request_fits", "check_size", "create_generator", "generator_for", "generator_names"]

Factory = Callable[..., Generator]
"""Called with the keyword arguments `steps: int | None` and `guidance: float | None`, and `speed: str` where that is
not `exact`; with the folder first for a generator that needs one."""
FASTER = tuple(name for name in SPEEDS if name != EXACT)


@dataclass(frozen=True)
class Entry:
    """Where a named generator is made."""

    module: str
    factory: str
    folder: Literal["none", "possible", "needed"] = "none"
    """Whether the name is followed by `:FOLDER`, the model's files."""
    speeds: tuple[str, ...] = ()
    """What may follow `--speed` besides `exact`."""
    given: tuple[str, ...] = ()
    """Arguments of the factory that the name stands for, before all others."""


GENERATORS: Mapping[str, Entry] = {
    "papercut": Entry("filmagent.generation.papercut.generator", "papercut", folder="possible"),
    **{f"papercut-{memory}": Entry("filmagent.generation.trained.built_in", "papercut_with", given=(memory,))
       for memory in BUILT_IN},
    "wan2.2": Entry("filmagent.generation.wan.storymem", "wan22", speeds=FASTER),
    "wan2.2-storymem": Entry("filmagent.generation.wan.storymem", "wan22_storymem", speeds=FASTER),
    "wan2.2-storymem-t2v": Entry("filmagent.generation.wan.storymem", "wan22_storymem_t2v", speeds=FASTER),
    "wan2.2-memento": Entry("filmagent.generation.wan.memento.generator", "wan22_memento"),
    "wan-memento": Entry("filmagent.generation.wan.memento.generator", "wan_memento", folder="needed"),
    "wan-onestory": Entry("filmagent.generation.wan.onestory.generator", "wan_onestory", folder="needed"),
    "trained-memory": Entry("filmagent.generation.trained.filming", "trained", folder="needed"),
    "wan-storymem": Entry("filmagent.generation.wan.storymem", "wan_storymem", folder="needed", speeds=FASTER),
    "wan-text": Entry("filmagent.generation.wan.storymem", "wan_text", folder="needed", speeds=FASTER),
}


def generator_for(name: str, memory: str) -> str:
    """Return the generator that is meant where a person names these two.

    papercut brings memories that were trained on it: `papercut` with `memento` is `papercut-memento`.
    """
    own = f"{name}-{memory}"
    return own if name == "papercut" and own in GENERATORS else name


def generator_names() -> tuple[str, ...]:
    """Return the names after `--generator`, as a person writes them."""
    names = []
    for name, entry in GENERATORS.items():
        names += [name] * (entry.folder != "needed") + [f"{name}:FOLDER"] * (entry.folder != "none")
    return tuple(names)


def create_generator(
    name: str, *, steps: int | None = None, guidance: float | None = None, speed: str = EXACT
) -> Generator:
    """Make a generator; cheap, since weights load with its first shot.

    Args:
        name: one of `generator_names()`, such as `papercut` or `wan-storymem:/models/wan`; or `package.module:factory`
            for a generator of one's own, where `factory(steps=..., guidance=...)` returns a `Generator`.
        steps: denoising steps; None: the generator's default.
        guidance: guidance scale; None: the generator's default.
        speed: one of `filmagent.generation.wan.fast.presets.SPEEDS`; `exact`: as published.

    Raises:
        UsageError: there is no such generator or speed, the one does not know the other, or its name lacks the folder
            of its files.
    """
    check_speed(speed)
    word, colon, rest = name.partition(":")
    if (entry := GENERATORS.get(word)) is not None:
        factory = cast("Factory", getattr(import_module(entry.module), entry.factory))
        if entry.folder == "needed" and not rest:
            raise UsageError(f"generator {name!r} needs the folder of its files: write {word}:FOLDER")
        if colon and (entry.folder == "none" or not rest):
            raise UsageError(f"generator {name!r}: {word} takes nothing behind a colon; write {word!r}")
        if speed != EXACT and speed not in entry.speeds:
            others = [other for other in generator_names() if speed in GENERATORS[other.partition(":")[0]].speeds]
            raise UsageError(f"--speed {speed}: generator {name!r} knows no such shortcut; leave --speed out, or use "
                             f"--generator {', '.join(others)}")
        faster = {} if speed == EXACT else {"speed": speed}
        return factory(*entry.given, *([rest] if rest else []), steps=steps, guidance=guidance, **faster)
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        if speed != EXACT:
            raise UsageError(f"--speed {speed}: generator {name!r} is your own, and how it is made faster is up to it; "
                             "leave --speed out")
        return _own_generator(name, word, rest, steps=steps, guidance=guidance)
    raise UsageError(
        f"generator {name!r} is unknown; choose from {', '.join(generator_names())}, or write package.module:factory"
    )


def _own_generator(name: str, module: str, factory: str, *, steps: int | None, guidance: float | None) -> Generator:
    """Make a generator that a person brought along."""
    try:
        make = getattr(import_module(module), factory)
    except ImportError as error:
        raise UsageError(f"generator {name!r}: module {module!r} cannot be imported ({error})") from error
    except AttributeError as error:
        raise UsageError(f"generator {name!r}: module {module!r} has no {factory!r}") from error
    if not callable(make):
        raise UsageError(f"generator {name!r}: {factory!r} is no function that returns a generator")
    made = make(steps=steps, guidance=guidance)
    # Looked up without asking: a generator's properties may read files that are not there yet.
    lacks = [part for part in ("capabilities", "fingerprint", "translate", "generate")
             if getattr_static(made, part, None) is None]
    if lacks:
        raise UsageError(
            f"generator {name!r} made a {type(made).__name__}, which lacks {', '.join(lacks)}: "
            "see filmagent.generation.port.Generator"
        )
    return cast("Generator", made)
