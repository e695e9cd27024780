"""What the films of a Wan configuration are known by: the models that take part, and what decides frames.

Reads the contents of files, each once; loads nothing. Knows no request and no machine.
"""

from __future__ import annotations

from functools import cached_property

from filmagent.generation.wan.config import WanConfig
from filmagent.generation.wan.weights.checkpoints import revision_of
from filmagent.generation.wan.weights.filming_adapter import filming_card, filming_fingerprint
from filmagent.schemas.take import ModelUse


class Identity:
    """Of one configuration; what is missing is asked for again, what was found is remembered."""

    def __init__(self, config: WanConfig) -> None:
        """Keep the configuration, with the adapters that its experts wear; nothing is read."""
        self._config = config

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """The models that take part; `not installed` for files that are not there."""
        config = self._config
        cards = (config.card,) if config.adapter_card is None else (config.card, config.adapter_card)
        models = [card.found(lambda: self._weights) for card in cards]
        if config.distilled is not None:
            models.append(config.distilled.card.found(lambda: self._few_step))
        if config.filming_adapter is not None:
            models.append(filming_card(config.card).found(lambda: self._filming["filming_adapter"]))
        return tuple(models)

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What decides frames besides the request and the machine.

        Raises:
            ModelFilesError: the files that give a revision are missing or broken.
        """
        config = self._config
        return {
            **self._what_is_faster(),
            **self._filming,
            **config.sampling.fingerprint,
            "generator": config.name,
            "weights": self._weights,
        }

    @property
    def speed_notes(self) -> tuple[str, ...]:
        """What makes shots faster, in words for a person; nothing for the plain loop."""
        speed, few_step = self._config.speed.name, self._config.distilled
        steps = "" if few_step is None else f"few-step adapter {few_step.card.name}, {len(few_step.sigmas)} steps"
        return (f"faster: {'; '.join(filter(None, (steps, speed)))}",) if steps or speed else ()

    def check_few_step(self) -> None:
        """Look at the files of the few-step adapter, if there is one. Raises ModelFilesError."""
        _ = self._few_step

    def _what_is_faster(self) -> dict[str, str]:
        """Return the fingerprint's entries of the speed options; none for the plain loop."""
        speed, few_step = self._config.speed.name, self._config.distilled
        found = {"speed": speed} if speed else {}
        if few_step is not None:
            found["sigmas"] = ", ".join(f"{sigma:g}" for sigma in few_step.sigmas)
            found["few_step"] = f"{self._few_step} x {few_step.strength:g}"
        return found

    @cached_property
    def _weights(self) -> str:
        return revision_of(self._config)

    @cached_property
    def _few_step(self) -> str:
        """Nothing where there is no such adapter."""
        from filmagent.generation.wan.fast.distilled import revision_of_distilled

        return "" if self._config.distilled is None else revision_of_distilled(self._config.distilled)

    @cached_property
    def _filming(self) -> dict[str, str]:
        return filming_fingerprint(self._config)
