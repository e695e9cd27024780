"""The memory policies by the names that a person types. A new policy is one line here. Importing loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from filmagent.errors import UsageError
from filmagent.generation.memory.cover import Cover
from filmagent.generation.memory.memento import Memento
from filmagent.generation.memory.onestory import OneStory
from filmagent.generation.memory.policies import NoMemory, StoryMem
from filmagent.generation.memory.port import MemoryPolicy
from filmagent.generation.port import Capabilities
from filmagent.scoring.clip import ImageFeatures

FeaturesFactory = Callable[[], ImageFeatures]

POLICIES: Mapping[str, Callable[[FeaturesFactory], MemoryPolicy]] = {
    "none": lambda features: NoMemory(),
    "storymem": StoryMem,
    "cover": Cover,
    "memento": Memento,
    "onestory": OneStory,
}
ONLY_OFFER: Mapping[str, str] = {
    "memento": "papercut without a folder, wan-memento:FOLDER, wan2.2-memento or trained-memory:FOLDER",
    "onestory": "papercut without a folder, wan-onestory:FOLDER or trained-memory:FOLDER",
}
"""Policies that leave the choice to the generator -> generators with such a selector."""


def policy_names() -> tuple[str, ...]:
    """Return the words that may follow `--memory`."""
    return tuple(POLICIES)


def create_policy(name: str, features: FeaturesFactory) -> MemoryPolicy:
    """Make a policy. Cheap: `features` is called when the first frames are measured.

    Raises:
        UsageError: there is no policy of this name.
    """
    if name not in POLICIES:
        raise UsageError(f"--memory {name!r}: there is no such memory; choose one of {', '.join(POLICIES)}")
    return POLICIES[name](features)


def only_offers(name: str) -> bool:
    """Return whether a policy hands over candidates, and the generator chooses what is shown."""
    return name in ONLY_OFFER


def check_memory_fits(name: str, capabilities: Capabilities) -> None:
    """Raise UsageError when a policy leaves the choice to a generator that does not choose."""
    if only_offers(name) and not capabilities.memory_candidates:
        others = ", ".join(other for other in POLICIES if not only_offers(other))
        raise UsageError(f"--memory {name}: generator {capabilities.name!r} has no selector to choose from its "
                         f"candidates; use --generator {ONLY_OFFER[name]}, or one of {others}")
