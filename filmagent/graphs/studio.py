"""The live things of a film, looked up by the names in the settings: generator, LLM, memory policy, critic.

They never enter the state. Heavy ones are made once and kept for the life of the studio; a host or a test hands in
factories of its own. Knows nothing of nodes or run folders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from filmagent.agents.critic import Critic
from filmagent.agents.llm import LLM
from filmagent.agents.openai_llm import OpenAILLM
from filmagent.agents.vision import VisionCritic
from filmagent.errors import UsageError
from filmagent.generation.costs import KeepsWithin
from filmagent.generation.memory.port import MemoryPolicy
from filmagent.generation.memory.registry import check_memory_fits, create_policy
from filmagent.generation.models.catalogue import commercial_sets
from filmagent.generation.models.licences import refuse_unless_commercial
from filmagent.generation.port import Generator
from filmagent.generation.registry import create_generator, generator_for
from filmagent.scoring.clip import ImageFeatures, features_for
from filmagent.scoring.port import Scorer
from filmagent.scoring.registry import standard_scorers
from filmagent.settings import Settings, llm_key_from_environment

T = TypeVar("T")


def generator_of(settings: Settings) -> Generator:
    """Make the generator that the settings name. Cheap: weights load with the first shot."""
    name = generator_for(settings.generator, settings.memory)
    return create_generator(name, steps=settings.steps, guidance=settings.guidance, speed=settings.speed)


def llm_of(settings: Settings) -> LLM | None:
    """Make the LLM that the settings name, or None when they name none."""
    if not settings.llm:
        return None
    return OpenAILLM(settings.llm, base_url=settings.llm_url or None, key=llm_key_from_environment())


@dataclass
class Studio:
    """Factories by what they make, and what they have made. Safe to share between threads."""

    make_generator: Callable[[Settings], Generator] = generator_of
    make_llm: Callable[[Settings], LLM | None] = llm_of
    make_features: Callable[[str], ImageFeatures] = features_for
    """Name of a generator, with its folder where it has one -> the CLIP model that sees its pictures best."""
    make_scorers: Callable[[ImageFeatures], tuple[Scorer, ...]] = standard_scorers
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set it to stop the shot in work after its next step."""
    _made: dict[Hashable, object] = field(default_factory=dict, repr=False)
    _last: tuple[Hashable, object] | None = field(default=None, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def generator(self, settings: Settings) -> Generator:
        """Return the generator of these settings, the same one at every call.

        Raises:
            UsageError: there is no such generator, or the film is for commercial use and its licences forbid that.
        """
        name = generator_for(settings.generator, settings.memory)
        key = ("generator", name, settings.steps, settings.guidance, settings.speed, settings.commercial,
               settings.memory_budget)
        return self._once(key, lambda: self._allowed_generator(settings))

    def llm(self, settings: Settings) -> LLM | None:
        """Return the LLM of these settings, or None when writer and director work without one."""
        return self._once(("llm", settings.llm, settings.llm_url), lambda: self.make_llm(settings))

    def features(self, settings: Settings) -> ImageFeatures:
        """Return the CLIP model that memory and critic share."""
        name = self.generator(settings).capabilities.name
        asked = settings.generator
        # A maker of generators that an app brings need not make what the settings name.
        known = asked if asked.partition(":")[0] == name else name
        return self._once(("features", known), lambda: self.make_features(known))

    def policy(self, settings: Settings) -> MemoryPolicy:
        """Return the memory policy of these settings.

        Raises:
            UsageError: there is no such policy, or the generator cannot do what it, or `identity`, asks for.
        """
        capabilities = self.generator(settings).capabilities
        check_memory_fits(settings.memory, capabilities)
        if settings.identity and not capabilities.draws_identity:
            raise UsageError(f"--identity: generator {capabilities.name!r} cannot draw subjects from memory; leave it "
                             "out, or use --generator wan-memento:FOLDER or wan2.2-memento")
        return create_policy(settings.memory, lambda: self.features(settings))

    def critic(self, settings: Settings) -> Critic:
        """Return the critic of these settings. Raises UsageError if a vision critic is asked for without an LLM."""
        llm = self.llm(settings)
        if settings.vision_critic and llm is None:
            raise UsageError("--vision-critic needs an LLM that sees pictures: give --llm MODEL")
        key = ("critic", self.generator(settings).capabilities.name, settings.vision_critic, settings.llm)
        vision = VisionCritic(llm) if settings.vision_critic and llm is not None else None
        return self._once(key, lambda: Critic(scorers=self.make_scorers(self.features(settings)), vision=vision))

    def _allowed_generator(self, settings: Settings) -> Generator:
        generator = self.make_generator(settings)
        if settings.commercial:
            refuse_unless_commercial(settings.generator, generator.capabilities.models, commercial_sets())
        if settings.memory_budget is not None:
            if not isinstance(generator, KeepsWithin):
                raise UsageError(
                    f"--memory-budget: generator {settings.generator!r} has no memory ladder; leave it out"
                )
            generator.keep_within(settings.memory_budget)
        return generator

    def last(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gave for this key, kept until another key is asked for: one thing at a time.

        For what two nodes in a row need and no state may hold, such as the decoded frames of a seam.
        """
        with self._lock:
            if self._last is None or self._last[0] != key:
                self._last = (key, make())
            return cast("T", self._last[1])

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return cast("T", self._made[key])
