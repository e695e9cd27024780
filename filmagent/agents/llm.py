"""The LLM port: questions in, a validated model out.

Whoever implements `LLM` can write, direct and judge for filmagent. Knows no vendor, no key and no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[bytes, ...] = ()
    """Pictures shown with the text, each a whole PNG or JPEG file."""


@runtime_checkable
class LLM(Protocol):
    """Answers in the shape of a pydantic model."""

    @property
    def describe(self) -> str:
        """Which model answers and where, for people and manifests. Holds no secret."""
        ...

    def ask(self, messages: Sequence[Message], answer: type[T]) -> T:
        """Return the model's answer to a conversation, validated.

        Args:
            messages: the conversation, oldest first.
            answer: what the answer must look like. Strict servers want every field required and no free-form maps.

        Raises:
            LLMUnavailableError: the server stayed unreachable, overloaded or silent through every retry.
            LLMRequestError: the server rejected the request itself.
            LLMRefusedError: the model declined to answer.
            LLMAnswerError: the answer was cut off or does not fit `answer`.
        """
        ...
