"""The memory policies by the names that a person types. A new policy is one line here. Importing loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from filmagent.errors import UsageError
from filmagent.generation.memory.policies import NoMemory, StoryMem
from filmagent.generation.memory.port import MemoryPolicy
from filmagent.scoring.clip import ImageFeatures

FeaturesFactory = Callable[[], ImageFeatures]

POLICIES: Mapping[str, Callable[[FeaturesFactory], MemoryPolicy]] = {
    "none": lambda features: NoMemory(),
    "storymem": StoryMem,
}


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
