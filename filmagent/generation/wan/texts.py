"""Prompts as the experts read them: encoded once, remembered, and the text encoder off the card again.

Knows pipelines and rungs; nothing of shots.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from filmagent.errors import GenerationError
from filmagent.generation.wan.budget.ladder import text_encoder_at_work
from filmagent.generation.wan.library import get_module_execution_device

if TYPE_CHECKING:
    from filmagent.generation.wan.models import LoadedModels

CACHED_PROMPTS = 128
"""Features that are kept: those of a whole film, retakes included. 4 MB each for Wan2.2."""


class PromptFeatures:
    """The features of the latest prompts, kept on the CPU. They outlive the models that made them."""

    def __init__(self, limit: int) -> None:
        """Refuse prompts of more than `limit` tokens."""
        self._limit = limit
        self._kept: OrderedDict[str, Tensor] = OrderedDict()
        self._coming: tuple[str, ...] = ()

    def expect(self, texts: Sequence[str]) -> None:
        """Encode these as well when the text encoder is at work the next time; one that is too long waits."""
        self._coming = tuple(texts)

    def of(self, models: LoadedModels, texts: Sequence[str]) -> list[Tensor]:
        """Return every text's features (1, tokens, width), where the experts compute.

        The text encoder is on the card only while it encodes, and not at all for prompts that are remembered.

        Raises:
            GenerationError: a prompt has more tokens than the experts read. Nothing is cut silently.
        """
        pipeline, device = models.pipeline, models.precision.device
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        for text in new:
            self._check_length(models, text)
        if new:
            new += self._worth_encoding_now(models, new)
            with text_encoder_at_work(pipeline, models.rung, device):
                for text in new:
                    features, _ = pipeline.encode_prompt(
                        text, do_classifier_free_guidance=False, max_sequence_length=self._limit,
                        device=get_module_execution_device(pipeline.text_encoder),
                    )
                    self._kept[text] = features.cpu()
        for text in texts:
            self._kept.move_to_end(text)
        found = [self._kept[text].to(device) for text in texts]
        while len(self._kept) > CACHED_PROMPTS:
            self._kept.popitem(last=False)
        return found

    def _worth_encoding_now(self, models: LoadedModels, new: Sequence[str]) -> list[str]:
        """Return the prompts to come that spare another visit: none where the text encoder never leaves the CPU."""
        if models.rung.experts == "blocks":
            return []
        return [text for text in dict.fromkeys(self._coming)
                if text not in self._kept and text not in new and _length(models, text) <= self._limit]

    def _check_length(self, models: LoadedModels, text: str) -> None:
        length = _length(models, text)
        if length > self._limit:
            raise GenerationError(f"the prompt has {length} tokens, the model reads {self._limit}: "
                                  f"shorten {text[:60]!r}...")


def _length(models: LoadedModels, text: str) -> int:
    return len(models.pipeline.tokenizer(text).input_ids)
