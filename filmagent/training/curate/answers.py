"""Asks a vision LLM and keeps every answer on disk, so that no question is paid twice.

An answer's name is the hash of its question: model, words, shape of the answer, and which frames of which clip are
shown. It is written before anybody uses it. Pictures are made only for questions that are really sent. Knows the LLM
port; nothing of films.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from filmagent.agents.llm import LLM, Message
from filmagent.artifacts import read_json, stable_key, write_json_atomically
from filmagent.errors import ArtifactError

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Picture:
    """A picture that can be shown."""

    key: str
    """Says which picture it is, such as a clip's hash and a frame's number."""
    load: Callable[[], bytes]
    """Returns it as a PNG or JPEG file."""


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    pictures: tuple[Picture, ...] = ()


@dataclass
class KeptAnswers:
    """A vision LLM that remembers on disk. Safe to share between threads."""

    llm: LLM
    model: str
    """Part of every question's hash; the server's address is not, so that it may move."""
    folder: Path
    asked: int = 0
    """Questions sent."""
    kept: int = 0
    """Questions whose answers were there already."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, turns: Sequence[Turn], answer: type[T]) -> T:
        """Return the answer to a conversation, from disk when it was given before.

        Raises:
            LLMError: as `LLM.ask`; nothing is kept then.
            ArtifactError: an answer cannot be written, or a kept one is damaged.
        """
        path = self.folder / f"{self._key(turns, answer)}.json"
        if path.is_file():
            self._count(kept=1)
            try:
                return answer.model_validate(read_json(path)["answer"])
            except (ValidationError, KeyError, TypeError) as error:
                raise ArtifactError(f"{str(path)!r} is damaged; delete it, and its question is asked again") from error
        messages = [Message(turn.role, turn.text, tuple(picture.load() for picture in turn.pictures)) for turn in turns]
        said = self.llm.ask(messages, answer)
        write_json_atomically(path, {"model": self.model, "shape": answer.__name__,
                                     "answer": said.model_dump(mode="json")})
        self._count(asked=1)
        return said

    def _key(self, turns: Sequence[Turn], answer: type[BaseModel]) -> str:
        asked = [[turn.role, turn.text, [picture.key for picture in turn.pictures]] for turn in turns]
        return stable_key({"model": self.model, "answer": answer.model_json_schema(), "turns": asked})

    def _count(self, *, asked: int = 0, kept: int = 0) -> None:
        with self._lock:
            self.asked += asked
            self.kept += kept
