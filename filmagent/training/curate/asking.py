"""How questions are asked: with a check that the model sees, again when an answer breaks the rules, many at a time.

Tells errors that are about one question from those that are about server, key or model. Knows no films.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from pydantic import BaseModel

from filmagent.agents.llm import Message
from filmagent.errors import LLMAnswerError, LLMError, LLMRefusedError, LLMRequestError
from filmagent.training.curate.answers import KeptAnswers, Picture, Turn
from filmagent.training.curate.clips import encode_jpeg
from filmagent.training.curate.questions import CHECK, ColourSeen, mend_order

ROUNDS = 3
"""Answers to one question, the first included, before its subject is given up."""

T = TypeVar("T", bound=BaseModel)
Item = TypeVar("Item")
Result = TypeVar("Result")


class GivenUpError(LLMAnswerError):
    """One question has no usable answer. Decision: leave out what it is about, and go on."""


def check_sees(answers: KeptAnswers) -> None:
    """Ask the colour of a red picture, so that a wrong key or a model without eyes is found before any work.

    Raises:
        LLMAnswerError: the model does not see pictures.
        LLMError: the server cannot be asked.
    """
    seen = answers.ask([Turn("user", CHECK, (Picture("a red picture of 64x64", _red),))], ColourSeen)
    if seen.colour != "red":
        raise LLMAnswerError(f"{answers.llm.describe} calls a red picture {seen.colour!r}: it does not see pictures; "
                             "name a vision model with --llm")


def ask_until_right(
    answers: KeptAnswers, turns: Sequence[Turn], shape: type[T], problems: Callable[[T], Sequence[str]]
) -> T:
    """Ask, and ask again with the reasons while the answer breaks rules.

    Args:
        answers: who is asked.
        turns: the question.
        shape: of the answer.
        problems: returns what is wrong with an answer, worded for the model; empty when all is well.

    Raises:
        GivenUpError: the model refuses, or its answers stay unusable.
        LLMError: server, key or model are at fault.
    """
    conversation, reasons = tuple(turns), list[str]()
    for _ in range(ROUNDS):
        try:
            said = answers.ask(conversation, shape)
        except LLMAnswerError as error:
            text, reasons = "(no usable answer)", [str(error)]
        except LLMRefusedError as error:
            raise GivenUpError(str(error)) from error
        except LLMRequestError as error:
            if _still_answers(answers):
                raise GivenUpError(str(error)) from error
            raise
        else:
            text, reasons = said.model_dump_json(), list(problems(said))
            if not reasons:
                return said
        conversation = (*conversation, Turn("assistant", text), Turn("user", mend_order(reasons)))
    raise GivenUpError("; ".join(reasons))


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield the results in order; when one raises, what has not begun is left undone and the error goes on."""
    failed = threading.Event()

    def unless_failed(item: Item) -> Result:
        if failed.is_set():
            raise CancelledError
        try:
            return work(item)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(unless_failed, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _still_answers(answers: KeptAnswers) -> bool:
    """Whether the server answers the check: then a rejected request is the question's fault, not key's or model's."""
    try:
        answers.llm.ask([Message("user", CHECK, (_red(),))], ColourSeen)
    except LLMError:
        return False
    return True


def _red() -> bytes:
    return encode_jpeg(np.full((64, 64, 3), (255, 0, 0), np.uint8))
