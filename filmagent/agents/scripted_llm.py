"""An LLM that answers from a script: for tests and examples, without server, key or cost.

Knows the port only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from filmagent.agents.llm import Message
from filmagent.errors import LLMAnswerError, LLMError

T = TypeVar("T", bound=BaseModel)

Scripted = BaseModel | dict[str, object] | LLMError | Callable[[Sequence[Message]], BaseModel]
"""An answer, its fields, an error to raise, or a function of the conversation that gives the answer."""


@dataclass(frozen=True)
class Asked:
    """One question that was asked."""

    messages: tuple[Message, ...]
    answer: type[BaseModel]


class ScriptedLLM:
    """Gives the scripted answers in order and remembers what it was asked.

    `asked` holds every question, oldest first.
    """

    def __init__(self, script: Iterable[Scripted] = (), *, name: str = "scripted") -> None:
        self._script = list(script)
        self._name = name
        self.asked: list[Asked] = []

    @property
    def describe(self) -> str:
        """The name it was given."""
        return self._name

    def ask(self, messages: Sequence[Message], answer: type[T]) -> T:
        """Return the next scripted answer.

        Raises:
            LLMError: the script says so.
            LLMAnswerError: the script has run out, or its answer does not fit.
        """
        position = len(self.asked)
        self.asked.append(Asked(tuple(messages), answer))
        if position >= len(self._script):
            raise LLMAnswerError(f"the script of {self._name} has run out: question {position + 1} wants "
                                 f"{answer.__name__}; add an answer to the script")
        scripted = self._script[position]
        if isinstance(scripted, LLMError):
            raise scripted
        given = scripted if isinstance(scripted, BaseModel | dict) else scripted(messages)
        try:
            return answer.model_validate(given.model_dump() if isinstance(given, BaseModel) else given)
        except ValidationError as error:
            raise LLMAnswerError(f"answer {position + 1} in the script of {self._name} is no {answer.__name__}: {error}"
                                 ) from error
