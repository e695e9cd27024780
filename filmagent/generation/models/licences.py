"""What a licence lets a person do with a film, and the refusal that `--commercial` means.

Licences are data: every weight carries one, a generator names those of its models. Nothing here reads a file, so a
refusal comes before anything is downloaded or loaded. This is bookkeeping, no legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from filmagent.errors import UsageError
from filmagent.schemas.take import ModelUse


@dataclass(frozen=True)
class Licence:
    """A licence as the manifest names it."""

    name: str
    """SPDX identifier where there is one."""
    commercial: bool
    """Whether it lets films be used commercially."""
    note: str = ""
    """What a person should know besides."""


APACHE = Licence("Apache-2.0", commercial=True)
MIT = Licence("MIT", commercial=True)
CC_BY_NC = Licence("CC-BY-NC-4.0", commercial=False, note="StoryMem's weights card; its code is non-commercial too")
MEMENTO = Licence(
    "non-commercial",
    commercial=False,
    note="its page shows Apache-2.0, but no licence file lies beside it, and it derives from non-commercial StoryMem",
)
LICENCES: Mapping[str, Licence] = {licence.name: licence for licence in (APACHE, MIT, CC_BY_NC, MEMENTO)}


def refuse_unless_commercial(generator: str, models: Iterable[ModelUse], instead: Iterable[str]) -> None:
    """Raise UsageError unless all models of a generator may be used commercially.

    A licence that is not known here is refused too: nobody has said that it allows it.

    Args:
        generator: its name, for the message.
        models: what it films with.
        instead: generators whose licences allow it.
    """
    for model in models:
        licence = LICENCES.get(model.licence)
        if licence is not None and licence.commercial:
            continue
        why = "is non-commercial" if licence is not None else "is not known to allow commercial use"
        raise UsageError(
            f"--commercial: generator {generator!r} films with {model.name}, whose licence {why} ({model.licence}); "
            f"use --generator {' or '.join(instead)}"
        )
