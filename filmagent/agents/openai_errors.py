"""What the openai client's errors mean: which may pass, how long to wait, and what a person is told.

Knows the client's exceptions; nothing of questions or answers.
"""

from __future__ import annotations

import email.utils
import random
import time
from typing import TYPE_CHECKING

from filmagent.errors import LLMAnswerError, LLMError, LLMRequestError, LLMUnavailableError

if TYPE_CHECKING:
    import openai
    import tenacity

LONGEST_WAIT = 120.0
"""Seconds between two attempts, whatever the server asks for."""
FIRST_WAIT = 1.0
"""Seconds before the second attempt, about doubled every time."""

_ADVICE = {
    401: "the server does not accept the key: set FILMAGENT_LLM_KEY",
    402: "the account has no credit",
    403: "the key may not use this model: use another key or model",
    404: "the server knows no such model or address: check --llm and --llm-url",
    413: "the question is too long for this server: ask for fewer shots",
}


def is_passing(error: BaseException) -> bool:
    """Whether the same request may succeed later: overloaded, failing or silent servers, but no empty account."""
    import openai

    if isinstance(error, openai.RateLimitError):
        return error.code != "insufficient_quota"
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def retry_wait(state: tenacity.RetryCallState) -> float:
    """Return the seconds to wait before the next attempt: what the server asks for, else exponential with jitter."""
    error = state.outcome.exception() if state.outcome is not None else None
    asked = _asked_wait(error)
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    return float(min(FIRST_WAIT * 2 ** (state.attempt_number - 1) * random.uniform(0.75, 1.5), LONGEST_WAIT))


def no_answer_error(error: openai.OpenAIError, who: str, attempts: int) -> LLMError:
    """Return the error that a person is shown for one of the client.

    Args:
        error: what the client raised last.
        who: model and server.
        attempts: how often a question was sent before giving up, if the reason could pass.
    """
    import openai

    if isinstance(error, openai.APITimeoutError):
        return LLMUnavailableError(f"{who} did not answer in time, {attempts} times; try later, or raise the timeout")
    if isinstance(error, openai.APIConnectionError):
        return LLMUnavailableError(f"{who} cannot be reached ({error.__cause__ or error}); is the server running?")
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, who, attempts)
    if isinstance(error, openai.APIResponseValidationError):
        return LLMAnswerError(f"{who} answered with something that is no chat completion; check the URL")
    return LLMRequestError(f"{who} could not be asked: {error}")


def _status_error(error: openai.APIStatusError, who: str, attempts: int) -> LLMError:
    said = _short(error.message)
    if is_passing(error):
        return LLMUnavailableError(f"{who} failed {attempts} times, last with status {error.status_code}: {said}; try "
                                   "later")
    if error.status_code == 400 and ("response_format" in error.message or "json_schema" in error.message):
        return LLMRequestError(f"{who} knows no JSON Schema answers (status 400: {said}); choose another server or "
                               "model, or make the LLM with answer_format='json_object'")
    quota = error.status_code == 429
    advice = _ADVICE.get(402 if quota else error.status_code, "mend the request: model name, URL or size")
    return LLMRequestError(f"{who} rejected the request with status {error.status_code}: {said}; {advice}")


def _asked_wait(error: BaseException | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, section 10.2.3)."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return None
    text = error.response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        date = email.utils.parsedate_tz(text)
        return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"
