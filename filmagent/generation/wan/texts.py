"""Prompts as the experts read them: encoded once, remembered, and the text encoder off the card again.

Knows pipelines and rungs; nothing of shots.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from filmagent.errors import GenerationError
from filmagent.generation.wan.ladder import text_encoder_at_work
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

    def _check_length(self, models: LoadedModels, text: str) -> None:
        length = len(models.pipeline.tokenizer(text).input_ids)
        if length > self._limit:
            raise GenerationError(f"the prompt has {length} tokens, the model reads {self._limit}: "
                                  f"shorten {text[:60]!r}...")
